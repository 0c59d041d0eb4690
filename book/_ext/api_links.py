"""Links between the book and its reference: from first mentions and imports, and back."""

from __future__ import annotations

import os
import re

from api_names import Place, Reading
from docutils import nodes
from repository import public_address
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

PAGES = "book/api"
LIBRARY = "txlib"
NOT_PROSE = (nodes.reference, nodes.title, nodes.term, nodes.literal_block, nodes.raw)
SPAN = r'<span class="{}">{}</span>'
IMPORT = re.compile(
    SPAN.format("kn", "from")
    + SPAN.format("w", " ")
    + SPAN.format("nn", r"(?P<module>txlib[\w.]*)")
    + SPAN.format("w", " ")
    + SPAN.format("kn", "import")
    + r"(?P<names>(?:\s|"
    + "|".join([SPAN.format("p", "[(,)]+"), SPAN.format("n", r"\w+"), SPAN.format("k", "as")])
    + ")*?)(?=\n(?!\\s)|</pre>|"
    + SPAN.format("c1", "[^\n]*")
    + ")"
)
ARGUMENTS = re.compile(r'<dl>\n((?:<dd>.*?</dd>\n)+)</dl>\n\n(?=<span class="sig-paren">)')
IMPORTED = re.compile(SPAN.format("n", r"(\w+)"))


class Where(nodes.General, nodes.Element):
    """Holds the place of the line that says where an entry is used and defined."""


class WhereDirective(SphinxDirective):
    """Stands behind each entry; filled in when all pages are read."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Leave the place."""
        return [Where(name=self.arguments[0])]


def is_chapter(docname: str) -> bool:
    """Whether a page is one of the numbered chapters."""
    return re.match(r"chapters/\d\d_", docname) is not None


def read_code(app: Sphinx, doctree: nodes.document) -> None:
    """Remember what a page's code imports and names, and its inline code."""
    reading = app.env.api_readings[app.env.docname] = Reading()
    for block in doctree.findall(nodes.literal_block):
        if "cell_input" in classes(block.parent):
            reading.add(block.astext())
    reading.prose = [literal.astext() for literal in doctree.findall(in_prose)]


def in_prose(node: nodes.Node) -> bool:
    """Whether a node is inline code in the author's own words, with no link yet."""
    if not isinstance(node, nodes.literal):
        return False
    above = node.parent
    while above is not None:
        if isinstance(above, NOT_PROSE) or {"cell_output", "sig"} & set(classes(above)):
            return False
        above = above.parent
    return True


def classes(node: nodes.Node) -> list[str]:
    """The classes of a node, none where it cannot have any."""
    return node["classes"] if isinstance(node, nodes.Element) else []


