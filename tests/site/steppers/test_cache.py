import re

import pytest
from playwright.sync_api import Locator, Page, expect

from txlib.widgets import CacheStepper

pytestmark = pytest.mark.site
PLAIN, HOSTILE, SINGLE = range(3)  # steppers on the page
WAYS = {"without": "anew", "with": "cached"}


def stepper(page: Page, which: int) -> Locator:
    return page.locator(".tx-cache").nth(which)


def drawn(widget: Locator) -> None:
    """Wait until what was asked for is drawn: at the next frame."""
    widget.page.evaluate("() => new Promise(requestAnimationFrame)")


def press(widget: Locator, name: str, times: int = 1) -> None:
    button = widget.get_by_role("button", name=name, exact=name != "Take back")
    for _ in range(times):
        button.click()
        drawn(widget)


def numbers(widget: Locator) -> list[tuple[int, int]]:
    """Computed, read and products, without and with a cache."""
    cells = widget.locator("td[data-number]").evaluate_all(
        "all => all.map(c => Number(c.dataset.number))"
    )
    return list(zip(cells[::2], cells[1::2], strict=True))


def cells(widget: Locator, way: str, kind: str) -> int:
    return int(widget.locator(f'[data-way="{WAYS[way]}"]').first.get_attribute(f"data-{kind}"))


def expect_costs(widget: Locator, python: CacheStepper) -> None:
    without, cached = python.costs().values()
    assert numbers(widget) == list(zip(without, cached, strict=True))
    memory = widget.locator(".tx-memory")
    expect(memory).to_have_attribute("data-bytes", str(python.cache_bytes(python.length)))


def test_every_step_matches_python(open_page, caches):
    widget, python = stepper(open_page("file"), PLAIN), caches[PLAIN]
    python = CacheStepper(python.tokens, **{n: getattr(python, n) for n in NAMES})
    for length in range(1, 8):
        press(widget, "Step")
        python.history = [1] * length
        expect_costs(widget, python)
        assert cells(widget, "without", "computed") == length * (length + 1) / 2
        assert cells(widget, "with", "computed") == length
        assert cells(widget, "with", "read") == length * (length - 1) / 2
        expect(widget.locator("[data-state=kept]")).to_have_count(length)
    expect(widget.locator("[aria-live]")).to_contain_text("Token 7 of 7")
    step = widget.get_by_role("button", name="Step", exact=True)
    expect(step).to_have_attribute("aria-disabled", "true")


NAMES = ("num_heads", "num_kv_heads", "head_dim", "num_layers", "window", "bytes_per_number")


def test_tokens_taken_back_match_python(open_page, caches):
    widget = stepper(open_page("file"), PLAIN)
    python = CacheStepper(caches[PLAIN].tokens, **{n: getattr(caches[PLAIN], n) for n in NAMES})
    press(widget, "Step", 4)
    widget.get_by_label("How many tokens to take back").select_option("3")
    press(widget, "Take back")
    expect(widget.locator(".tx-told")).to_contain_text("3 tokens taken back")
    expect(widget.locator("[data-state=kept]")).to_have_count(1)
    assert cells(widget, "with", "freed") == 3
    press(widget, "Take back")
    expect(widget.locator(".tx-told")).to_have_text("There are no 3 tokens to take back.")
    press(widget, "Step", 2)
    python.history = [1, 1, 1, 1, -3, 1, 1]
    expect_costs(widget, python)
    expect(widget).to_have_attribute("data-length", "3")
    press(widget, "Back", 3)
    python.history = [1, 1, 1, 1]
    expect_costs(widget, python)
    press(widget, "Reset")
    expect(widget).to_have_attribute("data-length", "0")
    assert numbers(widget) == [(0, 0)] * 3


