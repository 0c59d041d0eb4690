"""What a fresh reader of each page gets: on a phone and a desk, in light and dark."""

import functools
import gzip
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.site
AXE = {  # a theme changes colours alone, a width all but colours
    (1280, "light"): {"rules": {}},
    (1280, "dark"): {"runOnly": ["color-contrast"]},
    (390, "light"): {"rules": {"color-contrast": {"enabled": False}}},
}
TEXT = {".css", ".html", ".js", ".json", ".svg"}  # what servers compress
HEAVIEST = 1_200_000  # bytes, compressed

FACTS = """() => {
  const count = (selector) => document.querySelectorAll(selector).length;
  const decorative = (image) =>
    ["none", "presentation"].includes(image.role) || image.ariaHidden === "true";
  return {
    width: document.documentElement.scrollWidth,
    theme: document.documentElement.dataset.theme,
    speechless: [...document.images].filter((image) => !image.alt.trim() && !decorative(image))
      .map((image) => image.src),
    broken: [...document.images].filter((image) => !image.naturalWidth).map((image) => image.src),
    formulas: count(".math"),
    set: count(".math mjx-container"),
    failed: count("mjx-merror"),
  };
}"""
# Most of axe's time goes to the contrast of each word of code: one of each kind is enough.
OPENED_AND_THINNED = """() => {
  for (const button of document.querySelectorAll("button.toggle-button-hidden")) button.click();
  const seen = new Set();
  for (const word of document.querySelectorAll(".highlight pre span")) {
    const kind = `${word.closest(".cell_output, .cell_input")?.className} ${word.className}`;
    if (seen.has(kind)) word.replaceWith(...word.childNodes);
    seen.add(kind);
  }
  // the theme makes what now scrolls focusable, 300 ms later
  return new Promise((done) => setTimeout(done, 400));
}"""


@pytest.fixture(scope="module")
def visit(load: Callable, artifacts: Path) -> Callable[..., dict]:
    """The facts of a page; each look of it is loaded once for all tests."""

    @functools.cache
    def visit_it(path: str, width: int, theme: str, scheme: str = "http") -> dict:
        page, log = load(path, scheme, width=width, theme=theme)
        found = page.evaluate(FACTS) | {"log": log}
        if scheme == "http" and width in (390, 1280):
            name = path.removesuffix(".html").replace("/", "-")
            page.screenshot(path=artifacts / f"{name}-{width}-{theme}.png", full_page=True)
            if rules := AXE.get((width, theme)):
                page.evaluate(OPENED_AND_THINNED)
                # preload: axe would fetch the stylesheets again
                options = {"resultTypes": ["violations"], "preload": False} | rules
                found["barriers"] = Axe().run(page, None, options).response["violations"]
        page.evaluate("localStorage.clear()")
        page.close()
        return found

    return visit_it


def test_nothing_leaves_complains_or_sticks_out(visit, path, width, theme):
    seen = visit(path, width, theme)
    assert seen["log"].faults == []
    assert seen["theme"] == theme
    assert seen["width"] <= width


def test_nobody_is_shut_out(visit, path, width, theme):
    seen = visit(path, width, theme)
    assert ("barriers" in seen) is ((width, theme) in AXE), "axe has judged"
    found = seen.get("barriers", [])
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in serious] == []


def test_answers_from_a_folder(visit, path):
    seen = visit(path, 390, "light", "file")
    assert seen["log"].faults == []
    assert (seen["set"], seen["failed"], seen["broken"]) == (seen["formulas"], 0, [])


def test_chapters_fit_the_smallest_phone(visit, chapter):
    assert visit(chapter, 320, "light")["width"] <= 320


def test_pictures_load_and_have_words(visit, path):
    seen = visit(path, 1280, "light")
    assert (seen["speechless"], seen["broken"]) == ([], [])


def test_formulas_are_set(visit, path, chapters):
    seen = visit(path, 1280, "light")
    assert (seen["set"], seen["failed"]) == (seen["formulas"], 0)
    assert seen["formulas"] > 0 or path not in chapters


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_first_page_leads_on(contexts, roots, scheme):
    page = contexts(1280, "light").new_page()
    page.goto(roots[scheme] + "index.html")
    page.wait_for_url(roots[scheme] + "book/index.html")
    page.close()


def test_the_page_is_light(visit, site, path):
    urls = map(urlsplit, visit(path, 1280, "light")["log"].requests)
    files = {site / unquote(url.path).lstrip("/") for url in urls if url.scheme == "http"}
    assert len(files) > 10, "styles and scripts were counted"
    assert sum(map(weight, files)) <= HEAVIEST


@functools.cache
def weight(path: Path) -> int:
    """The bytes that a server sends for a file."""
    data = path.read_bytes()
    return len(gzip.compress(data, mtime=0)) if path.suffix in TEXT else len(data)
