"""What a fresh reader of each page gets: on a phone and a desk, in light and dark."""

import functools
import gzip
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.site
# a width, and the theme in which a reader comes there; then the theme is switched
LOOKS = {390: ("dark", "light"), 1280: ("light", "dark")}
TEXT = {".css", ".html", ".js", ".json", ".svg"}  # what servers compress
HEAVIEST = 1_200_000  # bytes, compressed

WIDTH = "document.documentElement.scrollWidth"
AT_ONCE = """() => {  // colours do not glide from theme to theme
  const style = new CSSStyleSheet();
  style.replaceSync("*, *::before, *::after { transition: none !important; }");
  document.adoptedStyleSheets.push(style);
}"""
FACTS = """() => {
  const count = (selector) => document.querySelectorAll(selector).length;
  const decorative = (image) =>
    ["none", "presentation"].includes(image.role) || image.ariaHidden === "true";
  return {
    speechless: [...document.images].filter((image) => !image.alt.trim() && !decorative(image))
      .map((image) => image.src),
    broken: [...document.images].filter((image) => !image.naturalWidth).map((image) => image.src),
    formulas: count(".math"),
    set: count(".math mjx-container"),
    failed: count("mjx-merror"),
  };
}"""
# Most of axe's time goes to each word of code and each formula: one of each kind is enough.
OPENED_AND_THINNED = """() => {
  for (const button of document.querySelectorAll("button.toggle-button-hidden")) button.click();
  const seen = new Set();
  for (const word of document.querySelectorAll(".highlight pre span")) {
    const kind = `${word.closest(".cell_output, .cell_input")?.className} ${word.className}`;
    if (seen.has(kind)) word.replaceWith(...word.childNodes);
    seen.add(kind);
  }
  // formulas of their own line and in tables stay: they make things wide
  for (const formula of document.querySelectorAll("mjx-container:not([display], table *)")) {
    const kind = `formula ${formula.closest("a, h1, h2, h3, li, p, div")?.tagName}`;
    if (seen.has(kind)) formula.replaceWith("formula");
    seen.add(kind);
  }
  // the theme makes what now scrolls focusable, 300 ms after the next frame
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done, 400)));
}"""
# Contrast is a matter of style, which each theme sets anew.
ONE_OF_EACH_KIND = """() => {
  for (const part of document.querySelectorAll("[data-alike]")) {
    part.style.visibility = "";
    part.removeAttribute("data-alike");
  }
  const kept = new Map(), alike = [];
  for (const part of document.body.querySelectorAll("*")) {
    const texts = [...part.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    if (!texts.some((node) => node.data.trim())) continue;
    if (!part.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(part);
    const kind = [style.color, style.fill, style.opacity, style.fontSize, style.fontWeight];
    for (let at = part, up = 0; at !== document.body && up < 6; at = at.parentElement, up += 1) {
      kind.push(at.tagName, at.getAttribute("class"), getComputedStyle(at).backgroundColor);
    }
    const key = kind.join(" ");
    if (kept.has(key)) alike.push(part);
    else kept.set(key, part);
  }
  const all = [...kept.values()];  // axe gives up where a shown part stands in a hidden one
  for (const part of alike) {
    if (all.some((one) => part.contains(one))) continue;
    part.style.visibility = "hidden";
    part.setAttribute("data-alike", "");
  }
}"""


