import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from txlib.widgets import UnrolledNetwork

pytestmark = pytest.mark.site
ARTIFACTS = Path(__file__).parents[2] / "artifacts"
QUESTION, NETWORK, MANY = 0, 0, 1  # which of their kind on the page
REFERENCE = UnrolledNetwork(num_tokens=6, kernel_size=2, source=1, target=4)


def question(page: Page) -> Locator:
    expect(page.locator(".tx-predict")).to_have_count(2)  # they start in any order
    return page.locator(".tx-predict").nth(QUESTION)


def network(page: Page) -> Locator:
    expect(page.locator(".tx-unrolled")).to_have_count(3)
    return page.locator(".tx-unrolled").nth(NETWORK)


def numbers(widget: Locator, name: str) -> tuple[int, int, int | None]:
    """Steps done, steps in all, edges of the path: as written for the eye."""
    net = widget.locator(f'[data-network="{name}"]')
    done, total = re.fullmatch(r"(\d+) of (\d+)", net.locator(".tx-steps").inner_text()).groups()
    path = re.match(r"(\d+) edge|none", net.locator(".tx-length").inner_text())[1]
    return int(done), int(total), path and int(path)


def test_prediction_by_mouse(open_page):
    page = open_page()
    widget = question(page)
    button, result = widget.get_by_role("button"), widget.locator(".tx-result")
    expect(
        widget.get_by_role("group", name="What does softmax give for <b>equal</b>")
    ).to_be_visible()
    expect(widget.locator("legend code")).to_have_text("softmax")
    expect(button).to_be_disabled()
    widget.get_by_text("zeros").click()
    expect(result).to_be_hidden()
    button.click()
    expect(result).to_contain_text("Not this time")
    expect(result).to_contain_text("The weights are positive, equal, and sum to 1.")
    expect(widget.locator("[data-mark=wrong]")).to_contain_text("zeros✗ your prediction")
    expect(widget.locator("[data-mark=right]")).to_contain_text("1/n each✓ what happens")
    expect(widget.locator("[aria-live]")).to_contain_text("The answer is: `1/n` each.")
    button.click()
    expect(result).to_be_hidden()
    expect(widget.locator("[data-mark]")).to_have_count(0)
    widget.get_by_text("1/n").click()
    button.click()
    expect(result).to_contain_text("You saw it coming.")
    expect(widget.locator("[data-mark]")).to_have_count(1)
    page.reload()
    expect(question(page).locator("input:checked")).to_have_count(0)  # only the page remembered


def test_prediction_by_keyboard_in_both_views(open_page):
    page = open_page()
    widget, twin = question(page), page.locator(".tx-predict").nth(1)
    widget.locator("input").first.focus()
    page.keyboard.press("ArrowDown")
    expect(widget.get_by_role("radio").nth(1)).to_be_checked()
    expect(twin.get_by_role("radio").nth(1)).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(widget.locator(".tx-result")).to_contain_text("You saw it coming.")
    expect(twin.locator(".tx-result")).to_contain_text("You saw it coming.")
    expect(widget.get_by_role("button", name="Predict again")).to_be_focused()
    page.keyboard.press("Space")
    expect(widget.get_by_role("radio").first).to_be_focused()
    expect(widget.locator("[aria-live]")).to_have_text("Choose again.")


def test_network_steps_by_mouse_match_python(open_page):
    widget = network(open_page())
    widget.get_by_text("Add a dilated causal convolution").click()
    expect(widget.locator('[data-network="convolution"]')).to_be_visible()
    slider, steps = widget.get_by_role("slider"), REFERENCE.dependent_steps()
    for step in range(len(REFERENCE.tokens) + 1):
        expect(slider).to_have_value(str(step))
        expect(widget.locator("output")).to_have_text(f"Step {step} of 6")
        for name, total in steps.items():
            expected = (min(step, total), total, REFERENCE.path_lengths()[name])
            assert numbers(widget, name) == expected
        ready = {"recurrence": step, "attention": 6 * (step > 0), "convolution": 6 * (step > 2)}
        for name, count in ready.items():
            lit = widget.locator(f'[data-network="{name}"] .tx-ready')
            expect(lit).to_have_count(count)
        button = widget.get_by_role("button", name="Step", exact=True)
        if step < len(REFERENCE.tokens):
            button.click()
    expect(button).to_have_attribute("aria-disabled", "true")
    widget.get_by_role("button", name="Back").click()
    expect(widget.locator("[aria-live]")).to_contain_text("Step 5. recurrence: 5 of 6 computed")
    widget.get_by_role("button", name="Restart").click()
    slider.fill("4")
    expect(widget.locator("output")).to_have_text("Step 4 of 6")
    assert numbers(widget, "recurrence")[0] == 4


