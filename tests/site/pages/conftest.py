"""The built site, in a real browser, cut off from every other host."""

import contextlib
import functools
import http.server
import importlib.util
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from urllib.parse import urljoin

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

ROOT = Path(__file__).parents[3]
SITE = Path(os.environ.get("TXLIB_SITE", ROOT / "book" / "_build" / "html")).resolve()
FOUND = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
_SPEC = importlib.util.spec_from_file_location("policy", ROOT / "book" / "_ext" / "policy.py")
POLICY = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(POLICY)
# the first sends the reader on to the front page; the static ones are parts of the theme
PAGES = [page for page in FOUND if page != "index.html" and not page.startswith("_static/")]
CHAPTERS = [page for page in PAGES if page.startswith("chapters/")]
SETTLED = """async () => {
  await document.fonts.ready;
  await window.MathJax?.startup?.promise;
}"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a `path` on every page, one that asks for a `chapter` on those.

    One that asks for a `width` too is run on a phone and on a desk.
    """
    names = metafunc.fixturenames
    for name, pages in (("path", PAGES), ("chapter", CHAPTERS)):
        if name in names and "width" in names:
            each = [(page, width) for page in pages for width in (390, 1280)]
            metafunc.parametrize((name, "width"), each or [("no page", 1280)])
        elif name in names:
            metafunc.parametrize(name, pages or ["no page"])


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    if not CHAPTERS:
        reason = f"there is no site with chapters in {SITE}; `make book` builds it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return SITE


@pytest.fixture(scope="session")
def pages(site: Path) -> list[str]:
    return PAGES


@pytest.fixture(scope="session")
def chapters(site: Path) -> list[str]:
    return CHAPTERS


@pytest.fixture(scope="session")
def policy() -> ModuleType:
    """The extension that guards the pages."""
    return POLICY


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots and tables are kept."""
    folder = ROOT / "artifacts" / "site"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def parse(site: Path) -> Callable[[str], BeautifulSoup]:
    """Read the file of a page."""
    return functools.cache(
        lambda path: BeautifulSoup((site / path).read_text(encoding="utf-8"), "html.parser")
    )


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Leave the test's output alone."""

    def end_headers(self) -> None:
        """Send the strictest policy that the site is said to stand."""
        self.send_header("Content-Security-Policy", POLICY.header())
        super().end_headers()


@pytest.fixture(scope="session")
def roots(site: Path) -> Iterator[dict[str, str]]:
    """The two addresses of the site."""
    handler = functools.partial(QuietHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"http": f"http://127.0.0.1:{server.server_port}/", "file": f"{site.as_uri()}/"}
        server.shutdown()


@dataclass
class Log:
    """What a page asked for, and what went wrong."""

    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def listen(page: Page, own: str) -> Log:
    log = Log()

    def asked(url: str) -> None:
        log.requests.append(url)
        if not url.startswith((own, "data:", "blob:")):
            log.faults.append(f"asked another host: {url}")

    def said(message: object) -> None:
        if message.type == "error":
            log.faults.append(f"console: {message.text} {message.location['url']}")

    def failed(request: Request) -> None:
        # A page that the reader leaves gives up what it was still fetching: that is no fault.
        if request.failure != "net::ERR_ABORTED":
            log.faults.append(f"failed: {request.url} {request.failure}")

    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    page.on("requestfailed", failed)
    page.on("pageerror", lambda error: log.faults.append(f"error: {error}"))
    page.on("console", said)
    return log


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[Callable[[int, str], BrowserContext]]:
    """One browser window for each width and theme, with no way out."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def context(width: int, theme: str) -> BrowserContext:
            viewport = {"width": width, "height": 900}
            window = browser.new_context(viewport=viewport, color_scheme=theme)
            stack.callback(window.close)
            window.route(re.compile(r"^(https?|wss?)://(?!127\.0\.0\.1)"), lambda r: r.abort())
            window.set_default_timeout(20_000)
            return window

        yield context


@pytest.fixture(scope="session")
def load(contexts: Callable, roots: dict[str, str]) -> Callable[..., tuple[Page, Log]]:
    """Opens a page as a fresh reader gets it, and waits until it has settled."""

    def load_it(
        path: str, scheme: str = "http", *, width: int = 1280, theme: str = "light"
    ) -> tuple[Page, Log]:
        page = contexts(width, theme).new_page()
        log = listen(page, roots[scheme])
        page.goto(urljoin(roots[scheme], path))
        page.evaluate(SETTLED)
        expect(page.locator(".widget-waiting")).to_have_count(0, timeout=20_000)
        page.evaluate("() => new Promise(requestAnimationFrame)")  # then all are drawn
        return page, log

    return load_it


@pytest.fixture
def open_page(load: Callable[..., tuple[Page, Log]]) -> Iterator[Callable[..., Page]]:
    """Opens a page to be used; whatever the test does to it, nothing may go wrong."""
    opened = []

    def open_it(*args: object, **options: object) -> Page:
        opened.append(load(*args, **options))
        return opened[-1][0]

    yield open_it
    for page, log in opened:
        page.evaluate("localStorage.clear()")
        page.close()
        assert log.faults == []