@pytest.fixture(scope="module")
def visit(load: Callable, artifacts: Path) -> Callable[..., dict]:
    """The facts of a page at a width, in both themes; it is loaded once for all tests."""

    @functools.cache
    def visit_it(path: str, width: int, scheme: str = "http") -> dict:
        page, log = load(path, scheme, width=width, theme=LOOKS[width][0])
        found = page.evaluate(FACTS) | {"log": log, "widths": {}, "barriers": {}}
        page.evaluate(AT_ONCE)
        for theme in LOOKS[width]:
            switch(page, theme)
            found["widths"][theme] = page.evaluate(WIDTH)
            if log.faults or found["widths"][theme] > width or found["broken"]:
                name = path.removesuffix(".html").replace("/", "-")  # leave a picture of it
                page.screenshot(path=artifacts / f"{name}-{width}-{theme}.png", full_page=True)
        if width == 390:
            page.set_viewport_size({"width": 320, "height": 900})
            found["smallest"] = page.evaluate(WIDTH)
            page.set_viewport_size({"width": width, "height": 900})
        if scheme == "http":
            page.evaluate(OPENED_AND_THINNED)
            found["barriers"]["any"] = axe(page, {"rules": {"color-contrast": {"enabled": False}}})
            if width == 1280:  # a width changes no colours
                for theme in LOOKS[width]:
                    switch(page, theme)
                    page.evaluate(ONE_OF_EACH_KIND)
                    found["barriers"][theme] = axe(page, {"runOnly": ["color-contrast"]})
        page.evaluate("localStorage.clear()")
        page.close()
        return found

    return visit_it


def switch(page: Page, theme: str) -> None:
    """Switch the theme of the reader's system, which a page follows."""
    page.emulate_media(color_scheme=theme)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)


def axe(page: Page, rules: dict) -> list[dict]:
    """What axe finds; it need not fetch the stylesheets again."""
    options = {"resultTypes": ["violations"], "preload": False} | rules
    response = Axe().run(page, None, options).response
    assert response["passes"], "axe gives up without a word"
    return response["violations"]


def test_nothing_leaves_complains_or_sticks_out(visit, path, width):
    seen = visit(path, width)
    assert seen["log"].faults == []
    assert seen["widths"].keys() == {"light", "dark"}
    assert max(seen["widths"].values()) <= width


def test_nobody_is_shut_out(visit, path, width):
    found = visit(path, width)["barriers"]
    assert found.keys() == {"any", *(LOOKS[width] if width == 1280 else ())}, "axe has judged"
    for theme, barriers in found.items():
        serious = [one for one in barriers if one["impact"] in ("serious", "critical")]
        told = [(theme, one["id"], [node["target"] for node in one["nodes"]]) for one in serious]
        assert told == []


def test_answers_from_a_folder(visit, path):
    seen = visit(path, 390, "file")
    assert seen["log"].faults == []
    assert (seen["set"], seen["failed"], seen["broken"]) == (seen["formulas"], 0, [])


def test_chapters_fit_the_smallest_phone(visit, chapter):
    assert visit(chapter, 390)["smallest"] <= 320


def test_pictures_load_and_have_words(visit, path):
    seen = visit(path, 1280)
    assert (seen["speechless"], seen["broken"]) == ([], [])


def test_formulas_are_set(visit, path, chapters):
    seen = visit(path, 1280)
    assert (seen["set"], seen["failed"]) == (seen["formulas"], 0)
    assert seen["formulas"] > 0 or path not in chapters


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_first_page_leads_on(contexts, roots, scheme):
    page = contexts(1280, "light").new_page()
    page.goto(roots[scheme] + "index.html")
    page.wait_for_url(roots[scheme] + "book/index.html")
    page.close()


def test_the_page_is_light(visit, site, path):
    urls = map(urlsplit, visit(path, 1280)["log"].requests)
    files = {site / unquote(url.path).lstrip("/") for url in urls if url.scheme == "http"}
    assert len(files) > 10, "styles and scripts were counted"
    assert sum(map(weight, files)) <= HEAVIEST


@functools.cache
def weight(path: Path) -> int:
    """The bytes that a server sends for a file."""
    data = path.read_bytes()
    return len(gzip.compress(data, mtime=0)) if path.suffix in TEXT else len(data)


@pytest.mark.parametrize(
    "kind", ["test_looks.py::a[{}]", "test_looks.py::b[{}-390]", "c.py::d[{}-file]"]
)
def test_all_tests_of_a_page_run_in_one_process(request, pages, kind):
    plugins = request.config.pluginmanager
    scheduling = plugins.get_plugin(str(Path(__file__).parents[1] / "conftest.py")).PageScheduling
    ids = [f"tests/site/pages/{kind.format(page)}" for page in pages]
    assert [scheduling._split_scope(None, one) for one in ids] == pages