def test_window_lets_old_slots_fall(open_page, caches):
    widget, python = stepper(open_page("file"), HOSTILE), caches[HOSTILE]
    python = CacheStepper(python.tokens, **{n: getattr(python, n) for n in NAMES})
    press(widget, "Step", 8)
    python.history = [1] * 8
    expect_costs(widget, python)
    expect(widget.locator("[data-state=kept]")).to_have_count(5)
    expect(widget.locator("[data-state=fallen]")).to_have_count(3)
    assert cells(widget, "with", "fallen") == 1 + 2 + 3
    assert cells(widget, "with", "read") == 1 + 2 + 3 + 4 + 4 + 4 + 4
    press(widget, "Take back")
    expect(widget.locator(".tx-told")).to_contain_text("Not possible: a window of 5 has dropped")
    expect(widget).to_have_attribute("data-length", "8")
    widget.get_by_label("How many tokens to take back").select_option("1")
    press(widget, "Take back")
    expect(widget).to_have_attribute("data-length", "7")
    widget.get_by_label("Sliding window").uncheck()
    python = CacheStepper(
        python.tokens, **{n: getattr(python, n) for n in NAMES} | {"window": None}
    )
    python.history = [1] * 7
    expect(widget.locator("[data-state=kept]")).to_have_count(7)
    expect_costs(widget, python)
    widget.get_by_label("Sliding window").check()
    widget.get_by_role("slider", name="Window").fill("2")
    expect(widget.locator("[data-state=kept]")).to_have_count(2)


def test_memory_of_presets_matches_python(open_page, caches):
    widget = stepper(open_page("file"), PLAIN)
    units = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
    for one in caches[PLAIN].presets[1:]:
        shape = {name: value for name, value in one.items() if name != "name"}
        python = CacheStepper(["a"], **shape)
        widget.get_by_label("Shape of").select_option(one["name"])
        drawn(widget)
        row = widget.locator(".tx-memory tr[data-now]")
        expect(row).to_contain_text(f", {shape['num_kv_heads']}")
        shown = [float(n) * units[u] for n, u in re.findall(r"([\d.]+) (\w+)", row.inner_text())]
        wanted = [python.cache_bytes(n) for n in (1, 8192, 131072)]
        assert shown[-3:] == pytest.approx(wanted, rel=0.005)
    widget.get_by_label("KV heads").select_option("4")
    widget.get_by_label("Each number").select_option("1")
    expect(widget.get_by_label("Shape of")).to_have_value("-1")
    python = CacheStepper(["a"], **shape | {"num_kv_heads": 4}, bytes_per_number=1)
    expect(widget.locator(".tx-memory .tx-note")).to_contain_text(
        f"= {python.cache_bytes(1) // 1024} KiB a token"
    )


def test_by_keyboard_alone(open_page):
    page = open_page("file")
    widget = stepper(page, PLAIN)
    widget.get_by_label("Sliding window").focus()
    page.keyboard.press("Space")
    expect(widget.locator("output").first).to_have_text("4 keys")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    expect(widget.locator("output").first).to_have_text("1 key")
    page.keyboard.press("Tab")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(widget).to_have_attribute("data-length", "2")
    expect(widget.locator("[aria-live]")).to_contain_text("1 token fell out of the window.")
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(widget.get_by_label("How many tokens to take back")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(widget).to_have_attribute("data-length", "1")
    expect(widget.locator("[aria-live]")).to_contain_text("1 token taken back")


def test_playing_stops_at_the_end(open_page):
    widget = stepper(open_page("file"), SINGLE)
    press(widget, "Play")
    expect(widget).to_have_attribute("data-length", "1")
    expect(widget.get_by_role("button", name="Play")).to_be_visible()
    assert numbers(widget) == [(2, 2), (0, 0), (1, 1)]


def test_hostile_and_long_tokens_are_text(open_page):
    page = open_page("file")
    widget = stepper(page, HOSTILE)
    press(widget, "Step", 2)
    expect(widget.locator(".tx-slots li").first).to_contain_text("<img src=x onerror=")
    names = widget.get_by_label("Shape of").locator("option").all_inner_texts()
    assert names[1] == "<img src=x onerror=window.hacked=1>"
    expect(page.locator(".tx img")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
