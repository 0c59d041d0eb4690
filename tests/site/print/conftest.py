"""One chapter printed as `make print` prints the book, and as a reader's Ctrl+P finds it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

ROOT = Path(__file__).parents[3]
SITE = Path(os.environ.get("TXLIB_SITE", ROOT / "book" / "_build" / "html")).resolve()
CHAPTER = "chapters/03_query_key_value"
A4 = (595, 842)
MARGIN = 50  # points
PRINTED = ["book/index", CHAPTER, "book/notation"]


@pytest.fixture(scope="session")
def site():
    """The folder of the built site."""
    if not (SITE / f"{CHAPTER}.html").is_file():
        reason = f"there is no site with chapters in {SITE}; `make book` builds it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return SITE


@pytest.fixture(scope="session")
def book(browser, site, tmp_path_factory):
    """A PDF of the front page, a chapter and a page of reference. Without a browser: skipped."""
    target = tmp_path_factory.mktemp("print") / "book.pdf"
    script = ROOT / "book" / "_tools" / "print_book.py"
    command = [sys.executable, script, "--site", site, "--out", target, "--only", *PRINTED]
    subprocess.run(command, check=True, capture_output=True)
    return PdfReader(target)


@pytest.fixture(scope="session")
def read(book):
    """The text of each sheet, and every piece that starts outside the margins."""
    texts, strays = [], []
    for number, page in enumerate(book.pages):

        def look(text, matrix, text_matrix, font, size, number=number):
            x = matrix[0] * text_matrix[4] + matrix[4]
            # MathJax draws a brace with a private sign, stretched and clipped.
            if text.isprintable() and text.strip() and not MARGIN < x < A4[0] - MARGIN:
                strays.append((number, x, text[:20]))

        texts.append(" ".join(page.extract_text(visitor_text=look).split()))
    return texts, strays


@pytest.fixture(scope="session")
def texts(read):
    """The text of each sheet, with its spaces made equal."""
    return read[0]


@pytest.fixture(scope="session")
def article(site):
    """What the site shows of the chapter."""
    page = (site / f"{CHAPTER}.html").read_text(encoding="utf-8")
    return BeautifulSoup(page, "html.parser").select_one("article")


@pytest.fixture(scope="session")
def screen(browser, site):
    """The chapter on a screen whose reader likes it dark."""
    context = browser.new_context(color_scheme="dark", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto((site / f"{CHAPTER}.html").as_uri())
    page.evaluate("async () => { await window.MathJax?.startup?.promise; }")
    page.wait_for_selector(".widget-fallback[hidden]", state="attached")
    page.wait_for_function("() => !document.querySelector('.widget-waiting')")
    # the widgets draw what depends on their width
    page.evaluate("() => new Promise(requestAnimationFrame)")
    yield page
    context.close()
