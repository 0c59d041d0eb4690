import math

import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from txlib.widgets import SoftmaxDial

pytestmark = pytest.mark.site
SCORES = [2.0, 1.0, 0.5, -1.0]
PLAIN, TWIN, TIED, MANY = range(4)  # which dial on the page
MINUS = "\N{MINUS SIGN}"


def dial(page: Page, which: int = PLAIN) -> Locator:
    return page.locator(".tx-softmax").nth(which)


def read(node: Locator) -> float:
    return float(node.inner_text().replace(MINUS, "-"))


def thousandths(expected: object) -> object:
    return pytest.approx(expected, abs=5.1e-4)


def assert_dial_shows(widget: Locator, scores: list[float], temperature: float) -> None:
    """The numbers for the eye are Python's to three decimals, those behind them to nine."""
    widget.page.evaluate("() => new Promise(requestAnimationFrame)")  # draws what was asked for
    expect(widget.locator("output")).to_have_text(f"τ = {temperature:g}")
    s = torch.tensor(scores, dtype=torch.float64)
    weights = (s / temperature).softmax(0)
    jacobian = torch.autograd.functional.jacobian(lambda s: (s / temperature).softmax(0), s)
    entropy = torch.distributions.Categorical(weights).entropy().item()
    rows = widget.locator(".tx-score")
    assert rows.count() == len(scores)
    for row, score, weight in zip(rows.all(), scores, weights.tolist(), strict=True):
        expect(row).to_have_attribute("data-score", f"{score:g}")
        assert read(row.locator(".tx-weight")) == thousandths(weight)
        assert float(row.get_attribute("data-weight")) == pytest.approx(weight)
        assert float(row.locator("input[type=number]").input_value()) == thousandths(score)
    for name, expected in {"entropy": entropy, "gradient": jacobian.norm().item()}.items():
        chart = widget.locator(f"[data-chart={name}]")
        assert float(chart.get_attribute("data-value")) == pytest.approx(expected, abs=1e-9)
        assert read(chart.locator(".tx-value")) == thousandths(expected)
    bounds = widget.locator("[data-chart=entropy] .tx-bounds")
    expect(bounds).to_have_text(f"between 0 and log {len(s)} = {math.log(len(s)):.3f}")


def test_dials_start_with_pythons_numbers(open_page):
    page = open_page("file")
    assert_dial_shows(dial(page), SCORES, 1)
    assert_dial_shows(dial(page, TIED), [1, 3, 3, -2.345], 0.3)
    assert_dial_shows(dial(page, MANY), [float(i) for i in range(12)], 1)


def test_limits_are_told_ties_too(open_page):
    page = open_page("file")
    cold, hot = (dial(page).locator(f"[data-limit={one}]") for one in ("cold", "hot"))
    expect(cold).to_have_text("○ τ → 0: one-hot on a, entropy 0")
    expect(hot).to_have_text("┊ τ → ∞: uniform, 0.250 each, entropy log 4 = 1.386")
    dial(page).get_by_role("slider", name="Score of b").fill("2")
    shared = "a and b tie and share the weight, 0.500 each, entropy log 2 = 0.693"
    expect(cold).to_have_text(f"○ τ → 0: {shared}")
    expect(dial(page).locator("[aria-live]")).to_contain_text(f"As τ → 0, {shared}.")
    assert_dial_shows(dial(page), [2, 2, 0.5, -1], 1)
    dial(page).get_by_role("slider", name="Temperature").fill("-100")
    assert_dial_shows(dial(page), [2, 2, 0.5, -1], 0.05)
    grows = dial(page).locator("[data-chart=gradient] .tx-bounds")
    expect(grows).to_have_text("grows as τ → 0 while scores tie")
    dial(page).get_by_role("slider", name="Score of b").fill("1.9")
    expect(grows).to_have_text("→ 0 in both limits")


@pytest.mark.parametrize(("at", "temperature"), [(-100, 0.05), (-37, 0.33), (50, 4.47), (100, 20)])
def test_temperature_runs_on_a_log_axis(open_page, at, temperature):
    page = open_page("file")
    dial(page).get_by_role("slider", name="Temperature").fill(str(at))
    assert temperature == pytest.approx(20 ** (at / 100), rel=5e-3)
    assert_dial_shows(dial(page), SCORES, temperature)
    expect(dial(page).locator("[aria-live]")).to_contain_text(f"τ = {temperature:g}. Weights: a ")


def test_score_is_dragged_and_both_views_follow(open_page):
    page = open_page("file")
    slider = dial(page).get_by_role("slider", name="Score of d")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 12 + (box["width"] - 24) * 0.4, middle)  # -1 of -5 to 5
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, middle, steps=5)
    page.mouse.move(box["x"] + box["width"] + 30, middle, steps=5)
    page.mouse.up()
    assert_dial_shows(dial(page), [2, 1, 0.5, 5], 1)
    assert_dial_shows(dial(page, TWIN), [2, 1, 0.5, 5], 1)
    fill = dial(page).locator(".tx-fill").nth(3).evaluate("node => parseFloat(node.style.width)")
    assert fill == pytest.approx(100 * SoftmaxDial([2, 1, 0.5, 5]).weights()[3], abs=0.1)


def test_scores_can_be_typed_and_rubbish_changes_nothing(open_page):
    page = open_page("file")
    typed = dial(page).get_by_role("spinbutton", name="Score of c as number")
    typed.fill("-2.25")
    assert_dial_shows(dial(page), [2, 1, -2.25, -1], 1)
    typed.fill("")
    assert_dial_shows(dial(page, TWIN), [2, 1, -2.25, -1], 1)
    typed.fill("900")
    typed.blur()
    assert_dial_shows(dial(page, TWIN), [2, 1, 5, -1], 1)


def test_dial_by_keyboard_alone(open_page):
    page = open_page("file")
    dial(page).get_by_role("slider", name="Score of d").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert_dial_shows(dial(page), [2, 1, 0.5, -0.7], 1)
    expect(dial(page).locator("[aria-live]")).to_contain_text(
        f"Score of d {MINUS}0.7. Weights: a 0."
    )
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(dial(page).get_by_role("slider", name="Temperature")).to_be_focused()
    page.keyboard.press("Home")
    assert_dial_shows(dial(page), [2, 1, 0.5, -0.7], 0.05)
