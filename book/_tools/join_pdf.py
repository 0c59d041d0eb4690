"""Join printed pages of the site into one PDF: links from page to page, an outline, page labels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag

from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    Fit,
    FloatObject,
    IndirectObject,
    NameObject,
    NullObject,
    TextStringObject,
)

TITLE = "Attention, in order"


@dataclass(frozen=True)
class Printed:
    """One page of the site as a PDF.

    Attributes:
        name: its document name, such as `book/notation`.
        reader: the PDF.
        headings: anchor, text and level (H1 or H2) of each heading, in order.
        places: the sheet (from 0) and the height (in points from below) of each anchor.
    """

    name: str
    reader: PdfReader
    headings: list[list[str]]
    places: dict[str, tuple[int, float]]


def read_printed(name: str, pdf: bytes, headings: list[list[str]]) -> Printed:
    """Read a printed page and find where its anchors are."""
    reader = PdfReader(io.BytesIO(pdf))
    places = {}
    for anchor, place in reader.named_destinations.items():
        sheet = reader.get_destination_page_number(place)
        places[unquote(anchor.removeprefix("/"))] = (sheet, float(place["/Top"]))
    return Printed(name, reader, headings, places)


def destination(writer: PdfWriter, sheet: int, top: float | None) -> ArrayObject:
    """A place in the joined book, as a link names it."""
    page = writer.pages[sheet].indirect_reference
    height = NullObject() if top is None else FloatObject(top)
    return ArrayObject([page, NameObject("/XYZ"), NullObject(), height, NullObject()])


def find(
    books: dict[str, tuple[Printed, int]], name: str, anchor: str
) -> tuple[int, float | None] | None:
    """The sheet and height of an anchor of a page; None where the page was not printed."""
    if name not in books:
        return None
    printed, first = books[name]
    if anchor not in printed.places:
        return first, None
    sheet, top = printed.places[anchor]
    return first + sheet, top


def aim(
    link: DictionaryObject,
    name: str,
    site: str,
    books: dict[str, tuple[Printed, int]],
) -> tuple[int, float | None] | str | None:
    """Where a link leads: a place in the book, an outside address, or None for nowhere."""
    if "/Dest" in link:
        return find(books, name, unquote(str(link["/Dest"]).removeprefix("/")))
    address = str(link.get("/A", {}).get("/URI", ""))
    if not address.startswith(site):
        return address if address.startswith(("http", "mailto:")) else None
    path, anchor = urldefrag(address.removeprefix(site))
    return find(books, unquote(path).removesuffix(".html"), unquote(anchor))


def mend_links(writer: PdfWriter, sheet: int, name: str, site: str, books: dict) -> None:
    """Turn links to other pages into links within the book, and drop those that lead nowhere."""
    page = writer.pages[sheet]
    kept = ArrayObject()
    for reference in page.get("/Annots", []):
        link = reference.get_object()
        target = aim(link, name, site, books)
        if target is None:
            continue
        if not isinstance(target, str):
            link.pop("/A", None)
            link[NameObject("/Dest")] = destination(writer, *target)
        link.pop("/StructParent", None)
        kept.append(reference if isinstance(reference, IndirectObject) else link)
    page[NameObject("/Annots")] = kept


def add_outline(writer: PdfWriter, parts: list[tuple[Printed, str]], books: dict) -> None:
    """The book's bookmarks: parts, chapters, sections."""
    part_item, last = None, ""
    for printed, part in parts:
        first = books[printed.name][1]
        if part != last:
            part_item, last = writer.add_outline_item(part, first, bold=True), part
        chapter = part_item
        for anchor, title, level in printed.headings:
            sheet, top = find(books, printed.name, anchor) or (first, None)
            item = writer.add_outline_item(
                title,
                sheet,
                parent=part_item if level == "H1" else chapter,
                fit=Fit.xyz(top=top),
                is_open=False,
            )
            if level == "H1":
                chapter = item


def join(site: Path, parts: list[tuple[Printed, str]], front: int, target: Path) -> int:
    """Write the book; the number of its sheets.

    Args:
        site: the folder whose pages were printed.
        parts: each printed page with the caption of its part.
        front: how many of them are front matter, numbered in roman figures.
        target: the file, which is put in place in one step.
    """
    writer = PdfWriter()
    books: dict[str, tuple[Printed, int]] = {}
    for printed, _ in parts:
        books[printed.name] = (printed, len(writer.pages))
        for page in printed.reader.pages:
            writer.add_page(page)
    for printed, first in books.values():
        for sheet in range(first, first + len(printed.reader.pages)):
            mend_links(writer, sheet, printed.name, f"{site.as_uri()}/", books)
    add_outline(writer, parts, books)
    body = books[parts[front][0].name][1]
    writer.set_page_label(0, body - 1, style="/r")
    writer.set_page_label(body, len(writer.pages) - 1, style="/D")
    writer.add_metadata({"/Title": TITLE, "/Author": "The Attention, in Order authors"})
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")
    writer.page_mode = "/UseOutlines"
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".pdf.new")
    writer.write(temporary)
    temporary.replace(target)
    return len(writer.pages)
