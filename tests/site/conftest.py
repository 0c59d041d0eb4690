import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import Browser, Page, expect, sync_playwright
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[2]
FIXTURES = Path(__file__).parent / "widget_fixtures"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SPHINX_CONFIG = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
project = "widgets"
extensions = ["myst_nb", "widgets"]
html_theme = "sphinx_book_theme"
html_context = {{"default_mode": "auto"}}
nb_execution_mode = "off"
"""


class PageScheduling(LoadScopeScheduling):
    """Gives all tests of a page of the book to one process, as those of a page of widgets.

    So each page is built once, and loaded once for each look at it.
    """

    def _split_scope(self, nodeid: str) -> str:
        page = re.search(r"\[([\w/]+\.html)", nodeid)
        file = nodeid.split("::")[0]
        folder = file.rpartition("/")[0]
        return page[1] if page else file if folder.endswith("site") else folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> PageScheduling:
    return PageScheduling(config, log)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, the one of the machine."""
    names = (os.environ.get("CHROMIUM"), "chromium-headless-shell", "chromium", "google-chrome")
    path = next(filter(None, map(shutil.which, filter(None, names))), None)
    if path is None:
        reason = "no chromium or google-chrome on the path, and CHROMIUM names none"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Leave the test's output alone."""


def serve(folder: Path) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(QuietHandler, directory=folder)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="session")
def widget_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A page of widgets, executed and built with the book's own extension: its two addresses."""
    folder = tmp_path_factory.mktemp("widget-site")
    cells = re.split(r"^# %%\n", (FIXTURES / "cells.py").read_text(encoding="utf-8"), flags=re.M)
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# Widgets")]
    notebook.cells += [nbformat.v4.new_code_cell(cell.strip()) for cell in cells[1:]]
    client = NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": FIXTURES}}
    )
    client.execute()
    nbformat.write(notebook, folder / "index.ipynb")
    (folder / "conf.py").write_text(SPHINX_CONFIG, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", folder, folder / "html"]
    subprocess.run(command, check=True)
    server = serve(folder / "html")
    yield {
        "http": f"http://127.0.0.1:{server.server_port}/index.html",
        "file": (folder / "html" / "index.html").as_uri(),
    }
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def every_widget_starts() -> bool:
    """Whether none of the page's widgets waits for ever: then they are waited for."""
    return False


@pytest.fixture
def open_page(
    browser: Browser, widget_site: dict[str, str], every_widget_starts: bool
) -> Iterator[Callable[..., Page]]:
    """Opens the page of widgets, cut off from every other host; checks that it stayed quiet."""
    contexts, errors, strayed = [], [], []

    def open_it(scheme: str = "http", *, patience_ms: int = 400, **options: object) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.set_default_navigation_timeout(30_000)
        page.on(
            "console",
            lambda m: errors.append(f"{m.text} {m.location}") if m.type == "error" else None,
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        origin = widget_site["http"].removesuffix("index.html")
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((origin, "file:", "blob:", "data:"))
                else strayed.append(request.url)
            ),
        )
        context.set_offline(scheme == "file")
        context.route(re.compile("^https://"), lambda route: route.abort())

        def impatient(route: object) -> None:
            answer = route.fetch()
            hurry = f'data-patience-ms="{patience_ms}" defer="defer"'
            route.fulfill(response=answer, body=answer.text().replace('defer="defer"', hurry))

        if scheme == "http":
            context.route("**/index.html", impatient)
        page.goto(widget_site[scheme])
        if every_widget_starts:
            expect(page.locator(".widget-waiting")).to_have_count(0, timeout=30_000)
            page.evaluate("() => new Promise(requestAnimationFrame)")  # draws what needs the width
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert errors == []
    assert strayed == []
