import math
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from txlib.widgets.gradient_flow import verdict

pytestmark = pytest.mark.site
MINUS = "\N{MINUS SIGN}"


def flow(page: Page) -> Locator:
    return page.locator(".tx-flow").first


def set_depth(widget: Locator, at: int) -> None:
    """Set the slider, and wait until it is drawn: at the next frame."""
    widget.get_by_role("slider").fill(str(at))
    widget.page.evaluate("() => new Promise(requestAnimationFrame)")


def check_depth(widget: Locator, reference: object, depth: int) -> None:
    """Table and sentence of every stack against Python's numbers."""
    expect(widget.locator("output")).to_have_text(f"{depth} layer{'s' * (depth > 1)}")
    told = widget.locator(".tx-told").inner_text().replace(MINUS, "-")
    for row, arm in zip(widget.locator("tbody tr").all(), reference.arms, strict=True):
        norms = reference.of(arm, depth)
        word = verdict(norms) if norms else "not measured at this depth"
        expect(row.locator("small")).to_have_text(word)
        assert re.search(rf"{re.escape(arm)}: (first ÷ last [\d.e-]+, )?{word}", told)
        ratio = reference.ratio(arm, depth)
        if math.isnan(ratio):
            assert row.get_attribute("data-ratio") is None
        else:
            assert float(row.get_attribute("data-ratio")) == pytest.approx(ratio)
            shown = float(row.locator("td").last.inner_text().replace(MINUS, "-"))
            assert shown == pytest.approx(ratio, rel=0.05)


def test_every_depth_matches_python(open_page, gradients):
    widget = flow(open_page("file"))
    for at, depth in enumerate(gradients.depths):
        set_depth(widget, at)
        check_depth(widget, gradients, depth)
        marks = widget.locator(".tx-chart g[data-arm='0'] .tx-mark")
        expect(marks).to_have_count(depth)


def test_zero_and_infinity_lie_on_their_rails(open_page, gradients):
    widget = flow(open_page("file"))
    set_depth(widget, 1)
    rails = widget.locator(".tx-rail").evaluate_all("all => all.map(l => l.y1.baseVal.value)")
    rail = dict(zip(("overflowed", "vanished"), rails, strict=True))
    for arm, word in ((1, "vanished"), (2, "overflowed")):
        marks = widget.locator(f".tx-chart g[data-arm='{arm}'] .tx-mark")
        places = marks.evaluate_all("all => all.map(m => m.transform.baseVal[0].matrix.f)")
        norms = gradients.of(gradients.arms[arm], 4)
        assert verdict(norms) == word
        for place, norm in zip(places, norms, strict=True):
            on_rail = norm == 0 or not math.isfinite(norm)
            assert (abs(place - rail[word]) < 0.1) == on_rail
            assert rail["overflowed"] - 0.1 < place < rail["vanished"] + 0.1


def test_stacks_are_switched_by_keyboard_alone(open_page, gradients):
    page = open_page("file")
    widget = flow(page)
    said = widget.locator("[aria-live]")
    widget.get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(said).to_contain_text("1 layer. ")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    first, second = gradients.arms[:2]
    expect(said).not_to_contain_text(f"{first}: ")
    expect(said).to_contain_text(f"{second}: ")
    expect(widget.locator("tbody tr:visible")).to_have_count(len(gradients.arms) - 1)
    expect(widget.locator(".tx-chart g[data-arm='0'] *")).to_have_count(0)
    for _ in gradients.arms[1:]:
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
    expect(said).to_have_text("1 layer. No stack is shown.")


def test_hostile_names_are_text(open_page, gradients):
    page = open_page("file")
    hostile = "<img src=x onerror=window.hacked=1>"
    expect(flow(page).locator("tbody .tx-token").last).to_have_text(hostile)
    expect(flow(page).locator(".tx-told")).to_contain_text(f"{hostile}: ")
    expect(page.locator(".tx img")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
