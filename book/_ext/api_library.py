"""What `txlib` offers, read from its source: nothing is imported, so no torch is needed.

A page of the reference names a package and, in the order in which it tells them, its modules::

    ```{api} txlib.attention
    masks
    traffic: Traffic count_traffic
    flash_triton:
    ```

A module alone shows those of its names that the package exports, or that its own `__all__` lists,
or else all that are public. Names behind a colon are shown too; a colon with no name shows the
module's own words alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import griffe

BLOCK = re.compile(r"^```\{api\} (?P<package>\S+)\n(?P<lines>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Entry:
    """One public name: as a reader imports it, and what the source says of it."""

    name: str
    source: griffe.Object
    members: tuple[Entry, ...] = ()

    @property
    def bare(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]

    @property
    def bases(self) -> list[str]:
        """The library's own classes on which a class stands."""
        bases = self.source.bases if self.source.is_class else []
        paths = [base if isinstance(base, str) else base.canonical_path for base in bases]
        return [path.rpartition(".")[2] for path in paths if path.startswith("txlib.")]


@dataclass(frozen=True)
class Group:
    """One module and what it gives to readers."""

    module: griffe.Module
    entries: tuple[Entry, ...] = field(default=())


def read_library(folder: Path) -> griffe.Module:
    """The package `txlib` in a folder, by its source alone."""
    options = {"allow_inspection": False, "try_relative_path": False}
    return griffe.load("txlib", search_paths=[folder], **options)


def read_groups(package: griffe.Module, lines: str) -> list[Group]:
    """The modules of a package that a page names, each with its entries.

    Raises:
        ValueError: if a name is not there, or the package exports one that the page leaves out.
    """
    groups = [_group(package, *line.split(":", 1)) for line in lines.split("\n") if line]
    shown = {entry.name for group in groups for entry in group.entries}
    missing = sorted({f"{package.path}.{name}" for name in _exports(package)} - shown)
    if missing:
        raise ValueError(f"the page of {package.path} must show all it exports, not {missing}")
    return groups


def find_module(package: griffe.Module, path: str) -> griffe.Module:
    """A module by its whole name, from a package around it.

    Raises:
        ValueError: if it is not there.
    """
    inner = path.removeprefix(package.path).lstrip(".")
    try:
        return package[inner] if inner else package
    except KeyError:
        raise ValueError(f"a page names a module that is not there, {path}") from None


def _group(package: griffe.Module, path: str, named: str | None = None) -> Group:
    module = find_module(package, f"{package.path}.{path.strip()}")
    names = [] if named is None else named.split()
    exported = [name for name in _exports(package) if _target(package, name).parent is module]
    if named is None or not (named.strip() or exported):
        names += _exports(module) or ([] if exported or named is not None else _public(module))
    entries = [_entry(f"{package.path}.{name}", _target(package, name)) for name in exported]
    entries += [_entry(f"{module.path}.{name}", _target(module, name)) for name in names]
    return Group(module, tuple(sorted(entries, key=lambda entry: entry.source.lineno or 0)))


def _target(module: griffe.Module, name: str) -> griffe.Object:
    """What a name means in a module; what it imports hides a module of the same name."""
    if name not in module.members:
        raise ValueError(f"a page names what is not there, {module.path}.{name}")
    imported = module.imports.get(name)
    member = module.modules_collection[imported] if imported else module.members[name]
    return member.final_target if member.is_alias else member


def _exports(module: griffe.Module) -> list[str]:
    return list(module.exports or [])


def _public(module: griffe.Module) -> list[str]:
    """Functions and classes that the module defines, and constants that it explains."""
    return [
        name
        for name, member in module.members.items()
        if not name.startswith("_")
        and not member.is_alias
        and (member.is_function or member.is_class or (member.is_attribute and member.docstring))
    ]


def _entry(name: str, source: griffe.Object) -> Entry:
    """An entry with its public methods and properties; what has no words has no entry."""
    members = tuple(
        Entry(f"{name}.{member.name}", member)
        for member in (source.members.values() if source.is_class else ())
        if not member.is_alias
        and not member.name.startswith("_")
        and member.name != "extra_repr"
        and member.docstring
    )
    return Entry(name, source, members)
