"""Sphinx extension: the views of bertviz respond on a page that asks no other host for anything.

bertviz leaves an element and a script that has RequireJS fetch jQuery and d3 from a content
network. Here the script waits for the page and takes both from the site, which serves them to
pages with such a view only. The view gets a frame that scrolls, names for its menus, and no id
that a second view would repeat.
"""

from __future__ import annotations

import json
import re
import shutil
from importlib.metadata import files
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

SCRIPTS = {"jquery.js": "sphinxcontrib-jquery", "d3.v5.min.js": "mpld3"}
STYLE = Path(__file__).parent.parent / "assets" / "bertviz.css"
LOADER = r'<script src="https?://[^"]*/require(?:\.min)?\.js"></script>'
LOADERS = re.compile(rf'<div class="output text_html">\s*{LOADER}\s*</div>|{LOADER}')
ADDRESSES = re.compile(r"require\.config\(\{\s*paths: \{[^{}]*\}\s*\}\);")
VIEW = re.compile(
    r"(<script[^>]*>)((?:(?!</script>).)*?\brequirejs\(\['jquery', 'd3'\],"
    r"(?:(?!</script>).)*?)(</script>)",
    re.DOTALL,
)
FRAME = re.compile(r'<div id="(bertviz-[0-9a-f]+)"')
PARTS = {"layer": "Layer", "filter": "Attention", "vis": None}
WAIT = (
    "{\nconst requirejs = (names, draw) =>\n"
    '  addEventListener("DOMContentLoaded", () => draw(jQuery, d3), { once: true });\n'
)


ENDING = re.compile(r"<(?=/script|script|!--)", re.IGNORECASE)


def keep_scripts_whole(app: Sphinx, docname: str, source: list[str]) -> None:
    """Let no token end the script that quotes it: bertviz writes them into it as they are."""
    if "application/javascript" not in source[0]:
        return
    if app.env.doc2path(docname).endswith(".ipynb"):
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                if code := data.get("application/javascript"):
                    text = code if isinstance(code, str) else "".join(code)
                    data["application/javascript"] = ENDING.sub(r"\\u003c", text)
        source[0] = json.dumps(notebook)


def mend_script(match: re.Match[str]) -> str:
    """The script of one view, drawn with the site's own jQuery and d3 once they are there."""
    opening, code, closing = match.groups()
    code = ADDRESSES.sub("", code)
    for part in PARTS:
        code = code.replace(f" #{part}`", f" [data-part={part}]`")
    return f"{opening}{WAIT}{code}\n}}{closing}"


def mend_views(body: str) -> str:
    """A page's text with every view of bertviz in it made to work from the site alone."""
    if not FRAME.search(body):
        return body
    body = VIEW.sub(mend_script, LOADERS.sub("", body))
    # Firefox and Safari let no keyboard scroll what cannot have the focus.
    frame = r'<div id="\1" class="bertviz" role="region" aria-label="Attention view" tabindex="0"'
    body = FRAME.sub(frame, body)
    for part, label in PARTS.items():
        name = f' aria-label="{label}"' if label else ""
        body = re.sub(rf"<(select|div) id=(['\"]){part}\2", rf'<\1 data-part="{part}"{name}', body)
    return body


def packaged(package: str, name: str) -> Path:
    """Where an installed package keeps the file of this name."""
    return Path(next(f for f in files(package) if f.name == name).locate())


def add_views(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Mend a page that shows a view, and give it what the view is drawn with."""
    body = context.get("body") or ""
    context["body"] = mended = mend_views(body)
    if mended == body:
        return
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    sources = [packaged(package, name) for name, package in SCRIPTS.items()]
    for source in [*sources, STYLE]:
        if not (static / source.name).exists():
            shutil.copyfile(source, static / source.name)
    for name in SCRIPTS:
        app.add_js_file(name, loading_method="defer")
    app.add_css_file(STYLE.name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at every page before it is written."""
    app.connect("source-read", keep_scripts_whole)
    app.connect("html-page-context", add_views)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
