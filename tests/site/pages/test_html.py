"""Every page is HTML: without one parse error, and with each element where it may stand."""

import re

import pytest
from tinyhtml5.parser import HTMLParser

pytestmark = pytest.mark.site
DATA = re.compile(r"(<script[^>]*>).*?(</script>)", re.DOTALL)
OBSOLETE = "acronym, applet, big, center, dir, font, frame, frameset, marquee, strike, tt"
BLOCKS = "p, div, ul, ol, dl, table, section, article, figure, pre, blockquote, details, form"
PHRASING = "p, h1, h2, h3, h4, h5, h6, pre, button, label, summary"  # hold no block
INTERACTIVE = "a[href], button, input:not([type=hidden]), select, textarea, summary"
NOT_OURS = {("summary", "p")}  # myst-nb's line above a hidden cell


def test_the_parser_finds_nothing_wrong(site, path, tally):
    parser = HTMLParser()
    parser.parse(DATA.sub(r"\1\2", (site / path).read_text("utf-8")))
    assert parser.errors == []
    tally("site: page read by a strict HTML parser")


@pytest.mark.parametrize(
    "wrong", ["<p><b></p></b>", '<a id="x" id="y">', "</table>", "<p>a < b</p>", "<tr></tr>"]
)
def test_the_parser_sees_faults(wrong):
    parser = HTMLParser()
    parser.parse(f"<!DOCTYPE html><html><head><title>x</title></head><body>{wrong}</body></html>")
    assert parser.errors


def test_elements_stand_where_they_may(path, parse):
    page = parse(path)
    heads = page.select("h1:not(#jb-print-docs-body h1)")  # the theme repeats it for paper
    assert len(page.select("title")) == len(page.select("main")) == len(heads) == 1
    assert page.html.get("lang")
    assert page.select(OBSOLETE) == []
    inner = [
        (outer.name, block.name)
        for outer in page.select(PHRASING)
        for block in outer.select(BLOCKS)
    ]
    assert set(inner) <= NOT_OURS
    nested = [
        (outer.name, one.name)
        for outer in page.select("a[href], button")
        for one in outer.select(INTERACTIVE)
    ]
    assert nested == []
    listed = [one for one in page.select("ul > *, ol > *") if one.name not in ("li", "script")]
    assert listed == []
    stray = [one for one in page.select("li") if one.parent.name not in ("ul", "ol", "menu")]
    assert stray == []


def test_names_lead_to_elements(path, parse):
    page = parse(path)
    ids = {tag["id"] for tag in page.find_all(id=True)}
    pointed = [tag["for"] for tag in page.select("label[for]")]
    for name in ("aria-labelledby", "aria-describedby", "aria-controls"):
        pointed += [one for tag in page.select(f"[{name}]") for one in tag[name].split()]
    assert sorted(set(pointed) - ids) == []
    assert [one for one in ids if not one or re.search(r"\s", one)] == []
