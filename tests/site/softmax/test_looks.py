from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.site
ARTIFACTS = Path(__file__).parents[3] / "artifacts"
HOSTILE, FOREIGN = "<img src=x onerror=window.hacked=1>", "翻译机器"


def test_hostile_labels_are_text(open_page):
    page = open_page("file")
    dial, plane = page.locator(".tx-softmax").nth(2), page.locator(".tx-qkv").nth(1)
    expect(dial.locator(".tx-token").nth(1)).to_have_text(HOSTILE)
    told = f"○ τ → 0: {HOSTILE} and {FOREIGN} tie"
    expect(dial.locator("[data-limit=cold]")).to_contain_text(told)
    expect(plane.locator("tbody th .tx-token").nth(1)).to_have_text(HOSTILE)
    plane.get_by_role("radio", name=f"key {HOSTILE}").click()
    expect(plane.locator(".tx-where")).to_contain_text(HOSTILE)
    expect(page.locator(".tx img")).to_have_count(0)
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("width", [320, 390])
def test_narrow_screens_have_room_for_fingers(open_page, width):
    page = open_page("file", viewport={"width": width, "height": 800}, has_touch=True)
    expect(page.locator(".tx")).to_have_count(6)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = "nodes => nodes.filter(n => n.scrollWidth > n.clientWidth + 1).map(n => n.className)"
    assert page.locator(".tx, .tx table").evaluate_all(inside) == []
    boxes = page.locator(".tx button, .tx input:not([role=switch]), .tx label, .tx-hit")
    sizes = boxes.evaluate_all(
        "nodes => nodes.map(n => n.getBoundingClientRect()).map(b => Math.min(b.width, b.height))"
    )
    assert len(sizes) > 50
    assert min(sizes) >= 32
    touch = page.locator(".tx-hit").first.evaluate("node => getComputedStyle(node).touchAction")
    assert touch == "none"  # a finger on a point moves it, elsewhere it scrolls the page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_looks_and_accessibility(open_page, width, theme):
    page = open_page("file", viewport={"width": width, "height": 900}, color_scheme=theme)
    expect(page.locator(".tx")).to_have_count(6)
    for widget in page.locator(".tx").all():
        expect(widget).to_be_visible()
        assert (widget.get_attribute("data-dark") is not None) == (theme == "dark")
    page.wait_for_function("document.getAnimations().length === 0")
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"widgets-softmax-{width}-{theme}.png", full_page=True)
    if width == 390:  # preload: axe would fetch stylesheets that are not there
        found = Axe().run(page, ".tx", {"preload": False}).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html']}" for one in found] == []
