"""Text out for mischief is shown as text by every widget: nothing runs, nothing sticks out."""

import pytest
from playwright.sync_api import expect

from txlib import widgets

pytestmark = pytest.mark.site
OVERRIDE = "\u202egnp.exe\u2066"
SHOWN = """() => {
  const root = [...document.querySelectorAll(".widget-view")];
  const names = ["title", "aria-label", "aria-valuetext", "placeholder", "value"];
  return root.map((node) => [node, ...node.querySelectorAll("*")].map((one) =>
    [one.childElementCount ? [...one.childNodes].map((c) => c.nodeType === 3 ? c.data : "").join("")
      : one.textContent, ...names.map((name) => one.getAttribute(name) ?? "")].join("\\n"),
  ).join("\\n"));
}"""
CREATED = """() => [...document.querySelectorAll(".widget-view *")].flatMap((node) =>
  ["IMG", "SCRIPT", "IFRAME", "OBJECT", "LINK", "STYLE", "A"].includes(node.tagName)
    || [...node.attributes].some((one) => one.name.startsWith("on"))
    ? [node.outerHTML.slice(0, 200)] : [])"""
TURNED = """override => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (node.data !== override || !parent.closest(".widget-view")) continue;
    if (!parent.closest("bdi") && parent.textContent !== override) found.push(parent.outerHTML);
  }
  return found;
}"""
TOUCHED = """() => {
  let count = 0;
  for (const view of document.querySelectorAll(".widget-view")) {
    for (const node of view.querySelectorAll("button, [role=radio], input, select, [tabindex]")) {
      if (!node.isConnected || node.disabled) continue;
      count += 1;
      if (node.tagName === "SELECT") {
        node.selectedIndex = node.options.length - 1;
        node.dispatchEvent(new Event("change", { bubbles: true }));
      } else if (node.type === "range") {
        node.value = node.max;
        node.dispatchEvent(new Event("input", { bubbles: true }));
      } else if (typeof node.click === "function") node.click();
      else node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      node.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    }
  }
  return new Promise((drawn) => requestAnimationFrame(() => setTimeout(() => drawn(count), 400)));
}"""


def test_every_widget_that_shows_text_is_here(shown):
    silent = {"PositionExplorer", "TilingStepper"}  # they take numbers alone
    assert {type(widget).__name__ for widget in shown} == set(widgets.__all__) - silent


@pytest.fixture
def page(open_page, shown):
    page = open_page("file", viewport={"width": 390, "height": 900})
    page.set_default_timeout(30_000)
    expect(page.locator(".widget-view")).to_have_count(len(shown), timeout=30_000)
    expect(page.locator(".widget-waiting")).to_have_count(0, timeout=30_000)
    expect(page.locator(".widget-note")).to_have_count(0)
    page.evaluate("() => new Promise(requestAnimationFrame)")  # draws what depends on its width
    return page


def test_it_is_shown_and_runs_nothing(page, shown, mischief, tally):
    assert OVERRIDE in mischief
    for _ in range(2):  # as it comes, and after everything was touched
        told = page.evaluate(SHOWN)
        for name in {type(widget).__name__ for widget in shown}:
            own = [
                t for widget, t in zip(shown, told, strict=True) if type(widget).__name__ == name
            ]
            lost = [text for text in mischief if not any(text[:150] in one for one in own)]
            assert (name, lost) == (name, [])
        assert page.evaluate("window.hacked") is None
        assert page.evaluate(CREATED) == []
        assert page.evaluate("({}).hacked") is None
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        # a token that turns the direction of writing turns no neighbour with it
        assert page.evaluate(TURNED, OVERRIDE) == []
        assert page.evaluate(TOUCHED) > 300
    kinds = len({type(widget) for widget in shown})
    tally("site: text out for mischief, shown by a widget", kinds * len(mischief))


def test_it_is_drawn_in_the_still_pictures(shown, tally, effort):
    drawn = shown[:: effort(8, 1)]
    for widget in drawn:
        data, metadata = widget._repr_mimebundle_()
        assert data["image/png"]
        assert metadata["image/png"]["alt"] == widget.alt
        repr(widget).encode()
    tally("site: still picture of text out for mischief", len(drawn))
