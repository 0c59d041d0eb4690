"""Keep the site self-contained, light and sound: MathJax from the site, icons from a font."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import files
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

# Results quote their pages by fetching them, which browsers refuse from file://.
QUIET_SEARCH = (
    'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'
)
ICONS = re.compile(r'<script src="[^"]*/scripts/fontawesome\.js[^"]*"></script>')
PARTS = ("tex-chtml.js", "output/chtml/fonts", "a11y", "sre")


def mathjax_folder() -> Path:
    """Where the package sphinx-mathjax-offline keeps its files."""
    script = next(f for f in files("sphinx-mathjax-offline") if f.name == "tex-chtml.js")
    return Path(script.locate()).parent


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Copy what a page can ask for into the built site."""
    target = Path(app.outdir) / "_static" / "mathjax"
    if exception or app.builder.format != "html" or target.exists():
        return
    for part in PARTS:
        source, place = mathjax_folder() / part, target / part
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place)
        else:
            shutil.copy2(source, place)


def drop_icon_script(app: Sphinx, exception: Exception | None) -> None:
    """Leave the icons to the theme's web font: its script draws them anew, for 0.5 MB a page."""
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text("utf-8")
        lighter = ICONS.sub("", text)
        if lighter != text:
            page.write_text(lighter, "utf-8")


def mend_roles(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Give bibliography entries a role that is not deprecated, and drop ids that repeat."""
    if body := context.get("body"):
        body = body.replace('role="doc-biblioentry"', 'role="listitem"')
        context["body"] = re.sub(r' id="(?:exercise|solution)-content"', "", body)


def setup(app: Sphinx) -> dict[str, Any]:
    """Point Sphinx at the local MathJax; copy it, and drop what is too heavy, after the build."""
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.add_js_file(None, body=QUIET_SEARCH)
    app.connect("html-page-context", mend_roles)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", drop_icon_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
