import os
import re
import subprocess
import sys
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from txlib.widgets import AttentionExplorer, MaskMaker
from txlib.widgets.mask_maker import KINDS

pytestmark = pytest.mark.site
ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "artifacts"
STATE = "application/vnd.jupyter.widget-state+json"
SETTINGS = {"extensions": "myst_nb,widgets", "nb_execution_mode": "off", "project": "attention"}
FRENCH = ["l'", "animal", "ne", "traversa", "pas", "la", "rue", "."]
ENGLISH = ["the", "animal", "did", "not", "cross", "the", "street", "because", "it", "slept", "."]
GOLD = {(0, 0), (1, 1), (2, 3), (4, 3), (3, 4), (5, 5), (6, 6), (7, 10), (1, 0)}
WEIGHTS = np.random.default_rng(0).dirichlet(np.full(len(ENGLISH), 0.4), (2, 3, len(FRENCH)))
WEIGHTS[1, 2, 5] = 0  # a query that is fully masked
HOSTILE = ["<img src=x onerror=window.hacked=1>", "翻译机器", "שלום", "x" * 10_000, " ", "👩‍👩‍👧 a"]
EVEN = np.repeat([np.full(6, 1 / 6)], 2, axis=0)
BIG = np.random.default_rng(1).dirichlet(np.full(64, 0.1), (4, 8, 64))  # more than 100 000
MAIN, TWIN, STRANGE, LARGE = range(4)  # explorers on the page