def collect_uses(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Which chapters name each entry, once all are read."""
    app.api_uses = {}
    for docname in filter(is_chapter, sorted(env.api_readings)):
        reading = env.api_readings[docname]
        paths = app.api_names.paths
        mentioned = {app.api_names.meant_in_page(text, reading) for text in reading.prose}
        imported = {paths.get(path) for path in reading.imported.values()}
        for name in (mentioned | imported) - {None}:
            app.api_uses.setdefault(name, {})[docname] = name in mentioned
    return []


class LinkNames(SphinxPostTransform):
    """Inline code that names an entry becomes a link; so do the words behind each entry."""

    default_priority = 900  # all other links are there by then
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Link the first mention in a page, or in each docstring of a page of the reference."""
        docname, seen = self.env.docname, set()
        for where in list(self.document.findall(Where)):
            where.replace_self(self.where(where["name"]))
        if docname not in self.env.api_readings:
            return
        for literal in list(self.document.findall(in_prose)):
            place, owner = self.meant(literal, docname)
            if place is None or (owner, place.name) in seen or owner == place.name:
                continue
            seen.add((owner, place.name))
            link = self.link(place)
            if is_chapter(docname):
                link["ids"] = [f"use-{place.name}"]
            literal.replace_self(link)
            link += literal

    def meant(self, literal: nodes.literal, docname: str) -> tuple[Place | None, str | None]:
        """What a piece of inline code names, and in which entry's docstring it stands."""
        names, text = self.app.api_names, literal.astext()
        if text == LIBRARY:
            return Place(LIBRARY, f"{PAGES}/index", "", "", (0, 0)), None
        if not docname.startswith(f"{PAGES}/"):
            name, owner = names.meant_in_page(text, self.env.api_readings[docname]), None
        else:
            owner = owner_of(literal) or ""
            name = names.meant_in_docstring(text, names.modules.get(owner, owner))
        return names.places.get(name), owner

    def link(self, place: Place) -> nodes.reference:
        """To the entry, from the page that is being written."""
        target = self.app.builder.get_relative_uri(self.env.docname, place.page)
        uri = f"{target}#{place.anchor}" if place.anchor else target
        return nodes.reference("", "", refuri=uri, internal=True, classes=["api-link"])

    def where(self, name: str) -> list[nodes.Node]:
        """The chapters that use an entry, and the file that defines it."""
        place, parts = self.app.api_names.places[name], []
        uses = self.app.api_uses.get(name, {})
        for index, (docname, mentioned) in enumerate(uses.items()):
            target = self.app.builder.get_relative_uri(self.env.docname, docname)
            uri = f"{target}#use-{name}" if mentioned else target
            number = str(int(docname[9:11]))
            label = number if len(uses) > 1 else f"chapter {number}"
            first = "Used in " if len(uses) == 1 else "Used in chapters "
            before = first if index == 0 else " and " if index == len(uses) - 1 else ", "
            parts += [nodes.Text(before), nodes.reference("", label, refuri=uri, internal=True)]
        if address := public_address(self.app.srcdir):
            commit = os.environ.get("GITHUB_SHA", "main")
            uri = f"{address}/blob/{commit}/{place.source}#L{place.lines[0]}-L{place.lines[1]}"
            parts += [nodes.Text(" · ")] if parts else []
            parts += [nodes.reference("", "Source code", refuri=uri)]
        return [nodes.paragraph("", "", *parts, classes=["api-where"])] if parts else []


def owner_of(node: nodes.Node) -> str | None:
    """The entry, or else the module, in whose part of a page a node stands."""
    while node is not None:
        if getattr(node, "tagname", "") == "desc":
            return node[0]["ids"][0]
        if isinstance(node, nodes.section):
            names = [name for name in node["ids"] if name.startswith("module-")]
            if names:
                return names[0]
        node = node.parent
    return None


def link_imports(app: Sphinx, page: str, _template: str, context: dict, _tree: object) -> None:
    """In the code of a page, link what it imports from the library; mark the reference's pages."""
    if page.startswith(f"{PAGES}/"):
        body = ARGUMENTS.sub(as_spans, context["body"])
        context["body"] = f'<div class="api-page">{body}</div>'
    if not is_chapter(page):
        return

    def linked(found: re.Match[str]) -> str:
        def one(name: re.Match[str]) -> str:
            entry = app.api_names.paths.get(f"{found['module']}.{name[1]}")
            if entry is None:
                return name[0]
            place = app.api_names.places[entry]
            target = app.builder.get_relative_uri(page, place.page)
            return f'<a class="api-import" href="{target}#{place.anchor}">{name[0]}</a>'

        start = found.start("names") - found.start()
        return found[0][:start] + IMPORTED.sub(one, found["names"])

    context["body"] = IMPORT.sub(linked, context["body"])


def as_spans(found: re.Match[str]) -> str:
    """A signature's arguments without Sphinx's list, which has no terms and stands inside one."""
    lines = found[1].replace("<dd>", '<span class="sig-argument">').replace("</dd>", "</span>")
    return f'<span class="sig-arguments">{lines}</span>'


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """A page that is read anew starts afresh."""
    env.api_readings.pop(docname, None)


def prepare(app: Sphinx) -> None:
    """The environment may come from an earlier build."""
    if not hasattr(app.env, "api_readings"):
        app.env.api_readings = {}


def setup(app: Sphinx) -> None:
    """Listen to every page as it is read and written."""
    app.add_node(Where)
    app.add_directive("api-where", WhereDirective)
    app.add_post_transform(LinkNames)
    app.connect("builder-inited", prepare)
    app.connect("env-purge-doc", forget)
    app.connect("doctree-read", read_code)
    app.connect("env-updated", collect_uses)
    app.connect("html-page-context", link_imports)
    app.add_css_file("api.css")
