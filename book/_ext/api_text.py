"""One entry of the reference as MyST Markdown, made from its docstring."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator

import griffe
from api_library import Entry, Group
from api_names import module_anchor

LABELS = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Example": "Example",
    "Raises": "Raises",
    "Returns": "Returns",
    "Warns": "Warns",
    "Yields": "Yields",
}
ITEMISED = {"Args", "Attributes", "Raises", "Warns"}
HEAD = re.compile(rf"^({'|'.join(LABELS)}):\n((?:[ \t]+.*\n|\n)+)", re.M)
ITEM = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*): ", re.M)
SHOWN_VALUE = 80  # characters of a constant
NOT_CODE = re.compile(r"(```.*?```|`[^`]*`|\$[^$]*\$)", re.S)
KINDS = {"class": "class", "function": "function", "attribute": "data"}

Linker = Callable[[str], str]


def group_text(group: Group, link: Linker) -> str:
    """A module: its name as a heading, its own words, and its entries."""
    path = group.module.path
    lines = [f"({module_anchor(path)})=", f"## `{group.module.name}`", ""]
    lines += [docstring_text(group.module, link)]
    lines += [entry_text(entry, link) for entry in group.entries]
    return "\n".join(lines)


def entry_text(entry: Entry, link: Linker, *, inside: Entry | None = None) -> str:
    """A class, function, method or constant: signature, words, and where it is used."""
    source, fence = entry.source, ":::" if inside else "::::::"
    head, kind, options = entry.bare, KINDS[source.kind.value], []
    if inside is None:
        package = entry.name.rpartition(".")[0]
        options += [f":module: {package}", f":canonical: {source.path}"]
    else:
        kind = "method" if source.is_function else "attribute"
        kind = "property" if "property" in source.labels else kind
        options += [":no-contents-entry:"]
        options += [
            f":{label}:" for label in ("classmethod", "staticmethod") if label in source.labels
        ]
    if source.is_attribute:
        options += [f":type: {source.annotation}"] if source.annotation else []
        value = str(source.value)
        options += [f":value: {value}"] if kind == "data" and len(value) <= SHOWN_VALUE else []
    else:
        head += signature(source)
    lines = [f"{fence}{{py:{kind}}} {head}", *options, "", docstring_text(source, link)]
    if entry.bases:
        lines += [f"The rest it has from {' and '.join(f'`{base}`' for base in entry.bases)}.", ""]
    if inside is None:
        lines += [f"```{{api-where}} {entry.name}", "```", ""]
    lines += [entry_text(member, link, inside=entry) for member in entry.members]
    return "\n".join([*lines, fence, ""])


def signature(source: griffe.Class | griffe.Function) -> str:
    """Its parameters as one writes them, without `self`."""
    parts, before = [], ""
    for parameter in source.parameters:
        kind = parameter.kind.value
        if parameter.name in ("self", "cls"):
            continue
        if before == "positional-only" != kind:
            parts.append("/")
        if kind == "keyword-only" and before not in ("keyword-only", "variadic positional"):
            parts.append("*")
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        shown = stars + parameter.name
        if parameter.annotation:
            shown += f": {parameter.annotation}"
        if parameter.default is not None and not stars:
            shown += f" = {parameter.default}"
        parts.append(shown)
        before = kind
    returns = source.returns if source.is_function else None
    return f"({', '.join(parts)})" + (f" -> {returns}" if returns else "")


def docstring_text(source: griffe.Object, link: Linker) -> str:
    """The docstring: plain paragraphs, then each section under its label."""
    text = f"{source.docstring.value}\n" if source.docstring else ""
    sections: list[str] = []
    words = HEAD.sub(lambda found: sections.extend(section(*found.groups())) or "", text)
    marked = as_markdown("\n".join([words, *sections]))
    return link(outside_code(marked, lambda plain: plain.replace("<", r"\<")))


def section(title: str, body: str) -> Iterator[str]:
    """A label, then a list of names with their meaning, or a paragraph."""
    yield f"```{{rubric}} {LABELS[title]}\n```\n"
    body = textwrap.dedent(body).strip("\n")
    if title not in ITEMISED:
        yield f"{body}\n"
        return
    _, *items = ITEM.split(body)
    for names, meaning in zip(items[::2], items[1::2], strict=True):
        term = ", ".join(f"`{name}`" for name in names.split(", "))
        meaning = " ".join(meaning.split())
        yield f"{term}\n: {meaning}\n"


def as_markdown(text: str) -> str:
    """Doctests fenced, and a paragraph that announces code by two colons with one."""
    text = re.sub(r"::\n\n(?= )", ":\n\n", text)
    examples = r"(^>>> (?:.+\n)+)"
    return re.sub(examples, r"```pycon\n\1```\n", text, flags=re.M)


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Change what is neither code nor formula."""
    parts = NOT_CODE.split(text)
    return "".join(part if index % 2 else change(part) for index, part in enumerate(parts))
