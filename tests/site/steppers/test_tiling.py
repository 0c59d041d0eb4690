import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from txlib.widgets import TilingStepper
from txlib.widgets.tiling_stepper import Tile

pytestmark = pytest.mark.site
SQUARE, CAUSAL, BLIND, LARGE = range(4)  # steppers on the page


def stepper(page: Page, which: int) -> Locator:
    return page.locator(".tx-tiling").nth(which)


def drawn(widget: Locator) -> None:
    """Wait until what was asked for is drawn."""
    widget.page.evaluate("() => new Promise(requestAnimationFrame)")


def go(widget: Locator, step: int) -> None:
    widget.get_by_role("slider", name="Time").fill(str(step))
    drawn(widget)


def kept(widget: Locator) -> dict[int, tuple[list[float], list[float]]]:
    """Of each shown row: maximum, sum and factor, and the context as it stands."""
    read = """all => all.map(({ dataset: d }) => [
      Number(d.row), [d.m, d.l, d.factor].map(Number), d.context.split(" ").map(Number)])"""
    rows = widget.locator(".tx-rows tbody tr").evaluate_all(read)
    return {row: (sums, context) for row, sums, context in rows}


def states(widget: Locator) -> list[str]:
    return widget.locator(".tx-cell").evaluate_all("all => all.map(c => c.dataset.state)")


def counts(widget: Locator) -> dict[str, tuple[str, str]]:
    """What the table of numbers says: by tiles, and in the standard way."""
    rows = widget.locator("table:not(.tx-rows) tbody tr").all()
    cells = [[cell.inner_text() for cell in row.locator("th, td").all()] for row in rows]
    return {name: (ours, standard) for name, ours, standard in cells}


def walk(widget: TilingStepper) -> list[tuple[int, int, Tile | None]]:
    """Each step's first and last query, and its tile of scores if it has one."""
    steps = []
    for top in range(0, widget.shape[0], widget.tile_q):
        end = min(top + widget.tile_q, widget.shape[0])
        steps += [(top, end, tile) for tile in widget.tiles() if tile.top == top]
        steps.append((top, end, None))
    return steps


