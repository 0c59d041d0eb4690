import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from txlib.widgets import TranslatorExplorer
from txlib.widgets.translator_entries import KINDS, labels
from txlib.widgets.weights import from_bytes

pytestmark = pytest.mark.site
TITLES = ("Encoder self-attention", "Decoder self-attention", "Cross-attention")
KERNEL = """async ({ esm, state, read }) => {
  const heard = [];
  const model = {
    get: (name) => state[name],
    set(name, value) {
      if (state[name] === value) return;
      state[name] = value;
      for (const [event, call] of [...heard]) if (event === `change:${name}`) call();
      if (name === "knock") this.set("opened", value);
      if (name === "typed" && value) window.answer = () => this.set("answer", read[value]);
    },
    on: (event, call) => heard.push([event, call]),
    off: (event, call) => heard.splice(heard.findIndex((one) => one[1] === call), 1),
    save_changes() {},
  };
  const view = (text) => {
    const bytes = Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
    return new DataView(bytes.buffer);
  };
  for (const entry of [...state.entries, ...Object.values(read)]) {
    if (entry.weights) entry.weights = view(entry.weights);
  }
  const el = document.createElement("div");
  el.id = "live";
  document.body.prepend(el);
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const leave = (await import(url)).default.render({ model, el });
  window.leave = () => { leave(); return [heard.length, el.childNodes.length]; };
}"""


def explorer(page: Page) -> Locator:
    return page.locator(".tx-translator").first


def slot(widget: Locator, number: int) -> Locator:
    return widget.get_by_label(f"Word to swap, {number}")


def tiles(widget: Locator) -> list[str]:
    return widget.locator(".tx-words .tx-token").all_inner_texts()


def entry(translator: TranslatorExplorer, text: str) -> dict:
    return next(one for one in translator.entries if one["text"] == text)


def weights_of(entry: dict, kind: str) -> np.ndarray:
    """(layers, heads, T_q, T_k), cut from the entry's bytes."""
    shapes = {k: (2, 3, *map(len, labels(entry, k))) for k in KINDS}
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    at = KINDS.index(kind)
    data = entry["weights"][sum(sizes[:at]) : sum(sizes[: at + 1])]
    return from_bytes(data, 255, shapes[kind])


def numbers(widget: Locator) -> list[float]:
    widget.page.evaluate("() => new Promise(requestAnimationFrame)")
    return [float(x) for x in widget.locator(".tx-bars .tx-number").all_inner_texts()]


def let_the_kernel_answer(widget: Locator) -> None:
    expect(widget.locator(".tx-status")).to_have_text("Translating…")
    widget.page.evaluate("window.answer()")


def test_swapped_words_are_looked_up(open_page, translator):
    widget = explorer(open_page("file"))
    expect(slot(widget, 1)).to_have_value("cat")
    assert tiles(widget) == entry(translator, translator.sentence)["target"]
    expect(widget.locator(".tx-news")).to_be_hidden()
    slot(widget, 1).select_option("cow")
    expect(widget.locator(".tx-news")).to_have_text(
        "Changed: le → la, chat → vache, il → elle, las → lasse."
    )
    shown = entry(translator, "the cow waits , it is tired .")
    assert tiles(widget) == shown["target"]
    told = widget.locator(".tx-words small").all_inner_texts()
    assert told == [f"{p:.2f}" for p in np.round(shown["probabilities"], 4)]
    fresh = widget.locator(".tx-words [data-fresh] .tx-token").all_inner_texts()
    assert fresh == ["la", "vache", "elle", "lasse"]
    expect(widget.locator(".tx-said").first).to_have_text("")
    said = widget.locator("> .tx-said")
    expect(said).to_have_text(f"{shown['translation']} Changed: le → la, chat → vache, il → elle, "
                              "las → lasse.")  # fmt: skip


