import pytest
from playwright.sync_api import Locator, Page, expect

from txlib.widgets import UnrolledNetwork

pytestmark = pytest.mark.site


def output_of(page: Page, call: str) -> Locator:
    """What the cell that ends in `call` shows."""
    cell = page.locator(".cell", has=page.locator(".cell_input", has_text=call)).last
    return cell.locator(".cell_output")


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_all_widgets_start_without_kernel_and_network(open_page, scheme):
    page = open_page(scheme)
    expect(page.locator(".tx-predict")).to_have_count(2)
    expect(page.locator(".tx-unrolled")).to_have_count(3)
    expect(page.locator(".counter")).to_have_count(3)  # two views of its own, one in its parent
    for widget in page.locator(".tx").all():
        expect(widget).to_be_visible()
        figure = widget.locator("xpath=ancestor::*[contains(@class, 'widget-figure')]")
        expect(figure.locator(".widget-fallback")).to_be_hidden()
    assert page.evaluate("window.hacked") is None
    assert "require" not in page.content().lower().replace("requirekernel", "")


def test_without_scripts_the_pictures_speak(open_page):
    page = open_page("file", java_script_enabled=False)
    pictures = page.locator(".widget-fallback img")
    expect(pictures).to_have_count(9)
    assert all(picture.is_visible() for picture in pictures.all())
    assert (
        pictures.nth(2).get_attribute("alt")
        == UnrolledNetwork(num_tokens=6, kernel_size=2, source=1, target=4).alt
    )


def test_views_of_one_model_stay_in_step(open_page):
    page = open_page()
    expect(page.locator(".counter")).to_have_text(["count 5"] * 3)
    first, second, third = page.locator(".counter").all()
    first.click()
    second.click()
    expect(first).to_have_text("count 7")
    expect(third).to_have_text("count 7")
    expect(page.locator(".parent")).to_have_text("true 7 14")
    # three views heard each count once, none heard the list, which was set to what it was;
    # "change" came once for each count
    assert page.evaluate("[window.initialized, window.heard, window.changes]") == [1, 6, 2]


def test_styles_are_added_once(open_page):
    page = open_page()
    expect(page.locator(".tx-predict")).to_have_count(2)
    expect(page.locator(".counter")).to_have_count(3)
    expect(page.locator(".counter").first).to_have_css("letter-spacing", "3px")
    styles = page.locator("style").all_text_contents()
    assert sum(".counter" in style for style in styles) == 1
    assert sum(".tx-predict {" in style for style in styles) == 1


def test_references_reach_other_models(open_page):
    page = open_page()
    expect(page.locator(".parent")).to_have_text("true 5 10")
    expect(page.locator(".parent")).to_have_attribute("data-missing", "no such model")


def test_binary_traits_arrive_as_data_views(open_page):
    expect(open_page().locator(".bytes")).to_have_text("DataView:3:200 DataView:2:2")


def test_removed_views_clean_up_and_hear_no_more(open_page):
    page = open_page()
    counters = page.locator(".counter")
    expect(counters).to_have_count(3)
    counters.nth(1).evaluate("node => node.closest('.cell').remove()")
    page.wait_for_function("window.cleaned === 1 && window.aborted === true")
    counters.nth(0).click()
    assert page.evaluate("window.heard") == 2
    moved = "node => { const parent = node.parentNode; node.remove(); parent.append(node); }"
    counters.nth(0).evaluate(moved)
    counters.nth(0).click()
    assert page.evaluate("[window.cleaned, window.heard]") == [1, 4]  # moved, it lives on


@pytest.mark.parametrize("name", ["BrokenImport", "BrokenRender", "NeverReady", "Foreign"])
def test_what_cannot_start_leaves_its_picture_and_says_so(open_page, name):
    page = open_page()
    output = output_of(page, f"{name}()")
    note = "This interactive figure could not start here, so its picture stands in for it."
    expect(output.locator(".widget-note")).to_have_text(note)
    picture = output.get_by_role("img", name=f"what {name} would show")
    expect(picture).to_be_visible()
    expect(output).not_to_contain_text("half a")


def test_what_has_no_picture_still_says_so(open_page):
    output = output_of(open_page(), "BrokenBare()")
    expect(output).to_have_text("The interactive figure that belongs here could not start.")


def test_what_starts_late_takes_the_note_away(open_page):
    page = open_page(patience_ms=1)
    widget = page.locator(".tx-predict").first
    expect(widget).to_be_visible()
    expect(output_of(page, "question").locator(".widget-note")).to_have_count(0)


def test_controls_that_need_a_kernel_are_left_out(open_page):
    page = open_page()
    expect(output_of(page, "BrokenBare()").locator(".widget-note")).to_be_visible()
    slider = output_of(page, "ipywidgets.IntSlider")
    assert slider.inner_text().strip() == ""
    expect(slider.locator(".widget-view")).to_have_count(0)


def test_state_is_embedded_once_for_each_source(open_page):
    page = open_page()
    state = page.locator('script[type$="widget-state+json"]').evaluate("node => node.textContent")
    assert state.count("const kit = ") == 2  # five widgets of two kinds
    assert "<" not in state