@pytest.fixture(scope="module")
def widget_site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page of these two widgets, built with the book's own extension, for `open_page`."""
    folder = tmp_path_factory.mktemp("attention-site")
    main = AttentionExplorer(WEIGHTS, FRENCH, ENGLISH, GOLD, layer=1, head=1, query=3)
    many = [f"token{i}" for i in range(64)]
    shown = [main, main, AttentionExplorer(EVEN, ["a", "b"], HOSTILE)]
    shown += [AttentionExplorer(BIG, many, many)]
    shown += [MaskMaker(query=4), MaskMaker(HOSTILE[:4], kind="block", block_size=3)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Attention")])
    for widget in shown:
        data, metadata = widget._repr_mimebundle_()
        output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
        notebook.cells.append(nbformat.v4.new_code_cell("widget", outputs=[output]))
    state = ipywidgets.Widget.get_manager_state(widgets=list({id(w): w for w in shown}.values()))
    notebook.metadata = {"widgets": {STATE: state}, "language_info": {"name": "python"}}
    nbformat.write(notebook, folder / "index.ipynb")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-C", "-b", "html"]
    command += ["-A", "default_mode=auto", "-D", "html_theme=sphinx_book_theme"]
    for name, value in SETTINGS.items():
        command += ["-D", f"{name}={value}"]
    path = {"PYTHONPATH": str(ROOT / "book" / "_ext")}
    subprocess.run([*command, folder, folder / "html"], check=True, env=os.environ | path)
    address = (folder / "html" / "index.html").as_uri()
    return {"http": address, "file": address}


@pytest.fixture(scope="module")
def every_widget_starts() -> bool:
    return True


def explorer(page: Page, which: int = MAIN) -> Locator:
    return page.locator(".tx-attention").nth(which)


def maker(page: Page, which: int = 0) -> Locator:
    return page.locator(".tx-mask").nth(which)


def after_the_next_frame(widget: Locator) -> Locator:
    """`widget`, once it has drawn what was asked of it."""
    widget.page.evaluate("() => new Promise(requestAnimationFrame)")
    return widget


def check_row(widget: Locator, row: np.ndarray, gold: set[int], *, digits: int, error: float):
    """The numbers, the bars and the sentence of one query against Python's `row`."""
    after_the_next_frame(widget)
    numbers = [float(text) for text in widget.locator(".tx-bars .tx-number").all_inner_texts()]
    np.testing.assert_allclose(numbers, row, atol=error + 0.5 * 10**-digits)
    marked = widget.locator(".tx-bars li").evaluate_all(
        "items => items.flatMap((item, i) => ('gold' in item.dataset ? [i] : []))"
    )
    assert set(marked) == gold
    told = widget.locator(".tx-readout").inner_text()
    if not row.any():
        assert "attends to no key: all its weights are 0." in told
        return
    weight, key = re.search(r"largest weight, ([\d.]+), on .* \(key (\d+)\)", told).groups()
    assert int(key) - 1 == row.argmax()
    assert len(weight) == 2 + digits
    assert float(weight) == pytest.approx(row.max(), abs=error + 0.5 * 10**-digits)
    if gold:
        total = float(re.search(r"on its gold keys ([\d.]+) in all", told)[1])
        assert total == pytest.approx(row[list(gold)].sum(), abs=2e-3)


def test_every_row_of_every_head_matches_python(open_page):
    widget = explorer(open_page("file"))
    error = AttentionExplorer(WEIGHTS, FRENCH, ENGLISH).error
    for layer in range(2):
        widget.get_by_role("radio", name=f"Layer {layer}").click()
        for head in range(3):
            widget.get_by_role("radio", name=f"Head {head}").click()
            for query in range(len(FRENCH)):
                widget.get_by_role("radio", name=f", query {query + 1} of 8").click()
                expect(widget.locator(".tx-readout")).to_contain_text(f"Query {query + 1}, ")
                gold = {key for row, key in GOLD if row == query}
                check_row(widget, WEIGHTS[layer, head, query], gold, digits=3, error=error)
    expect(explorer(widget.page, TWIN).locator(".tx-readout")).to_contain_text("Query 8, ")


def test_cells_are_painted_by_weight(open_page):
    widget = explorer(open_page("file"))
    reds = widget.locator(".tx-cells canvas").evaluate(
        """node => { const { data } = node.getContext("2d").getImageData(0, 0, 11, 8);
             return [...data].filter((_, i) => i % 4 === 0); }"""
    )
    order = np.argsort(WEIGHTS[1, 1].ravel())
    reds = np.array(reds)[order]
    assert (np.diff(reds) <= 0).mean() > 0.95  # the heavier, the darker
    assert reds[0] - reds[-1] > 150


def test_mouse_looks_and_click_holds(open_page):
    page = open_page("file")
    widget = explorer(page)
    said, told = widget.locator("[aria-live]"), widget.locator(".tx-readout")
    cells = widget.locator(".tx-cells")
    box = cells.bounding_box()
    wide, tall = box["width"] / len(ENGLISH), box["height"] / len(FRENCH)
    expect(told).to_contain_text("Query 4, traversa")
    spot = {"x": 8.5 * wide, "y": 6.5 * tall}
    cells.hover(position=spot)
    expect(told).to_contain_text("Query 7, rue")
    expect(told).to_contain_text(f"Here, on it: {WEIGHTS[1, 1, 6, 8]:.3f}.")
    after_the_next_frame(widget)
    expect(said).to_be_empty()  # looking is not choosing
    expect(widget.get_by_role("radio", name="query 4 of 8")).to_be_checked()
    page.mouse.move(0, 0)
    expect(told).to_contain_text("Query 4, traversa")
    cells.click(position=spot)
    page.mouse.move(0, 0)
    expect(told).to_contain_text("Query 7, rue")
    expect(said).to_contain_text("Query 7, rue, puts its largest weight")
    cells.hover(position=spot)
    widget.get_by_role("radio", name="query 7 of 8").focus()
    page.keyboard.press("ArrowUp")
    expect(told).to_contain_text("Query 6, la")  # the keys win over a mouse that rests


def test_explorer_by_keyboard_alone(open_page):
    page = open_page("file")
    widget = explorer(page)
    said = widget.locator("[aria-live]")
    widget.get_by_role("radio", name="Layer 1").focus()
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("Layer 0, head 1. Query 4, traversa")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    expect(said).to_contain_text("Layer 0, head 2.")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("View: lines.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(said).to_contain_text("Gold alignment hidden.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(said).to_contain_text(f"Colours from 0 to {WEIGHTS[0].max():.3f}.")
    page.keyboard.press("Tab")
    focused = widget.get_by_role("radio", name="traversa, query 4 of 8")
    expect(focused).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(widget.get_by_role("radio", name="pas, query 5 of 8")).to_be_focused()
    check_row(widget, WEIGHTS[0, 2, 4], set(), digits=3, error=1e-5)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("View: heatmap.")
    expect(widget.locator(".tx-cells")).to_be_visible()


def test_gold_and_scale(open_page):
    widget = explorer(open_page("file"))
    outlines, gold = widget.locator("rect.tx-frame"), widget.get_by_label("Gold alignment")
    expect(outlines).to_have_count(len(GOLD))
    spots = outlines.evaluate_all(
        "nodes => nodes.map((n) => [Math.floor(n.getAttribute('y')),"
        " Math.floor(n.getAttribute('x'))])"
    )
    assert {tuple(spot) for spot in spots} == GOLD
    gold.uncheck()
    expect(outlines).to_have_count(0)
    expect(widget.locator(".tx-readout")).not_to_contain_text("gold")
    expect(widget.locator(".tx-top")).to_have_text("1")
    widget.get_by_label("Colours up to the largest weight").check()
    expect(widget.locator(".tx-top")).to_have_text(f"{WEIGHTS[1].max():.3f}")
    expect(explorer(widget.page, STRANGE).get_by_label("Gold alignment")).to_be_hidden()


def test_lines_are_drawn_and_follow_the_mouse(open_page):
    page = open_page("file")
    widget = explorer(page)
    widget.get_by_role("radio", name="Lines").click()
    expect(widget.locator(".tx-cells")).to_be_hidden()
    ink = """node => node.getContext("2d").getImageData(0, 0, node.width, node.height)
             .data.reduce((sum, one) => sum + (one > 0), 0)"""
    assert all(canvas.evaluate(ink) > 500 for canvas in widget.locator(".tx-strands canvas").all())
    widget.get_by_role("radio", name="query 2 of 8").hover()
    expect(widget.locator(".tx-readout")).to_contain_text("Query 2, animal")
    best = widget.locator(".tx-ends [data-look]")
    expect(best).to_have_text(ENGLISH[WEIGHTS[1, 1, 1].argmax()])
    expect(widget.locator(".tx-ends [data-gold]")).to_have_count(2)


def test_hostile_tokens_are_text(open_page):
    page = open_page("file")
    widget = explorer(page, STRANGE)
    told = widget.locator(".tx-readout")
    expect(told).to_contain_text("on <img src=x onerror=window.hacked=1> (key 1) and as much on 5")
    names = widget.locator(".tx-bars .tx-token")
    expect(names.nth(2)).to_have_text("שלום")
    expect(names.nth(4)).to_have_text("␣")
    expect(names.nth(3)).to_have_text(re.compile(r"^x{200}… \(10000 characters\)$"))
    expect(maker(page, 1).locator(".tx-sees")).to_contain_text("<img src=x")
    expect(page.locator(".tx img")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
    overlaps = widget.locator(".tx-columns > span").evaluate_all(
        """nodes => nodes.map((node) => node.getBoundingClientRect())
             .some((box, i, all) => i > 0 && box.left < all[i - 1].right - 0.5)"""
    )
    assert not overlaps


def test_large_maps_keep_up_and_scroll_inside(open_page):
    page = open_page("file", viewport={"width": 390, "height": 800}, has_touch=True)
    widget = explorer(page, LARGE)
    error = AttentionExplorer(BIG, ["q"] * 64, ["k"] * 64).error
    check_row(widget, BIG[0, 0, 0], set(), digits=2, error=error)
    scroll = widget.locator(".tx-matrix .tx-scroll")
    assert scroll.evaluate("node => node.scrollWidth > 3 * node.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    changes = widget.locator(".tx-cells").evaluate(
        """async area => {
             let count = 0;
             const watched = new MutationObserver((records) => { count += records.length; });
             const everything = { subtree: true, childList: true, attributes: true };
             watched.observe(area.closest(".tx"), { ...everything, characterData: true });
             const counts = [];
             for (let i = 0; i < 20; i += 1) {
               const { left, top } = area.getBoundingClientRect();
               const at = { clientX: left + (i * 97) % 1400, clientY: top + (i * 61) % 2000 };
               area.dispatchEvent(new PointerEvent("pointermove", { ...at, pointerType: "mouse" }));
               await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
               counts.push(count);
               count = 0;
             }
             return counts; }"""
    )
    assert 0 < max(changes) < 64 * 4  # what one row needs, not the 4096 cells


def mask_on_the_page(widget: Locator) -> np.ndarray:
    """The painted cells, as booleans."""
    shades = widget.locator(".tx-cells canvas").evaluate(
        """node => { const { width, height } = node;
             const { data } = node.getContext("2d").getImageData(0, 0, width, height);
             const paint = [...data].filter((_, i) => i % 4 === 0);
             return [paint, height, width]; }"""
    )
    return np.reshape(shades[0], shades[1:]) < 160


def check_mask(widget: Locator, wanted: MaskMaker) -> None:
    """Matrix, one query and all numbers against Python's mask."""
    mask, size = wanted.mask(), wanted.num_tokens
    np.testing.assert_array_equal(mask_on_the_page(after_the_next_frame(widget)), mask)
    allowed, cost, memory, blind = widget.locator("dd").all_inner_texts()
    count = wanted.num_scores()
    assert f"pairs allowed, {allowed}." in wanted.alt
    assert cost == f"{count} of n² = {size**2}"
    assert memory == f"{2 * count} of {2 * size**2}"
    assert int(blind.split()[0]) == (~mask.any(axis=1)).sum()
    row = mask[wanted.query]
    sees = widget.locator(".tx-sees").inner_text()
    assert f"sees {row.sum()} of {size} keys" in sees
    chips = widget.locator(".tx-keys li").evaluate_all("all => all.map((one) => one.innerText[0])")
    assert chips == ["✓" if may else "✗" for may in row]


def test_every_mask_matches_python(open_page):
    widget = maker(open_page("file"))
    kinds = widget.get_by_role("radiogroup", name="Kind of mask").get_by_role("radio")
    check_mask(widget, MaskMaker(query=4))
    changes = {"length": 9, "window": 3, "prefix": 5, "num_global": 1, "block_size": 5}
    labels = ["Real tokens", "Window", "Prefix", "Global tokens", "Block size"]
    for position, kind in enumerate(KINDS):
        kinds.nth(position).click()
        after_the_next_frame(widget)
        for label, value in zip(labels, changes.values(), strict=True):
            slider = widget.get_by_role("slider", name=label)
            if slider.is_visible():
                slider.fill(str(value))
        check_mask(widget, MaskMaker(kind=kind, query=4, **changes))
    kinds.nth(2).click()
    widget.get_by_label("and length").check()
    widget.get_by_role("slider", name="Real tokens").fill("2")
    wanted = MaskMaker(kind="window", also=["length"], query=4, **changes | {"length": 2})
    check_mask(widget, wanted)
    assert (~wanted.mask().any(axis=1)).sum() == 8
    widget.get_by_label("and causal").check()
    check_mask(
        widget, MaskMaker(kind="window", also=["causal", "length"], length=2, window=3, query=4)
    )
    kinds.nth(0).click()
    expect(widget.get_by_label("and causal")).to_be_hidden()
    widget.get_by_label("and length").uncheck()
    widget.get_by_role("slider", name="Tokens", exact=True).fill("21")
    check_mask(widget, MaskMaker(num_tokens=21, query=4))
    widget.get_by_role("slider", name="Tokens", exact=True).fill("3")
    check_mask(widget, MaskMaker(num_tokens=3, query=2))  # the picked query moved in


def test_mask_by_keyboard_alone(open_page):
    page = open_page("file")
    widget = maker(page)
    said = widget.locator("[aria-live]")
    widget.get_by_role("radio", name="Causal").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("A query sees the keys less than 4 away. Allowed: 50.0 %, 72")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(said).to_contain_text("and of these only itself and the keys before it. Allowed: 29.2 %")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(widget.get_by_role("slider", name="Window")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("the keys less than 3 away")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(said).to_have_text("Query 6, x6, sees 3 of 12 keys.")
    check_mask(widget, MaskMaker(kind="window", also=["causal"], window=3, query=5))


def test_mask_with_labels_keeps_its_size(open_page):
    widget = maker(open_page("file"), 1)
    expect(widget.get_by_role("slider", name="Tokens", exact=True)).to_be_hidden()
    check_mask(widget, MaskMaker(HOSTILE[:4], kind="block", block_size=3))
    widget.locator(".tx-cells").click(position={"x": 5, "y": 100})
    check_mask(widget, MaskMaker(HOSTILE[:4], kind="block", block_size=3, query=3))


@pytest.mark.parametrize("width", [320, 390])
def test_narrow_screens_have_room_for_fingers(open_page, width):
    page = open_page("file", viewport={"width": width, "height": 800}, has_touch=True)
    expect(page.locator(".tx")).to_have_count(6)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.locator(".tx button, .tx label").evaluate_all(
        """nodes => nodes.filter((node) => node.checkVisibility()).map((node) => {
             const { width, height } = node.getBoundingClientRect();
             return [node.textContent, width, height];
           })"""
    )
    assert len(boxes) > 100
    assert [box for box in boxes if min(box[1:]) < 32] == []
    maker(page).locator(".tx-cells").tap(position={"x": 10, "y": 100})
    expect(maker(page).locator(".tx-sees")).to_contain_text("Query 4, x4")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_looks_and_accessibility(open_page, width, theme):
    options = {"viewport": {"width": width, "height": 900}, "has_touch": width == 390}
    page = open_page("file", color_scheme=theme, **options)
    explorer(page, TWIN).get_by_role("radio", name="Head 2").click()
    explorer(page, STRANGE).get_by_role("radio", name="Lines").click()
    maker(page).get_by_role("radio", name="Global tokens").click()
    expect(maker(page).get_by_role("slider", name="Global tokens")).to_be_visible()
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    light = mask_on_the_page(maker(page))
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert not np.array_equal(mask_on_the_page(maker(page)), light)  # painted anew
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    page.wait_for_function("document.getAnimations().length === 0")
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"widgets-attention-{width}-{theme}.png", full_page=True)
    found = Axe().run(page, ".tx", {"preload": False}).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found] == []