def test_what_was_not_translated_cannot_be_chosen(open_page):
    widget = explorer(open_page("file"))
    wide = slot(widget, 2).locator("option[value=wide]")
    expect(wide).to_be_enabled()
    slot(widget, 1).select_option("cow")
    expect(wide).to_be_disabled()
    slot(widget, 1).select_option("cat")
    slot(widget, 2).select_option("wide")
    expect(slot(widget, 1).locator("option[value=cow]")).to_be_disabled()


def test_every_head_of_every_kind_shows_its_weights(open_page, translator):
    widget = explorer(open_page("file"))
    shown = entry(translator, translator.sentence)
    for kind, title in zip(KINDS, TITLES, strict=True):
        widget.get_by_role("radio", name=title).click()
        wanted = weights_of(shown, kind)
        queries, keys = labels(shown, kind)
        rows = widget.locator(".tx-rows .tx-token")
        expect(rows).to_have_text(queries)
        expect(widget.locator(".tx-columns .tx-token")).to_have_text(keys)
        for head in range(6):
            widget.locator(".tx-heads button").nth(head).click()
            for query in (0, len(queries) - 1):
                widget.locator(".tx-rows button").nth(query).click()
                row = wanted[head // 3, head % 3, query]
                np.testing.assert_allclose(numbers(widget), row, atol=0.00501)


def test_link_from_pronoun_to_noun(open_page):
    widget = explorer(open_page("file"))
    for title, cell in zip(TITLES, ((4, 1), (4, 2), (4, 1)), strict=True):
        widget.get_by_role("radio", name=title).click()
        numbers(widget)  # waits until the kind is drawn
        (frame,) = widget.locator(".tx-frame").all()
        place = [float(frame.get_attribute(name)) for name in ("y", "x")]
        assert place == pytest.approx([cell[0] + 0.1, cell[1] + 0.1])
        expect(widget.locator(".tx-rows [aria-checked=true]")).to_have_text(
            ["it", "il", "il"][TITLES.index(title)]
        )
        expect(widget.locator(".tx-bars .tx-tag").nth(cell[1])).to_have_text("noun")
    slot(widget, 1).select_option("cow")  # the referent is known in the source alone
    expect(widget.locator(".tx-frame")).to_have_count(0)
    expect(widget.get_by_label("Link from the pronoun to its noun")).to_be_hidden()
    widget.get_by_role("radio", name=TITLES[0]).click()
    expect(widget.locator(".tx-frame")).to_have_count(1)


def test_word_of_the_translation_looks_back(open_page, translator):
    widget = explorer(open_page("file"))
    shown = entry(translator, translator.sentence)
    least = int(np.argmin(shown["probabilities"]))
    odds = widget.locator(".tx-odds")
    expect(odds).to_contain_text(f"Least certain: {shown['target'][least]} ")
    widget.get_by_role("radio", name="chat, probability").click()
    expect(widget.get_by_role("radio", name=TITLES[2])).to_be_checked()
    expect(widget.get_by_role("radio", name="chat, query 2 of 8")).to_be_checked()
    p, rival = shown["probabilities"][1], shown["rivals"][1][0][1]
    expect(odds).to_have_text(f"Word 2: chat {p:.4f}; instead of it other {rival:.4f}.")
    widget.get_by_role("radio", name=TITLES[1]).click()
    widget.locator(".tx-rows button").nth(3).click()
    expect(widget.get_by_role("radio", name=",, probability")).to_be_checked()


def test_sentences_are_picked_and_choices_kept(open_page, translator):
    widget = explorer(open_page("file"))
    widget.get_by_role("radio", name=TITLES[1]).click()
    widget.get_by_role("radio", name="Lines").click()
    widget.locator(".tx-heads button").nth(1).click()
    pick = widget.get_by_label("Sentence", exact=True)
    assert pick.locator("option").all_inner_texts()[0] == "the … waits , it is … ."
    pick.select_option("1")
    expect(widget.locator(".tx-line")).to_have_text("she sings .")
    expect(widget.locator(".tx-line select")).to_have_count(0)
    assert tiles(widget) == ["elle", "chante", "bien", "."]
    for name in (TITLES[1], "Lines"):
        expect(widget.get_by_role("radio", name=name)).to_be_checked()
    expect(widget.locator(".tx-heads button").nth(1)).to_be_checked()
    expect(widget.locator(".tx-news")).to_be_hidden()  # another sentence, not a swap
    pick.select_option("0")
    expect(slot(widget, 1)).to_have_value("cat")


def test_explorer_by_keyboard_alone(open_page):
    page = open_page("file")
    widget = explorer(page)
    slot(widget, 2).focus()
    page.keyboard.press("ArrowDown")
    expect(widget.locator(".tx-news")).to_have_text("Changed: las → large.")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(widget.get_by_role("radio", name="chat, probability")).to_be_focused()
    expect(widget.get_by_role("radio", name="chat, query 2")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    expect(widget.get_by_role("radio", name=TITLES[1])).to_be_focused()
    expect(widget.locator("> .tx-said")).to_contain_text(f"{TITLES[1]}. Rows: the word")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    expect(widget.locator(".tx-current")).to_have_text("Enlarged: layer 0, head 0.")


def test_hostile_words_are_text(open_page):
    page = open_page("file")
    widget = explorer(page)
    widget.get_by_label("Sentence", exact=True).select_option("2")
    expect(widget.locator(".tx-line")).to_have_text("<img src=x onerror=window.hacked=1>")
    expect(widget.locator(".tx-words .tx-token").nth(2)).to_have_text("<img")
    expect(page.locator(".tx img")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_own_sentences_need_a_kernel(open_page, translator):
    page = open_page("file")
    expect(explorer(page).locator("form")).to_be_hidden()
    state = {name: getattr(translator, name) for name in translator.keys if name[0] != "_"}
    for name in ("layout", "tabbable", "tooltip"):
        state.pop(name, None)
    plain = [one | {"weights": one["weights"].hex()} for one in translator.entries]
    first, second = plain[0], plain[3]
    read = {
        "my cat waits": first | {"text": "my cat waits"},
        "the cow waits , it is wide .": second | {"text": "the cow waits , it is wide ."},
        "a zebra": {"text": "a zebra", "error": "there is no 'zebra'"},
    }
    state |= {"entries": plain, "opened": "old", "knock": "old"}
    page.evaluate(KERNEL, {"esm": translator._esm, "state": state, "read": read})
    widget = page.locator("#live .tx-translator")
    field = widget.get_by_label("Your own sentence")
    expect(field).to_have_value(translator.sentence)
    field.fill("  my   cat waits ")
    field.press("Enter")
    let_the_kernel_answer(widget)
    expect(widget.locator(".tx-line")).to_have_text("my cat waits")
    expect(widget.get_by_label("Sentence", exact=True)).to_have_value("-1")
    expect(widget.locator(".tx-status")).to_be_hidden()
    field.fill("a zebra")
    widget.get_by_role("button", name="Translate").click()
    let_the_kernel_answer(widget)
    expect(widget.locator(".tx-status")).to_have_text("Not translated: there is no 'zebra'.")
    expect(widget.locator("> .tx-said")).to_have_text("Not translated: there is no 'zebra'.")
    expect(widget.locator(".tx-line")).to_have_text("my cat waits")
    widget.get_by_label("Sentence", exact=True).select_option("0")
    slot(widget, 2).select_option("wide")
    slot(widget, 1).select_option("cow")  # not translated beforehand
    let_the_kernel_answer(widget)
    expect(widget.locator(".tx-words .tx-token")).to_have_text(second["target"])
    widget.get_by_label("Sentence", exact=True).select_option("-1")
    expect(widget.locator(".tx-line")).to_have_text("my cat waits")
    assert page.evaluate("window.leave()") == [0, 0]  # no listener and no node is left
