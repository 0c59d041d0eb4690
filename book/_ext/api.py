"""The reference: pages written from the docstrings, and links to them from the whole book."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import api_links
from api_library import BLOCK, find_module, read_groups, read_library
from api_links import PAGES, is_chapter
from api_names import Names
from api_text import docstring_text, group_text, outside_code
from sphinx.application import Sphinx

CHAPTERS = re.compile(r"\b([Cc]hapters?\s)(\d(?:(?:, | and | to )\d)*)")
AUTHORS = r"([A-Z][\w-]+)(?:\set\sal\.|(?:,\s[A-Z][\w-]+)*\sand\s[A-Z][\w-]+)?\s((?:19|20)\d\d)\b"
KEY = re.compile(r"^@\w+\{([a-z]+)(\d{4})(\w*),", re.M)


def read_pages(app: Sphinx) -> None:
    """Learn every entry before a page is read, so that all pages can name it."""
    folder = Path(app.srcdir)
    app.api_names, app.api_groups = Names(), {}
    library = read_library(folder)
    for path in sorted((folder / PAGES).glob("*.md")):
        page = path.relative_to(folder).with_suffix("").as_posix()
        for block in BLOCK.finditer(path.read_text(encoding="utf-8")):
            package = find_module(library, block["package"])
            groups = read_groups(package, block["lines"])
            app.api_names.add_package(package.path, page)
            app.api_groups[page, package.path] = package, groups
            app.api_names.add(page, groups)


def expand(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write the entries where a page asks for them."""

    def written(block: re.Match[str]) -> str:
        package, groups = app.api_groups[docname, block["package"]]
        intro = [docstring_text(package, link)] if package.parent else []
        return "\n".join([*intro, *(group_text(group, link) for group in groups)])

    if docname.startswith(f"{PAGES}/"):
        link = linker(app)
        source[0] = BLOCK.sub(written, link(source[0]))


def linker(app: Sphinx) -> Callable[[str], str]:
    """What turns "chapter 3" and "Vaswani et al. 2017" in a docstring into links."""
    chapters = {int(name[9:11]): f"/{name}" for name in app.env.found_docs if is_chapter(name)}
    keys: dict[tuple[str, str], list[str]] = {}
    for path in app.config.bibtex_bibfiles:
        for name, year, rest in KEY.findall((Path(app.srcdir) / path).read_text(encoding="utf-8")):
            keys.setdefault((name, year), []).append(name + year + rest)

    def one_chapter(number: re.Match[str]) -> str:
        target = chapters.get(int(number[0]))
        return f"{{doc}}`{number[0]} <{target}>`" if target else number[0]

    def some_chapters(found: re.Match[str]) -> str:
        alone = chapters.get(int(found[2])) if found[2].isdigit() else None
        if alone:
            return f"{{doc}}`{' '.join(found[0].split())} <{alone}>`"
        return found[1] + re.sub(r"\d", one_chapter, found[2])

    def paper(found: re.Match[str]) -> str:
        known = keys.get((found[1].lower().replace("-", ""), found[2]), [])
        return f"{{cite:t}}`{known[0]}`" if len(known) == 1 else found[0]

    def change(text: str) -> str:
        return re.sub(AUTHORS, paper, CHAPTERS.sub(some_chapters, text))

    return lambda text: outside_code(text, change)


def setup(app: Sphinx) -> dict[str, Any]:
    """Read the library first, then write the pages, then link to them."""
    app.connect("builder-inited", read_pages)
    app.connect("source-read", expand)
    api_links.setup(app)
    return {"env_version": 1, "parallel_read_safe": False, "parallel_write_safe": True}
