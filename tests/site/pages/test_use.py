"""What a reader does with a page: search, leaf, switch, copy, unfold, download, touch."""

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.site
FIRST = "chapters/01_recurrence.html"
BODY = ":scope > :not(.admonition-title)"
FOLDED = """all => all.map((box) => {
  const toggle = box.querySelector(".admonition-title .toggle-button");
  const body = [...box.querySelectorAll(":scope > :not(.admonition-title)")];
  const hidden = body.map((part) => !part.clientHeight
    || !part.checkVisibility({ visibilityProperty: true }));
  if (!body.length || new Set(hidden).size > 1) throw new Error(`half open: ${box.innerText}`);
  if (toggle.ariaExpanded !== String(!hidden[0])) throw new Error(`told wrongly: ${box.innerText}`);
  return hidden[0];
})"""


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search_by_address_leads_to_the_chapter(open_page, scheme):
    page = open_page("search.html?q=recurrence", scheme)
    page.locator(f'#search-results a[href*="{FIRST}"]').first.click()
    page.wait_for_url(f"**/{FIRST}*")


def test_search_by_keyboard_leads_to_the_results(open_page):
    page = open_page("book/index.html")
    page.keyboard.press("Control+k")
    expect(page.locator("input[name=q]:focus")).to_be_visible()
    page.keyboard.type("recurrence")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=recurrence*")
    page.locator(f'#search-results a[href*="{FIRST}"]').first.wait_for()


def test_next_and_previous_lead_through_all_chapters_and_back(open_page, roots, chapters):
    page = open_page(chapters[0])
    for lead, way in [("a.right-next", chapters[1:]), ("a.left-prev", chapters[-2::-1])]:
        assert way
        for chapter in way:
            page.locator(lead).click()
            page.wait_for_url(roots["http"] + chapter)


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_theme_is_switched_and_kept(open_page, scheme):
    page = open_page(FIRST, scheme)
    html, switch = page.locator("html"), page.locator("button.theme-switch-button:visible")
    expect(html).to_have_attribute("data-theme", "light")
    seen = []
    for _ in range(3):
        switch.click()
        seen.append(html.get_attribute("data-mode"))
        theme = "dark" if seen[-1] == "dark" else "light"  # "auto" follows the system, here light
        expect(html).to_have_attribute("data-theme", theme)
    assert sorted(seen) == ["auto", "dark", "light"]
    while html.get_attribute("data-theme") != "dark":
        switch.click()
    page.reload()
    expect(html).to_have_attribute("data-theme", "dark")


def test_code_is_copied(open_page, roots, chapter):
    page = open_page(chapter)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=roots["http"])
    cells = page.locator(".cell_input:visible")
    assert cells.count() > 0
    for cell in (cells.first, cells.last):
        cell.hover()
        button = cell.locator("button.copybtn")
        button.click()
        expect(button).to_have_class("copybtn o-tooltip--left success")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == cell.locator("pre").text_content().strip()
    bare = page.locator(".cell_input").filter(has_not=page.locator("button.copybtn"))
    expect(bare).to_have_count(0)


def test_hints_and_solutions_are_folded_until_asked_for(open_page, chapter):
    page = open_page(chapter)
    exercises = page.locator(".admonition.exercise").count()
    assert exercises > 0
    expect(page.locator(".toggle-button").first).to_have_attribute("aria-expanded", "false")
    for kind in ("hint", "solution"):
        boxes = page.locator(f".admonition.{kind}")
        assert len(folded := boxes.evaluate_all(FOLDED)) >= exercises
        assert all(folded)
        toggle = boxes.first.locator(".admonition-title").get_by_role("button")
        toggle.click()
        expect(toggle).to_have_attribute("aria-expanded", "true")
        expect(boxes.first.locator(BODY).first).to_be_visible()
        assert boxes.evaluate_all(FOLDED) == [False, *folded[1:]], "one opens, not all"
        toggle.focus()
        page.keyboard.press("Enter")
        expect(boxes.first.locator(BODY).first).to_be_hidden()
        boxes.evaluate_all(
            "all => all.forEach((box) => box.querySelector('.toggle-button').click())"
        )
        expect(boxes.locator(".toggle-button[aria-expanded=false]")).to_have_count(0)
        assert not any(boxes.evaluate_all(FOLDED))


def test_the_notebook_is_downloaded(open_page, chapter, tmp_path):
    page = open_page(chapter)
    page.get_by_role("button", name="Download this page").click()
    link = page.locator("a.btn-download-source-button")
    expect(link).to_contain_text(".ipynb")
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "chapter.ipynb")
    notebook = nbformat.read(tmp_path / "chapter.ipynb", as_version=4)
    nbformat.validate(notebook)
    heading = page.locator("h1 >> visible=true").first.text_content()
    title = next(line for line in notebook.cells[0].source.splitlines() if line.startswith("# "))
    assert title.removeprefix("# ") in heading


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_widgets_answer(open_page, chapter, parse, scheme):
    page = open_page(chapter, scheme)
    shown = page.locator(".widget-figure .widget-view")  # controls for a kernel have no picture
    expect(shown).to_have_count(len(parse(chapter).select(".widget-figure")))
    expect(page.locator(".widget-note")).to_have_count(0)
    for widget in shown.all():
        expect(widget).to_be_visible()
        assert widget.bounding_box()["height"] > 60
        assert len(widget.inner_text().split()) > 5
    for fallback in page.locator(".widget-fallback").all():
        expect(fallback).to_be_hidden()


def test_the_first_chapter_asks_and_unrolls(open_page):
    page = open_page(FIRST)
    question, network = page.locator(".tx-predict").first, page.locator(".tx-unrolled").first
    question.get_by_role("radio").first.check()
    question.get_by_role("button").click()
    expect(question.locator(".tx-result")).to_be_visible()
    before = network.locator("output").inner_text()
    network.get_by_role("button", name="Step", exact=True).click()
    expect(network.locator("output")).not_to_have_text(before)
