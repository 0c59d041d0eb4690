"""What a page does when its reader prints it, and that it is as before afterwards."""

import pytest

pytestmark = pytest.mark.site
STATE = """() => [
  document.documentElement.dataset.theme,
  [...document.querySelectorAll("article *")]
    .map((element) => [element.tagName, element.id, element.getAttribute("class") || "",
      element.style?.zoom || "", element.childElementCount || element.textContent]),
]"""
FIRE = "name => { dispatchEvent(new Event(name)); }"
# The text of a page is as wide as A4 without its margins.
SHEET = {"width": 643, "height": 900}
TOO_WIDE = """() => [...document.querySelectorAll("article *")]
  .filter((element) => element.checkVisibility() && !element.closest("mjx-assistive-mml, script"))
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 2)
  .map((element) => `${element.tagName}.${element.className} ${element.textContent.slice(0, 40)}`)
"""


@pytest.fixture
def sheet(screen):
    """The chapter as it goes to the printer."""
    screen.set_viewport_size(SHEET)
    screen.evaluate(FIRE, "beforeprint")
    screen.emulate_media(media="print")
    yield screen
    screen.emulate_media(media="screen")
    screen.evaluate(FIRE, "afterprint")


def test_the_page_is_as_before_afterwards(screen):
    before = screen.evaluate(STATE)
    assert before[0] == "dark"
    screen.evaluate(FIRE, "beforeprint")
    screen.evaluate(FIRE, "beforeprint")  # as some browsers do
    during = screen.evaluate(STATE)
    assert during[0] == "light"
    assert during[1] != before[1]
    assert screen.locator(".printed-solutions").count() == 1
    screen.evaluate(FIRE, "afterprint")
    assert screen.evaluate(STATE) == before


def test_nothing_is_wider_than_the_sheet(sheet):
    assert sheet.evaluate(TOO_WIDE) == []
    assert sheet.evaluate("document.documentElement.scrollWidth") <= SHEET["width"]


def test_ink_is_dark_on_white(sheet):
    colour = "selector => getComputedStyle(document.querySelector(selector))"
    assert sheet.evaluate(f"({colour})('body').backgroundColor") == "rgb(255, 255, 255)"
    assert sheet.evaluate(f"({colour})('article p').color") == "rgb(0, 0, 0)"
    assert sheet.evaluate(f"({colour})('.cell_output img').filter") == "none"


@pytest.mark.parametrize(
    "selector",
    [".bd-header", ".bd-sidebar-primary", ".bd-sidebar-secondary", ".prev-next-footer", ".copybtn",
     ".headerlink", "details.above-input", ".widget-view", ".toggle-button", "#jb-print-docs-body"],
)  # fmt: skip
def test_what_is_for_a_screen_stays_there(sheet, selector):
    found = sheet.locator(selector)
    assert found.count() > 0
    assert not any(found.nth(place).is_visible() for place in range(found.count()))


@pytest.mark.parametrize("selector", [".hint p", ".solution pre", ".widget-fallback img"])
def test_what_opens_by_a_touch_is_open(sheet, selector):
    found = sheet.locator(selector)
    assert found.count() > 3
    assert all(found.nth(place).is_visible() for place in range(found.count()))