def sums_of(scores: np.ndarray, value: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Maximum, sum and undivided context of all these scores at once."""
    top = scores.max(initial=-np.inf)
    powers = np.exp(scores - top) if np.isfinite(top) else np.zeros(len(scores))
    return top, powers.sum(), powers @ value[: len(scores)]


@pytest.mark.parametrize("which", [SQUARE, CAUSAL, BLIND])
def test_every_step_matches_python(open_page, tilings, which):
    widget, python = stepper(open_page("file"), which), tilings[which]
    scores, exact = python.scores(), python.context()
    value = np.frombuffer(python.value, np.float32).reshape(len(scores[0]), -1).astype(float)
    steps = walk(python)
    expect(widget.locator("output").last).to_have_text(f"0 of {len(steps)}")
    for step, (top, end, tile) in enumerate(steps, 1):
        go(widget, step)
        shown = kept(widget)
        assert list(shown) == list(range(top, end))
        for row, ((top_score, total, factor), context) in shown.items():
            if tile is None:
                assert context == pytest.approx(exact[row], abs=1e-12)
                continue
            wanted = sums_of(scores[row, : tile.right], value)
            assert (top_score, total) == pytest.approx(wanted[:2], abs=1e-12)
            assert context == pytest.approx(wanted[2], abs=1e-12)
            before = scores[row, : tile.left].max(initial=-np.inf)
            if np.isfinite(top_score):
                assert factor == pytest.approx(np.exp(before - top_score), abs=1e-12)
        cells = np.array(states(widget)).reshape(scores.shape)
        lit = np.zeros(scores.shape, dtype=bool)
        if tile:
            lit[tile.top : tile.end, tile.left : tile.right] = True
        assert np.array_equal(np.isin(cells, ["now", "mask"]), lit)
        assert np.array_equal(cells == "mask", lit & np.isinf(scores))
        gone = [t for _, _, t in steps[: step - 1] if t]
        assert (cells == "done").sum() == sum((t.end - t.top) * (t.right - t.left) for t in gone)
        computed = sum((t.end - t.top) * (t.right - t.left) for t in python.tiles())
        assert (cells == "skip").sum() == scores.size - computed
        done = sum(end - top for top, end, tile in steps[:step] if tile is None)
        expect(widget.locator(".tx-out[data-state=written]")).to_have_count(done)
    expect(widget.locator(".tx-told")).to_contain_text("All rows are done.")


def test_counts_match_python_for_every_tile_size(open_page, tilings):
    page = open_page("file")
    for which, sizes in ((SQUARE, [(1, 1), (8, 8), (3, 5), (4, 2)]), (CAUSAL, [(2, 3), (7, 1)])):
        widget = stepper(page, which)
        causal = widget.get_by_label("Causal mask")
        for tile_q, tile_k in sizes:
            for is_causal in (False, True):
                causal.set_checked(is_causal)
                widget.get_by_role("slider", name="Queries a tile").fill(str(tile_q))
                widget.get_by_role("slider", name="Keys a tile").fill(str(tile_k))
                drawn(widget)
                python = TilingStepper(
                    *arrays(tilings[which]), tile_q=tile_q, tile_k=tile_k, is_causal=is_causal
                )
                moved, standard = python.moved(), python.moved_by_standard()
                go(widget, len(walk(python)))
                told = counts(widget)
                assert told["read"] == (f"{moved.read} of {moved.read}", str(standard.read))
                written = f"{moved.written} of {moved.written}"
                assert told["written"] == (written, str(standard.written))
                assert told["scores at once"] == (str(moved.scores), str(standard.scores))
                assert told["in fast memory"][0] == str(fast_memory(python))
                bar = widget.locator(".tx-bar").first
                expect(bar).to_have_attribute("data-now", str(moved.total))
                expect(bar).to_have_attribute("data-total", str(moved.total))


def arrays(widget: TilingStepper) -> list[np.ndarray]:
    rows, columns, features, values = widget.shape
    sizes = {"query": (rows, features), "key": (columns, features), "value": (columns, values)}
    return [np.frombuffer(getattr(widget, n), np.float32).reshape(s) for n, s in sizes.items()]


def fast_memory(widget: TilingStepper) -> int:
    """The library's count, taken apart where keys and values differ in length."""
    from txlib.attention import fast_memory_needed

    features, values = widget.shape[2:]
    both = [fast_memory_needed(widget.tile_q, widget.tile_k, size) for size in (features, values)]
    return sum(both) // 2


def test_numbers_grow_with_the_steps(open_page, tilings):
    widget = stepper(open_page("file"), SQUARE)
    expect(widget.locator("table").nth(1)).to_contain_text("0 of 160")
    for step, (read, written) in enumerate([(48, 0), (80, 0), (80, 20), (128, 20)], 1):
        widget.get_by_role("button", name="Step", exact=True).click()
        drawn(widget)
        told = counts(widget)
        assert (told["read"][0], told["written"][0]) == (f"{read} of 160", f"{written} of 40")
        expect(widget).to_have_attribute("data-step", str(step))


def test_by_mouse_and_by_playing(open_page):
    page = open_page("file")
    widget = stepper(page, SQUARE)
    step, back, play, reset = (
        widget.get_by_role("button", name=name, exact=True)
        for name in ("Step", "Back", "Play", "Reset")
    )
    expect(back).to_have_attribute("aria-disabled", "true")
    step.click()
    expect(widget.locator("[aria-live]")).to_contain_text("Tile of queries 1 to 4 and keys 1 to 4")
    step.click()
    expect(widget).to_have_attribute("data-step", "2")
    back.click()
    expect(widget).to_have_attribute("data-step", "1")
    go(widget, 5)
    play.click()
    expect(widget).to_have_attribute("data-step", "6")
    expect(play).to_be_visible()
    expect(step).to_have_attribute("aria-disabled", "true")
    reset.click()
    expect(widget).to_have_attribute("data-step", "0")


def test_playing_keeps_its_pace_until_told_to_stop(open_page):
    page = open_page("file")
    widget = stepper(page, SQUARE)
    page.clock.install(time=0)
    page.clock.pause_at(1)  # from here time passes by `run_for` alone, however slow the machine
    play, pause, reset = (widget.get_by_role("button", name=n) for n in ("Play", "Pause", "Reset"))
    play.click()
    page.clock.run_for(1000)
    expect(widget).to_have_attribute("data-step", "0")
    page.clock.run_for(200)
    expect(widget).to_have_attribute("data-step", "1")
    page.clock.run_for(1100)
    expect(widget).to_have_attribute("data-step", "2")
    pause.click()
    page.clock.run_for(3000)
    expect(widget).to_have_attribute("data-step", "2")
    play.click()
    page.clock.run_for(10_000)
    expect(widget).to_have_attribute("data-step", "6")
    play.click()  # from the start again
    page.clock.run_for(1200)
    expect(widget).to_have_attribute("data-step", "1")
    reset.click()
    page.clock.run_for(3000)
    expect(widget).to_have_attribute("data-step", "0")


def test_by_keyboard_alone(open_page):
    page = open_page("file")
    widget = stepper(page, SQUARE)
    widget.get_by_role("slider", name="Queries a tile").focus()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(widget.get_by_label("Causal mask")).to_be_checked()
    expect(widget.locator("output").nth(0)).to_have_text("8")
    expect(widget.locator("output").nth(1)).to_have_text("1")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(widget).to_have_attribute("data-step", "2")
    page.keyboard.press("ArrowLeft")
    expect(widget).to_have_attribute("data-step", "1")
    expect(widget.locator("[aria-live]")).to_contain_text(
        "Tile of queries 1 to 8 and keys 1, 8 scores"
    )
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(widget.get_by_role("slider", name="Time")).to_be_focused()
    page.keyboard.press("End")
    expect(widget.locator(".tx-told")).to_contain_text("All rows are done.")


def test_what_is_said_of_the_maximum(open_page, tilings):
    widget, python = stepper(open_page("file"), CAUSAL), tilings[CAUSAL]
    scores = python.scores()
    for step, (top, end, tile) in enumerate(walk(python), 1):
        if tile is None or tile.left == 0:
            continue
        go(widget, step)
        before, after = (scores[top:end, :to].max(axis=1) for to in (tile.left, tile.right))
        said = widget.locator(".tx-told").inner_text()
        found = re.search(r"a greater maximum in (\d) of", said)
        assert int(found[1] if found else 0) == (after > before).sum()
