"""The reference of the library on a phone, and the ways to it and back."""

import re

import pytest

pytestmark = pytest.mark.site
PAGE = "book/api/attention.html"
ENTRY = "txlib.attention.MultiHeadAttention"


def test_a_long_signature_has_a_line_for_each_argument(open_page):
    page = open_page(PAGE, width=390)
    signature = page.locator(f"dt[id='{ENTRY}']")
    arguments = signature.locator(".sig-argument")
    names = [re.match(r"\w+|\*", text)[0] for text in arguments.all_inner_texts()]
    assert names[:4] == ["d_model", "num_heads", "*", "num_kv_heads"]
    boxes = [argument.bounding_box() for argument in arguments.all()]
    tops = [box["y"] for box in boxes]
    assert len(set(tops)) == len(tops) > 5
    assert tops == sorted(tops)
    assert max(box["x"] + box["width"] for box in boxes) <= 390


def test_from_a_chapter_to_an_entry_and_back(open_page):
    page = open_page("chapters/05_multi_head.html", width=390)
    mention = page.locator(f"a[id='use-{ENTRY}']")
    mention.click()
    page.wait_for_url(f"**/{PAGE}#{ENTRY}")
    entry = page.locator("dl.py").filter(has=page.locator(f"dt[id='{ENTRY}']"))
    entry.locator(".api-where").get_by_role("link", name="5", exact=True).click()
    page.wait_for_url(f"**/chapters/05_multi_head.html#use-{ENTRY}")
    assert mention.is_visible()


def test_every_import_of_a_chapter_leads_to_its_entry(parse, chapter):
    code = parse(chapter).select(".cell_input pre")
    links = [link for cell in code for link in cell.select("a.api-import")]
    assert len(links) > 10
    for link in links:
        assert link["href"].startswith("../book/api/")
        assert link["href"].split("#")[1].replace("-", "_").endswith(link.text)