def test_network_by_keyboard_alone(open_page):
    page = open_page()
    widget = network(page)
    widget.get_by_role("button", name="Back").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    expect(widget.locator("output")).to_have_text("Step 2 of 6")
    page.keyboard.press("ArrowLeft")
    expect(widget.locator("output")).to_have_text("Step 1 of 6")
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(widget.get_by_role("slider")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(widget.locator("output")).to_have_text("Step 2 of 6")
    page.keyboard.press("Tab")
    expect(widget.get_by_role("radio", name="h₅, waiting")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    expect(widget.get_by_role("radio", name="x₂: x2").first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(widget.locator(".tx-route")).to_have_text("Path from input 1 (x1) to output 6")
    assert numbers(widget, "recurrence")[2] == 6
    expect(widget.locator("[aria-live]")).to_contain_text("recurrence: 6 edges, attention: 1 edge")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(widget.locator('[data-network="convolution"]')).to_be_visible()


def test_network_paths_match_python(open_page):
    widget = network(open_page())
    widget.get_by_text("Add a dilated causal convolution").click()
    panel = widget.locator('[data-network="attention"]')
    for source, target in [(0, 0), (0, 5), (2, 5), (5, 2), (3, 4), (5, 5)]:
        panel.locator(".tx-inputs button").nth(source).click()
        panel.locator(".tx-outputs button").nth(target).click()
        wanted = UnrolledNetwork(6, kernel_size=2, source=source, target=target)
        route = f"Path from input {source + 1} (x{source + 1}) to output {target + 1}"
        expect(widget.locator(".tx-route")).to_have_text(route)
        for name, length in wanted.path_lengths().items():
            assert numbers(widget, name)[2] == length
            paths = widget.locator(f'[data-network="{name}"] path')
            drawn = paths.evaluate_all(
                "all => all.map((p) => [p.classList[0], p.attributes.d.value])"
            )
            lit = {d for kind, d in drawn if kind == "tx-lit"}
            assert len(lit) == (length or 0)
            assert lit <= {d for kind, d in drawn if kind != "tx-lit"}  # along edges that exist


def test_hostile_and_long_tokens_are_text(open_page):
    page = open_page()
    expect(page.locator(".tx")).to_have_count(5)
    widget = page.locator(".tx-unrolled").nth(MANY)
    hostile = widget.locator(".tx-inputs button").nth(1)
    expect(hostile).to_have_text("<img src=x onerror=window.hacked=1>")
    hostile.click()
    expect(widget.locator(".tx-route")).to_contain_text("(<img src=x onerror=window.hacked=1>)")
    expect(page.locator(".tx img")).to_have_count(0)
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("width", [320, 390])
def test_narrow_screens_have_room_for_fingers(open_page, width):
    page = open_page(viewport={"width": width, "height": 800}, has_touch=True)
    expect(page.locator(".tx")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    targets = page.locator(".tx button, .tx-option, .tx label")
    boxes = targets.evaluate_all(
        """nodes => nodes.filter((node) => node.checkVisibility()).map((node) => {
             const { width, height } = node.getBoundingClientRect();
             return [node.textContent, width, height];
           })"""
    )
    assert len(boxes) > 50
    assert [box for box in boxes if min(box[1:]) < 32] == []


def test_motion_stays_off_for_those_who_ask(open_page):
    for preference, still in (("reduce", True), ("no-preference", False)):
        page = open_page(reduced_motion=preference)
        button = network(page).get_by_role("button", name="Step", exact=True)
        duration = button.evaluate("node => getComputedStyle(node).transitionDuration")
        assert (set(duration.split(", ")) == {"0s"}) == still


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_looks_and_accessibility(open_page, width, theme):
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    widget = network(page)
    expect(widget).to_be_visible()
    assert (widget.get_attribute("data-dark") is not None) == (theme == "dark")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(widget).to_have_attribute("data-dark", "")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    widget.get_by_role("slider").fill("3")
    widget.get_by_text("Add a dilated causal convolution").click()
    question(page).get_by_text("zeros").click()
    question(page).get_by_role("button").click()
    expect(question(page).locator(".tx-result")).to_be_visible()
    page.wait_for_function("document.getAnimations().length === 0")
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"widgets-{width}-{theme}.png", full_page=True)
    if width == 390:  # preload: axe would fetch stylesheets that are not there
        found = Axe().run(page, ".tx", {"preload": False}).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html']}" for one in found] == []
