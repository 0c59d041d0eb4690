from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.site
ARTIFACTS = Path(__file__).parents[3] / "artifacts"
COUNT = 8  # frames on the page: six widgets, and one with another within


@pytest.mark.parametrize("width", [320, 390])
def test_narrow_screens_have_room_for_fingers(open_page, width):
    page = open_page("file", viewport={"width": width, "height": 800}, has_touch=True)
    expect(page.locator(".tx")).to_have_count(COUNT)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = "nodes => nodes.filter(n => n.scrollWidth > n.clientWidth + 1).map(n => n.className)"
    assert page.locator(".tx").evaluate_all(inside) == []
    boxes = page.locator(".tx button, .tx select, .tx input[type=range], .tx label").evaluate_all(
        """nodes => nodes.filter((node) => node.checkVisibility()).map((node) => {
             const { width, height } = node.getBoundingClientRect();
             return [node.textContent, width, height];
           })"""
    )
    assert len(boxes) > 50
    assert [box for box in boxes if min(box[1:]) < 32] == []


def test_motion_stays_off_for_those_who_ask(open_page):
    page = open_page("file", reduced_motion="reduce")
    expect(page.locator(".tx")).to_have_count(COUNT)
    moving = page.locator(".tx *").evaluate_all(
        """nodes => nodes.map(getComputedStyle).filter((style) =>
             style.animationName !== "none" || !/^(0s(, )?)+$/.test(style.transitionDuration))"""
    )
    assert moving == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_looks_and_accessibility(open_page, width, theme):
    page = open_page("file", viewport={"width": width, "height": 900}, color_scheme=theme)
    expect(page.locator(".tx")).to_have_count(COUNT)
    for widget in page.locator(".tx").all():
        expect(widget).to_be_visible()
        assert (widget.get_attribute("data-dark") is not None) == (theme == "dark")
    page.wait_for_function("document.getAnimations().length === 0")
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(
        path=ARTIFACTS / f"widgets-explorers-{width}-{theme}.png", full_page=True, timeout=30_000
    )
    found = Axe().run(page, ".tx", {"preload": False}).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found] == []
