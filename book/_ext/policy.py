"""Let no page run a script that is not a file of the site, and let every page say so itself.

Pages carry scripts of the theme, of extensions and of bertviz between their lines. A policy that
allowed these would allow a script that slipped in through somebody's text as well. So each becomes
a file under `_static/inline/`, named after what it holds, and a Content-Security-Policy in the page
refuses every other. It needs no server's help: it holds on any host, and from a folder.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

POLICY = {
    "default-src": "'none'",
    "script-src": "'self' blob:",  # blob: widgets travel inside the notebook as text
    "style-src": "'self' 'unsafe-inline'",  # MathJax and figures set styles as they draw
    "img-src": "'self' data:",  # data: the theme's icons
    "font-src": "'self'",
    "connect-src": "'self'",  # the search quotes the pages it found
    "form-action": "'self'",  # the search box
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-src": "'none'",
    "worker-src": "'none'",
}
FROM_A_FOLDER = {"script-src", "style-src", "img-src", "font-src", "form-action"}
SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL)
CLASSIC = {"", "text/javascript", "application/javascript"}
TYPE = re.compile(r"""\btype=["']([^"']*)["']""")
BARE = re.compile(r'\s*<meta http-equiv="Refresh" content="0; url=([^"]+)" />\s*')
WHOLE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="data:,">
<meta http-equiv="refresh" content="0; url={address}">
</head>
<body><p><a href="{address}">{title}</a></p></body>
</html>
"""
PRINT_BUTTON = 'onclick="window.print()"'
PRINT = """addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => window.print());
  }
});
"""


def header() -> str:
    """The policy as a server sends it; only a header can keep other sites from framing a page."""
    return "; ".join(f"{name} {sources}" for name, sources in POLICY.items()) + (
        "; frame-ancestors 'none'"
    )


def meta() -> str:
    """The policy as a page carries it. `file:` adds nothing on a host: no page there may ask it."""
    parts = (
        f"{name} {sources}{' file:' if name in FROM_A_FOLDER else ''}"
        for name, sources in POLICY.items()
    )
    content = html.escape("; ".join(parts), quote=False)
    return f'<meta http-equiv="Content-Security-Policy" content="{content}">'


def move_scripts(text: str, static: Path, address: str) -> str:
    """A page's text with its classic inline scripts moved to files.

    Args:
        text: the page.
        static: the folder for the files.
        address: that folder as the page names it.
    """

    def move(match: re.Match[str]) -> str:
        attributes, code = match["attributes"], match["code"]
        kind = TYPE.search(attributes)
        if re.search(r"\bsrc=", attributes) or (kind[1] if kind else "") not in CLASSIC:
            return match[0]
        name = f"{hashlib.sha256(code.encode()).hexdigest()[:16]}.js"
        static.mkdir(parents=True, exist_ok=True)
        (static / name).write_text(code, "utf-8")
        return f'<script{attributes} src="{address}/{name}"></script>'

    text = text.replace(PRINT_BUTTON, "data-print")
    if "data-print" in text:
        text = text.replace("</head>", f"<script>{PRINT}</script>\n</head>", 1)
    return SCRIPT.sub(move, text)


def guard(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite every page of the built site."""
    if exception or app.builder.format != "html":
        return
    root = Path(app.outdir)
    static = root / "_static" / "inline"
    for page in root.rglob("*.html"):
        text = page.read_text("utf-8")
        if page.is_relative_to(root / "_static") or "Content-Security-Policy" in text[:2000]:
            continue
        if bare := BARE.fullmatch(text):
            text = WHOLE.format(
                title=html.escape(app.config.html_title or app.config.project), address=bare[1]
            )
        address = Path(os.path.relpath(static, page.parent)).as_posix()
        text = re.sub(r"<meta charset=[^>]*>", lambda at: f"{at[0]}\n{meta()}", text, count=1)
        page.write_text(move_scripts(text, static, address), "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Come last, when the pages are as they will be."""
    app.connect("build-finished", guard, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
