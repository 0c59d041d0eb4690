"""bertviz on a built page with no network: drawn, its menus at work, other pages unburdened."""

import http.server
import re
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbclient import NotebookClient
from playwright.sync_api import expect

pytestmark = pytest.mark.site
EXTENSIONS = Path(__file__).parents[2] / "book" / "_ext"
ARTIFACTS = Path(__file__).parents[2] / "artifacts"
CONFIG = f"""
import sys
sys.path.insert(0, {str(EXTENSIONS)!r})
project = "views"
extensions = ["myst_nb", "offline", "bertviz_offline"]
html_theme = "sphinx_book_theme"
html_favicon = {str(EXTENSIONS.parent / "assets" / "favicon.svg")!r}
html_context = {{"default_mode": "auto"}}
nb_execution_mode = "off"
"""
CELLS = """
import torch
from bertviz import head_view, model_view
torch.manual_seed(3)
tokens = "the river was not too wide .".split()
weights = [torch.rand(1, 3, 7, 7).softmax(-1) for _ in range(2)]
head_view(weights, tokens)
# %%
model_view(weights, tokens, display_mode="light")
# %%
model_view(weights, tokens, html_action="return")
# %%
head_view(encoder_attention=weights, decoder_attention=weights, encoder_tokens=tokens,
          decoder_tokens=tokens)
"""
HEAD, MODEL, RETURNED, FILTERED = range(4)


@pytest.fixture(scope="module")
def view_site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view-site")
    book = nbformat.v4.new_notebook(metadata={"language_info": {"name": "python"}})
    book.cells = [nbformat.v4.new_markdown_cell("# Views")]
    book.cells += [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS.split("# %%\n")]
    NotebookClient(book, kernel_name="python3").execute()
    nbformat.write(book, folder / "views.ipynb")
    (folder / "index.md").write_text("# Start\n\n```{toctree}\nviews\n```\n", encoding="utf-8")
    (folder / "conf.py").write_text(CONFIG, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", folder, folder / "html"]
    subprocess.run(command, check=True)
    return folder / "html"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Leave the test's output alone."""


@pytest.fixture(scope="module")
def address(view_site):
    handler = partial(QuietHandler, directory=view_site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def said(message):
    return f"{message.text} {message.location['url']}"


@pytest.fixture
def open_view(browser, address, view_site):
    """Opens a page, cut off from every other host; nothing may go wrong on it."""
    faults, contexts = [], []

    def open_it(name="views.html", root=address, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        asked = []
        context.route(re.compile(r"^(https?|wss?)://(?!127\.0\.0\.1)"), lambda r: r.abort())
        page.on("request", lambda request: asked.append(request.url))
        page.on("requestfailed", lambda request: faults.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.goto(f"{root}/{name}")
        faults.extend(url for url in asked if not url.startswith((root, "data:", "blob:")))
        return page, asked

    yield open_it
    for context in contexts:
        context.close()
    assert faults == []


def view(page, number):
    return page.locator(".bertviz").nth(number)


def opacities(view):
    return view.locator("#attention line").evaluate_all(
        "lines => lines.map(line => line.getAttribute('stroke-opacity'))"
    )


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_layer_menu_changes_the_picture(open_view, address, view_site, scheme):
    page, _ = open_view(root=address if scheme == "http" else view_site.as_uri())
    head = view(page, HEAD)
    expect(head.locator("#attention line")).to_have_count(3 * 7 * 7)
    before = opacities(head)
    head.get_by_label("Layer").select_option("1")
    assert opacities(head) != before
    head.get_by_label("Layer").select_option("0")
    assert opacities(head) == before


def test_a_view_answers_alone(open_view):
    page, _ = open_view()
    other = opacities(view(page, FILTERED))
    view(page, HEAD).get_by_label("Layer").select_option("1")
    assert opacities(view(page, FILTERED)) == other
    view(page, FILTERED).get_by_label("Layer").select_option("1")
    assert opacities(view(page, FILTERED)) == opacities(view(page, HEAD))


def test_the_attention_menu_offers_both_stacks(open_view):
    page, _ = open_view()
    menu = view(page, FILTERED).get_by_label("Attention", exact=True)
    assert menu.locator("option").all_inner_texts() == ["Encoder", "Decoder"]
    menu.select_option("Decoder")
    expect(view(page, FILTERED).locator("#attention line")).to_have_count(3 * 7 * 7)


@pytest.mark.parametrize("number", [MODEL, RETURNED])
def test_a_thumbnail_opens_its_head(open_view, number):
    page, _ = open_view()
    model = view(page, number)
    expect(model.locator(".attn_background")).to_have_count(2 * 3)
    expect(model.locator("text.detail")).to_have_count(0)
    model.locator("svg > g").nth(4).locator("> rect").last.click()
    expect(model.locator("text.detail")).to_have_text("Layer 1, Head 1")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_views_fit_or_scroll_inside(open_view, width):
    page, _ = open_view(viewport={"width": width, "height": 800})
    expect(page.locator(".bertviz svg")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for number in range(4):
        frame = view(page, number)
        room, drawn = frame.evaluate(
            "e => [e.clientWidth, e.querySelector('svg').getBoundingClientRect().width]"
        )
        assert drawn >= 336
        assert frame.evaluate("e => e.scrollWidth") >= drawn - 1
        assert room <= width


@pytest.mark.parametrize(("theme", "is_bright"), [("light", False), ("dark", True)])
def test_words_stand_out_from_the_page(open_view, theme, is_bright):
    page, _ = open_view(color_scheme=theme)
    view(page, MODEL).locator("svg > g > rect").last.click()
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"bertviz-{theme}.png", full_page=True)
    for number in (HEAD, MODEL, RETURNED):
        style = "e => getComputedStyle(e).fill.match(/\\d+/g).slice(0, 3).map(Number)"
        for ink in view(page, number).locator("svg text").all()[:20]:
            assert (sum(ink.evaluate(style)) / 3 > 160) == is_bright
        assert (sum(view(page, number).locator("svg").evaluate(style)) / 3 < 60) == is_bright


def test_no_serious_fault_of_access(open_view):
    page, _ = open_view()
    expect(page.locator(".bertviz svg")).to_have_count(4)
    found = Axe().run(page, ".bertviz", {"preload": False}).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


def test_ids_in_the_file_are_unique(view_site):
    ids = re.findall(r'\sid="([^"]+)"', (view_site / "views.html").read_text("utf-8"))
    assert len(ids) == len(set(ids))


def test_other_pages_load_neither_library(open_view):
    _, with_views = open_view()
    assert [name for name in ("jquery.js", "d3.v5.min.js") if name in str(with_views)] == [
        "jquery.js",
        "d3.v5.min.js",
    ]
    _, without = open_view("index.html")
    assert len(without) > 3
    assert not re.search(r"jquery|d3\.|bertviz", str(without))
