"""Which entry of the reference a name in the text means, if any.

In a docstring a bare name means an entry of its own class, then of its own module, then the only
one of that name; an argument's name means the argument. Everywhere else the rule is stricter,
since a chapter has names of its own. A name with its whole path is always linked. A bare one is
linked where the page's code imports it from `txlib`; and, without that, if no second entry has it,
it is two words (`causal_mask`, `FeedForward`) and PyTorch has no such name. A name to which the
page's code gives a meaning of its own is never linked, nor is a call such as `causal_mask(3)`: the
exercises name in that way what the reader is to write.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from api_library import Entry, Group

ALSO_IN_PYTORCH = {
    "GRUCell",
    "LSTMCell",
    "LayerNorm",
    "RMSNorm",
    "RNNCell",
    "layer_norm",
    "rms_norm",
    "scaled_dot_product_attention",
}
NAME = re.compile(r"[A-Za-z_][\w.]*")
TWO_WORDS = re.compile(r"[A-Za-z0-9]_[A-Za-z0-9]|[a-z0-9][A-Z]|[A-Z][A-Z]+[a-z]|.[a-z]+_$")


@dataclass(frozen=True)
class Place:
    """Where an entry stands, and what to read of it."""

    name: str
    page: str
    anchor: str
    source: str
    lines: tuple[int, int]


@dataclass
class Reading:
    """What a page's code says of names, and the inline code of its prose."""

    imported: dict[str, str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    prose: list[str] = field(default_factory=list)

    def add(self, code: str) -> None:
        """Take note of one cell; one that is no Python has nothing to say."""
        plain = "\n".join(line for line in code.split("\n") if not line.startswith(("%", "!")))
        try:
            tree = ast.parse(plain)
        except SyntaxError:
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("txlib"):
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.own |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.own.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.own.add(node.id)


def module_anchor(path: str) -> str:
    """The place of a module in its page: in such letters as Sphinx leaves alone."""
    return "module-" + path.replace(".", "-").replace("_", "-")


class Names:
    """Every name by which an entry may be called."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.paths: dict[str, str] = {}  # public or defining path: public path
        self.bare: dict[str, set[str]] = {}
        self.entries: dict[str, Entry] = {}  # methods too
        self.modules: dict[str, str] = {}  # by anchor

    def add(self, page: str, groups: Iterable[Group]) -> None:
        """Take in all that a page shows."""
        for group in groups:
            path = group.module.path
            self._place(path, path, page, module_anchor(path), group.module)
            self.modules[module_anchor(path)] = path
            for entry in group.entries:
                self.bare.setdefault(entry.bare, set()).add(entry.name)
                for one in (entry, *entry.members):
                    self.entries[one.name] = one
                    self._place(one.name, one.source.path, page, one.name, one.source)

    def add_package(self, path: str, page: str) -> None:
        """A package is its page."""
        self.places[path] = Place(path, page, "", "", (0, 0))
        self.paths[path] = path

    def _place(self, name: str, path: str, page: str, anchor: str, source: object) -> None:
        lines = (source.lineno or 1, source.endlineno or 1)
        file = str(source.relative_package_filepath)
        if name not in self.entries or anchor == name:  # a function hides its module of that name
            self.places[name] = Place(name, page, anchor, file, lines)
        self.paths |= {path: name, name: name}

    def meant_in_page(self, text: str, reading: Reading) -> str | None:
        """The entry that a page means by a piece of inline code."""
        if not NAME.fullmatch(text):
            return None
        if text.startswith("txlib"):
            return self.paths.get(text)
        head, _, rest = text.partition(".")
        if head in reading.own:
            return None
        if head in reading.imported:
            return self.paths.get(".".join(filter(None, (reading.imported[head], rest))))
        if head in ALSO_IN_PYTORCH or not TWO_WORDS.search(head):
            return None
        return self._only(head, rest)

    def meant_in_docstring(self, text: str, owner: str) -> str | None:
        """The entry that the docstring of another means by a piece of inline code."""
        if not NAME.fullmatch(text):
            return None
        if text.startswith("txlib"):
            return self.paths.get(text)
        entry, (head, _, rest) = self.entries.get(owner), text.partition(".")
        if entry is None:
            return self.paths.get(f"{owner}.{text}") or self._only(head, rest)
        if head in {parameter.name for parameter in getattr(entry.source, "parameters", ())}:
            return None
        around = (owner, owner.rpartition(".")[0], entry.source.module.path)
        found = (self.paths.get(f"{place}.{text}") for place in around)
        return next(filter(None, found), None) or self._only(head, rest)

    def _only(self, head: str, rest: str) -> str | None:
        found = self.bare.get(head, set())
        return self.paths.get(".".join(filter(None, (*found, rest)))) if len(found) == 1 else None
