"""The PDF that `make print` writes, of one chapter."""

import re

import pytest

pytestmark = pytest.mark.site


def squeeze(text: str) -> str:
    return re.sub(r"\W", "", text)


def entries(outline, depth=0):
    for item in outline:
        if isinstance(item, list):
            yield from entries(item, depth + 1)
        else:
            yield depth, item


def test_every_sheet_is_a4(book):
    sizes = {tuple(round(float(edge)) for edge in page.mediabox[2:]) for page in book.pages}
    assert sizes == {(595, 842)}


def test_every_paragraph_is_on_paper(article, texts):
    found = squeeze("".join(texts))
    for tag in article.select(".math, .headerlink, details, .widget-figure, .bertviz, script"):
        tag.extract()
    lines = [squeeze(tag.get_text()) for tag in article.select("p, h2, h3, pre, td, li")]
    # A listing that breaks has a page number in its middle; each line of it is looked for.
    listings = [squeeze(line) for tag in article.select("pre") for line in tag.text.splitlines()]
    wanted = [line for line in lines if len(line) < 60] + listings
    assert len(wanted) > 300
    assert [line for line in wanted if line not in found] == []


def test_no_text_starts_outside_the_margins(read):
    assert read[1] == []


def test_fonts_are_embedded(book):
    for page in book.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            font = font.get_object()
            if font["/Subtype"] == "/Type3":  # its shapes are in the file by definition
                continue
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def test_bookmarks_lead_to_their_headings(book, texts):
    found = [(depth, item.title, item) for depth, item in entries(book.outline)]
    titles = [title for _, title, _ in found]
    assert [title for depth, title, _ in found if depth == 0] == [
        "Attention, in order",
        "Contents",
        "Part I. From one vector to the Transformer",
        "Reference",
    ]
    assert "3. Query, key, value: looking back as algebra" in titles
    assert "3.4. The equation" in titles
    for _, title, item in found[1:]:
        if title not in ("Part I. From one vector to the Transformer", "Reference"):
            assert squeeze(title) in squeeze(texts[book.get_destination_page_number(item)])


def test_contents_give_the_numbers_that_the_sheets_bear(book, texts):
    labels = book.page_labels
    first = labels.index("1")
    assert labels[:first] == ["i", "ii", "iii", "iv", "v"][:first]
    contents = texts[first - 1]
    for title in ("3.4. The equation", "3.15. Exercises", "Notation"):
        number = re.search(rf"{re.escape(title)}\s*(\d+)", contents)[1]
        sheet = labels.index(number)
        assert squeeze(title) in squeeze(texts[sheet])
        assert re.search(rf"(^|\s){number}(\s|$)", texts[sheet])


def test_links_stay_in_the_book_or_leave_for_the_web(book):
    inner, outer = 0, []
    for page in book.pages:
        for link in (reference.get_object() for reference in page.get("/Annots", [])):
            if "/Dest" in link:
                assert link["/Dest"][0].get_object()["/Type"] == "/Page"
                inner += 1
            else:
                outer.append(link["/A"]["/URI"])
    assert inner > 30
    assert [address for address in outer if not address.startswith("https://")] == []


def test_the_contents_lead_to_what_they_name(book, texts):
    first = book.page_labels.index("1")
    links = [link.get_object() for link in book.pages[first - 1]["/Annots"]]
    targets = [book.get_page_number(link["/Dest"][0].get_object()) for link in links]
    assert targets == sorted(targets)
    assert targets[0] == first
    assert "Shapes" in texts[targets[-1]] or "Who is speaking" in texts[targets[-1]]


def test_nothing_to_press_is_printed(texts):
    whole = " ".join(texts[2:])
    for word in ("Show code cell", "Hide code cell", "Search this book", "Toggle", "Back to top"):
        assert word not in whole


def test_solutions_come_after_the_last_exercise(texts):
    whole = " ".join(texts)
    assert whole.index("Exercise 3.6") < whole.rindex("Not yet:")
    assert whole.rindex("Not yet:") < whole.index("Solution to Exercise 3.1")


def test_figures_that_answer_are_stills_that_say_so(texts):
    whole = " ".join(texts)
    assert whole.count("Interactive on the site") >= 4
