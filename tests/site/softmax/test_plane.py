import math

import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from torch.nn.functional import scaled_dot_product_attention

from txlib.widgets import QueryKeyValue2D

pytestmark = pytest.mark.site
KEYS, QUERY = [[1.0, 0.2], [-0.5, 1.2], [0.3, -1.0]], [1.0, 0.5]
VALUES = QueryKeyValue2D(KEYS).values
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"


def plane(page: Page, which: int = 0) -> Locator:
    return page.locator(".tx-qkv").nth(which)


def read(node: Locator) -> float:
    return float(node.inner_text().replace(MINUS, "-"))


def thousandths(expected: object) -> object:
    return pytest.approx(expected, abs=5.1e-4)


def drawn(widget: Locator) -> None:
    """Wait until what was asked for is drawn: at the next frame."""
    widget.page.evaluate("() => new Promise(requestAnimationFrame)")


def assert_plane_shows(
    widget: Locator, keys: list, query: list, values: list, *, scaled: bool, d_k: int
) -> None:
    drawn(widget)
    factor = math.sqrt(d_k / 2) / (math.sqrt(d_k) if scaled else 1)
    expect(widget.locator(".tx-formula")).to_contain_text(f"q·k {TIMES} {factor:.3f}")
    query, keys, values = (torch.tensor(x, dtype=torch.float64) for x in (query, keys, values))
    context = scaled_dot_product_attention(query[None], keys, values, scale=factor)[0]
    scores = keys @ query * factor
    wanted = {"dot": keys @ query, "score": scores, "weight": scores.softmax(0)}
    for i, row in enumerate(widget.locator("tbody tr").all()):
        for kind, numbers in wanted.items():
            assert read(row.locator(f".tx-{kind}")) == thousandths(numbers[i].item())
            assert float(row.get_attribute(f"data-{kind}")) == pytest.approx(numbers[i].item())
        x, y = keys[i].tolist()
        expect(row.locator("small")).to_have_text(f"({x:.2f}, {y:.2f})".replace("-", MINUS))
    result = widget.locator(".tx-result")
    x, y = (round(c, 3) + 0.0 for c in context.tolist())
    expect(result).to_have_text(f"Context ({x:.3f}, {y:.3f})".replace("-", MINUS))
    shown = [float(result.get_attribute(f"data-{axis}")) for axis in "xy"]
    assert shown == pytest.approx(context.tolist(), abs=1e-9)
    entropy = torch.distributions.Categorical(logits=scores).entropy().item()
    sharp = widget.locator(".tx-sharp")
    assert float(sharp.get_attribute("data-entropy")) == pytest.approx(entropy, abs=1e-9)
    jacobian = torch.autograd.functional.jacobian(lambda s: s.softmax(0), scores)
    norm = jacobian.norm().item()
    assert float(sharp.get_attribute("data-gradient")) == pytest.approx(norm, abs=1e-9)
    if norm > 1e-3:
        expect(sharp).to_contain_text(f"Entropy {entropy:.3f} nats")
        expect(sharp).to_contain_text(f"Gradient norm {norm:.3f}")


def drag(page: Page, point: Locator, dx: float, dy: float) -> None:
    box = point.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + 3, y + 2)  # a hand need not take the very centre
    page.mouse.down()
    page.mouse.move(x + 3 + dx, y + 2 + dy, steps=8)
    page.mouse.up()


def spots(widget: Locator) -> list[list[float]]:
    drawn(widget)
    return [
        [float(point.get_attribute(f"data-{axis}")) for axis in "xy"]
        for point in sorted_points(widget)
    ]


def sorted_points(widget: Locator) -> list[Locator]:
    keys = widget.locator("tbody tr").count()
    return [widget.locator(f".tx-stage g[data-i='{i}']") for i in range(keys + 1)]


def test_planes_start_with_pythons_numbers(open_page):
    page = open_page("file")
    assert_plane_shows(plane(page), KEYS, QUERY, VALUES, scaled=True, d_k=2)
    assert spots(plane(page)) == [QUERY, *KEYS]
    keys = [[1, 0.2], [-0.5, 1.2], [0.3, -1], [2, 2.345]]
    assert spots(plane(page, 1))[4] == [2, 2.345]
    wanted = QueryKeyValue2D(keys, scaled=False, d_k=64)
    shown = plane(page, 1).locator("tbody tr").evaluate_all("rows => rows.map(r => r.dataset)")
    assert [float(row["weight"]) for row in shown] == pytest.approx(wanted.weights())
    assert [float(row["score"]) for row in shown] == pytest.approx(wanted.scores())


@pytest.mark.parametrize("which", [0, 2])
def test_points_are_dragged(open_page, which):
    page = open_page("file")
    widget = plane(page)
    expect(page.locator(".widget-fallback:visible")).to_have_count(0)
    widget.scroll_into_view_if_needed()
    unit = widget.locator(".tx-stage svg").bounding_box()["width"] / 4  # the plane spans -2 to 2
    drag(page, sorted_points(widget)[which], -unit, -unit / 2)
    wanted = [QUERY, *KEYS]
    wanted[which] = [wanted[which][0] - 1, wanted[which][1] + 0.5]
    expect(sorted_points(widget)[which]).to_have_attribute("data-selected", "")
    moved = spots(widget)
    for point, where in zip(moved, wanted, strict=True):
        assert point == pytest.approx(where, abs=0.011)
    assert_plane_shows(widget, moved[1:], moved[0], VALUES, scaled=True, d_k=2)
    drag(page, sorted_points(widget)[which], 9 * unit, 0)
    assert spots(widget)[which][0] == 2  # held by the edge
    name = "query" if which == 0 else "key b"
    expect(widget.locator("[aria-live]")).to_contain_text(f"{name} at (2.00, ")


def test_plane_by_keyboard_alone(open_page):
    page = open_page("file")
    widget = plane(page)
    widget.get_by_role("radio", name="query").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(widget.get_by_role("radio", name="key b")).to_be_checked()
    page.keyboard.press("Tab")
    expect(widget.get_by_role("application")).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    keys = [KEYS[0], [-0.8, 1.1], KEYS[2]]
    assert_plane_shows(widget, keys, QUERY, VALUES, scaled=True, d_k=2)
    expect(widget.locator(".tx-where")).to_have_text(f"key b ({MINUS}0.80, 1.10):")
    expect(widget.locator("[aria-live]")).to_contain_text(f"key b at ({MINUS}0.80, 1.10). Weights")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(widget.get_by_role("switch")).not_to_be_checked()
    assert_plane_shows(widget, keys, QUERY, VALUES, scaled=False, d_k=2)
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert_plane_shows(widget, keys, QUERY, VALUES, scaled=False, d_k=512)
    expect(widget.locator("[aria-live]")).to_contain_text("As if d_k = 512. Weights: a 1.000")


def test_only_the_unscaled_softmax_saturates(open_page):
    page = open_page("file")
    widget = plane(page)
    slider, switch = widget.get_by_role("slider"), widget.get_by_role("switch")
    for scaled in (True, False):
        switch.set_checked(scaled)
        for power in (1, 5, 9):
            slider.fill(str(power))
            assert_plane_shows(widget, KEYS, QUERY, VALUES, scaled=scaled, d_k=2**power)
            expect(widget.locator(".tx-note")).to_contain_text(f"= {math.sqrt(2**power / 2):.3f}")
    assert float(widget.locator(".tx-sharp").get_attribute("data-entropy")) < 1e-4
