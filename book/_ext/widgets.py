"""Sphinx extension: anywidgets answer on the static page, with a still picture behind each.

It keeps myst-nb from asking a content network for RequireJS and html-manager, puts the picture
that a widget's output carries behind the widget, and adds `widget-host.js` to pages that need it.
"""

import json
from pathlib import Path

from docutils import nodes
from myst_nb.core.render import WIDGET_VIEW_MIMETYPE, MimeData, NbElementRenderer
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms.post_transforms import SphinxPostTransform

HOST = Path(__file__).parent.parent / "assets" / "widget-host.js"
STATE_KEY = "ipywidgets_state"  # myst-nb's name for the script that holds a page's widget state


def configure(app: Sphinx, config: Config) -> None:
    """Serve the host from the site itself, and no other widget script from anywhere."""
    config.nb_ipywidgets_js = {}
    config.html_static_path = [*config.html_static_path, str(HOST)]


def share_sources(state: dict) -> dict:
    """Hold each module and style once, however many widgets of the page use it."""
    shared: list[str] = []
    for model in state["state"].values():
        for name in ("_esm", "_css"):
            text = model["state"].get(name)
            if not text:
                continue
            if text not in shared:
                shared.append(text)
            model["state"][name] = {"shared": shared.index(text)}
    return {**state, "shared": shared}


def pack_state(app: Sphinx, doctree: nodes.document) -> None:
    """Shrink the embedded state and make it safe inside a script element, whatever it quotes."""
    files = NbMetadataCollector.get_js_files(app.env, app.env.docname)
    if STATE_KEY not in files:
        return
    uri, attributes = files[STATE_KEY]
    packed = json.dumps(share_sources(json.loads(attributes["body"])), separators=(",", ":"))
    # "</script" or "<!--" inside a string would end or swallow the element
    body = packed.replace("<", "\\u003c")
    NbMetadataCollector.add_js_file(
        app.env, app.env.docname, STATE_KEY, uri, {**attributes, "body": body}
    )


def add_host(app: Sphinx, pagename: str, *_: object) -> None:
    """Load the host on pages that hold widget state."""
    if STATE_KEY in NbMetadataCollector.get_js_files(app.env, pagename):
        app.add_js_file(HOST.name, loading_method="defer")


class WidgetFigure(SphinxPostTransform):
    """Keep both the widget and its picture; myst-nb would keep the widget alone."""

    default_priority = 3  # before myst-nb selects one type of each bundle
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Move each bundle's picture behind its widget."""
        for bundle in self.document.findall(nodes.container):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            by_type = {child["mime_type"]: child for child in bundle.children}
            view, picture = by_type.get(WIDGET_VIEW_MIMETYPE), by_type.get("image/png")
            if view is None or picture is None:
                continue
            fallback = nodes.container("", *picture.children, classes=["widget-fallback"])
            figure = nodes.container("", *view.children, fallback, classes=["widget-figure"])
            view.children = []
            view += figure
            bundle.remove(picture)


def render_alt_text(renderer: NbElementRenderer, data: MimeData) -> list[nodes.Element]:
    """myst-nb's image, with the alternative text that the output's metadata carries."""
    images = _render_image(renderer, data)
    alt = data.output_metadata.get(data.mime_type, {}).get("alt")
    for image in images if alt else ():
        image["alt"] = alt
    return images


_render_image = NbElementRenderer.render_image
NbElementRenderer.render_image = render_alt_text


def setup(app: Sphinx) -> dict[str, object]:
    """Register with Sphinx."""
    app.setup_extension("myst_nb")
    app.connect("config-inited", configure)
    app.connect("doctree-read", pack_state)
    app.connect("html-page-context", add_host)
    app.add_post_transform(WidgetFigure)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
