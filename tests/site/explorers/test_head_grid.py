import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from txlib.widgets.head_grid import order

pytestmark = pytest.mark.site
GRID, STRANGE = range(2)  # explorers on the page


def explorer(page: Page, which: int = GRID) -> Locator:
    return page.locator(".tx-attention").nth(which)


def slots(widget: Locator) -> list[int]:
    """Which head each slot of the grid shows."""
    widget.page.evaluate("() => new Promise(requestAnimationFrame)")
    read = "all => all.map(b => Number(b.dataset.index))"
    return widget.locator(".tx-heads button").evaluate_all(read)


def shown(value: float | None, digits: int) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def reds(canvas: Locator) -> np.ndarray:
    return np.array(
        canvas.evaluate(
            """node => { const { width, height } = node;
                 const { data } = node.getContext("2d").getImageData(0, 0, width, height);
                 return [...data].filter((_, i) => i % 4 === 0); }"""
        )
    )


def test_heads_are_sorted_by_each_score(open_page, grid):
    widget = explorer(open_page("file"))
    weights = grid._weights().reshape(8, -1)
    assert slots(widget) == list(range(8))
    for name, values in zip(grid.score_names, grid.score_values, strict=True):
        widget.get_by_role("radio", name=name, exact=True).click()
        wanted = order(values, 8)
        assert slots(widget) == wanted
        best, least = wanted[0], [i for i in wanted if values[i] is not None][-1]
        expect(widget.locator(".tx-best")).to_have_text(
            f"Most {name}: {grid.names[best]} ({shown(values[best], 3)}). "
            f"Least: {grid.names[least]} ({shown(values[least], 3)})."
        )
        for slot, head in enumerate(wanted):
            button = widget.locator(".tx-heads button").nth(slot)
            expect(button.locator(".tx-head")).to_have_text(grid.names[head])
            told = [shown(scores[head], 2) for scores in grid.score_values]
            assert button.locator(".tx-score").all_inner_texts() == told
            shade = reds(button.locator("canvas"))[np.argsort(weights[head])]
            assert shade[0] - shade[-1] > 100
            assert (np.diff(shade) <= 0).mean() > 0.9  # the heavier, the darker
    widget.get_by_role("radio", name="layer", exact=True).click()
    assert slots(widget) == list(range(8))
    expect(widget.locator(".tx-best")).to_be_hidden()


def test_click_enlarges_a_head(open_page, grid):
    widget = explorer(open_page("file"))
    widget.get_by_role("radio", name="alignment", exact=True).click()
    head = slots(widget)[2]
    widget.locator(".tx-heads button").nth(2).click()
    value = grid.score_values[1][head]
    expect(widget.locator(".tx-current")).to_contain_text(f"Enlarged: {grid.names[head]}: ")
    expect(widget.locator(".tx-current")).to_contain_text(f"alignment {shown(value, 3)}.")
    expect(widget.locator("[aria-live]")).to_contain_text(f"Enlarged: {grid.names[head]}: ")
    weights = grid._weights().reshape(8, *grid.shape[2:])[head, grid.query]
    numbers = [float(x) for x in widget.locator(".tx-bars .tx-number").all_inner_texts()]
    np.testing.assert_allclose(numbers, weights, atol=6e-4)
    np.testing.assert_array_equal(
        reds(widget.locator(".tx-cells canvas")),
        reds(widget.locator(".tx-heads [aria-checked=true] canvas")),
    )
    for name in ("Layer 0", "Head 0"):
        expect(widget.get_by_role("radio", name=name, exact=True)).to_be_hidden()


def test_grid_by_keyboard_alone(open_page, grid):
    page = open_page("file")
    widget = explorer(page)
    said = widget.locator("[aria-live]")
    widget.get_by_role("radio", name="layer", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("Sorted by previous token. Most previous token: ")
    wanted = order(grid.score_values[0], 8)
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    expect(said).to_contain_text(f"Enlarged: {grid.names[wanted[0]]}: previous token ")
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text(f"Enlarged: {grid.names[wanted[1]]}: ")
    expect(widget.locator(".tx-heads button").nth(1)).to_be_focused()
    page.keyboard.press("Tab")
    expect(widget.get_by_role("radio", name="Heatmap")).to_be_focused()


def test_hostile_names_are_text(open_page):
    page = open_page("file")
    widget = explorer(page, STRANGE)
    hostile = "<img src=x onerror=window.hacked=1>"
    expect(widget.locator(".tx-head").first).to_have_text(hostile)
    expect(widget.locator(".tx-scored .tx-token").first).to_have_text(hostile)
    widget.get_by_role("radio", name=hostile).first.click()
    expect(widget.locator(".tx-best")).to_contain_text(f"Most {hostile}: ")
    expect(widget.locator(".tx-current")).to_contain_text("x…")  # the 3000 letters are cut
    expect(page.locator(".tx img")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
