import math
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from txlib.widgets import PositionExplorer

pytestmark = pytest.mark.site
WAVES, SIMILARITY, DIAL = range(3)  # explorers on the page
MINUS, NUMBER = "\N{MINUS SIGN}", r"(-?\d+(?:\.\d+)?)"


def explorer(page: Page, which: int) -> Locator:
    return page.locator(".tx-position").nth(which)


def told(widget: Locator) -> str:
    """The line of numbers, once what was asked for is drawn."""
    widget.page.evaluate("() => new Promise(requestAnimationFrame)")
    return widget.locator(".tx-told").inner_text().replace(MINUS, "-")


def numbers(widget: Locator, pattern: str) -> list[float]:
    return [float(text) for text in re.search(pattern, told(widget)).groups()]


def thousandths(expected: float) -> object:
    return pytest.approx(expected, abs=5.1e-4)


def measured(widget: Locator) -> list[float]:
    """Angles between the hands of the shown clocks, as they stand."""
    told(widget)
    rows = widget.locator(".tx-wave:visible")
    return [float(value) for value in rows.evaluate_all("all => all.map(r => r.dataset.measured)")]


def test_hands_keep_their_angle_wherever_they_stand(open_page):
    widget = explorer(open_page("file"), WAVES)
    shift, position = (widget.get_by_role("slider", name=n) for n in ("Shift k", "Position p"))
    for k in (3, 0, 20, 64):
        shift.fill(str(k))
        wanted = [k * 10_000 ** (-j / 8) for j in (0, 1, 3)]
        for p in (0, 10, 37, 64):
            position.fill(str(p))
            line = told(widget)
            angles = [float(a) for a in re.findall(r"([\d.]+) rad in pair", line)]
            assert angles == [thousandths(angle) for angle in wanted]
            assert f"From position {p} to {p + k} " in line
            for angle, turn in zip(measured(widget), wanted, strict=True):
                assert math.cos(angle - turn) == pytest.approx(1, abs=1e-9)


def test_hands_point_to_sin_and_cos(open_page):
    widget = explorer(open_page("file"), WAVES)
    hands = widget.locator(".tx-wave:visible").nth(1).locator(".tx-hand")
    ends = hands.evaluate_all("all => all.map(l => [l.x2.baseVal.value, -l.y2.baseVal.value])")
    for (x, y), p in zip(ends, (10, 13), strict=True):
        angle = p * 10_000 ** (-1 / 8)
        assert (x, y) == pytest.approx((36 * math.sin(angle), 36 * math.cos(angle)), abs=0.01)


def test_pairs_are_switched_and_never_none_or_five(open_page):
    widget = explorer(open_page("file"), WAVES)
    pairs = widget.get_by_role("group", name="Feature pairs").get_by_role("button")
    expect(widget.locator(".tx-wave:visible")).to_have_count(3)
    for j in (0, 1, 3):
        pairs.nth(j).click()
    expect(widget.locator(".tx-wave:visible")).to_have_count(1)
    expect(pairs.nth(3)).to_have_attribute("aria-pressed", "true")
    for j in (0, 2, 5, 7):
        pairs.nth(j).click()
    told(widget)
    pressed = pairs.evaluate_all("all => all.map(b => b.ariaPressed === 'true')")
    assert [j for j, on in enumerate(pressed) if on] == [0, 2, 5, 7]
    widget.get_by_role("radio", name="512").click()
    told(widget)
    names = widget.locator(".tx-wave:visible b:first-child").all_inner_texts()
    assert [name for name in names if "Pair" in name] == [f"Pair {32 * j}" for j in (0, 2, 5, 7)]


def test_similarity_matches_python(open_page):
    widget = explorer(open_page("file"), SIMILARITY)
    slider, slope = (widget.get_by_role("slider", name=n) for n in ("Distance k", "ALiBi slope"))
    pattern = rf"encodings {NUMBER}, .* pairs? {NUMBER}.* slope 1/{NUMBER} adds {NUMBER} to"
    for d_model, base, content, power in [
        (32, 500, "slow pairs", 3), (128, 100, "every pair", 1), (16, 500_000, "fast pairs", 8),
    ]:  # fmt: skip
        wanted = PositionExplorer(d_model, base=base)
        widget.get_by_role("radio", name=str(d_model), exact=True).click()
        grouped = f"{base:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
        widget.get_by_role("radio", name=grouped, exact=True).click()
        widget.get_by_role("radio", name=content).click()
        slope.fill(str(power))
        for k in (0, 16, 255):
            slider.fill(str(k))
            sinusoidal, rotary, under, penalty = numbers(widget, pattern)
            assert sinusoidal == thousandths(wanted.similarity(k))
            assert rotary == thousandths(wanted.similarity(k, content))
            assert under == 2**power
            assert penalty == thousandths(-k / 2**power)
        assert ("same curve" in told(widget)) == (content == "every pair")


def test_dial_scores_match_python_and_stay_when_both_shift(open_page):
    widget = explorer(open_page("file"), DIAL)
    names = {"query_position": "Query at m", "key_position": "Key at n"}
    sliders = {trait: widget.get_by_role("slider", name=name) for trait, name in names.items()}
    both = widget.get_by_role("slider", name="Shift both by")
    for places in ((12, 9), (0, 40), (64, 64)):
        options = dict(zip(names, places, strict=True))
        for trait, at in options.items():
            sliders[trait].fill(str(at))
        wanted = PositionExplorer(pairs=(0, 1, 2, 3), **options)
        for shift in (0, 17, 64):
            both.fill(str(shift))
            m, n, apart, total = numbers(
                widget, r"Query at (\d+), key at (\d+): m - n = ([-\d]+), and q·k = ([-\d.]+) over"
            )
            assert (m, n, apart) == (places[0] + shift, places[1] + shift, places[0] - places[1])
            assert total == thousandths(sum(wanted.scores().values()))
            dials = widget.locator(".tx-turning:visible")
            shown = dials.evaluate_all("all => all.map(d => Number(d.dataset.score))")
            assert shown == pytest.approx(list(wanted.scores().values()), abs=1e-9)


def test_explorer_by_keyboard_alone(open_page):
    page = open_page("file")
    widget = explorer(page, WAVES)
    said = widget.locator("[aria-live]")
    widget.get_by_role("radio", name="Waves and clocks").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("Query at 12, key at 9")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    expect(widget.get_by_role("radio", name="512")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    expect(widget.get_by_role("radio", name="100", exact=True)).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(widget.get_by_role("button", name="Pair 0")).to_have_attribute("aria-pressed", "false")
    for _ in range(8):
        page.keyboard.press("Tab")
    expect(widget.get_by_role("slider", name="Query at m")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text(f"Query at 13, key at 9: m {MINUS} n = 4")
