import gzip
import json

import ipywidgets
import numpy as np
import pytest

from txlib.widgets import TranslatorExplorer
from txlib.widgets.translator_entries import KINDS, labels

PLAIN = {"probabilities": [1, 0.5], "source": ["a", "b", "c"], "target": ["x", "y"]}


def entry(text: str = "a b c", **changes) -> dict:
    rng = np.random.default_rng(5)
    sizes = {"encoder": (3, 3), "decoder": (2, 2), "cross": (2, 3)}
    weights = {kind: rng.dirichlet(np.ones(k), (4, 2, q)) for kind, (q, k) in sizes.items()}
    return PLAIN | weights | {"text": text, "translation": "x y"} | changes


def test_traits_by_hand(translator):
    assert translator.templates == [
        ["the ", ["cat", "cow"], " sleeps , it is ", ["tired", "wide"]],
        ["<img src=x onerror=alert(1)>"],
    ]
    assert translator.sentence == "the cat sleeps , it is tired"
    assert (translator.kind, translator.query) == ("encoder", 4)  # the pronoun
    assert translator.shape == [2, 3]
    assert repr(translator) == (
        "TranslatorExplorer(sentence='the cat sleeps , it is tired', kind='encoder', layer=1, "
        "head=2, query=4, view='heatmap')"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_map_is_found_in_the_bytes(kind):
    given = entry()
    for layer in range(4):
        for head in range(2):
            widget = TranslatorExplorer([given], kind=kind, layer=layer, head=head)
            weights, queries, keys = widget._map()
            assert (queries, keys) == labels(given, kind)
            np.testing.assert_allclose(weights, given[kind][layer, head], atol=0.00197)


def test_first_query_is_the_pronoun_unless_told():
    given = entry(referent=(2, 0, 1, 0))
    told = [TranslatorExplorer([given], kind=kind).query for kind in KINDS]
    assert told == [2, 1, 1]
    assert TranslatorExplorer([given], query=0).query == 0
    assert TranslatorExplorer([entry(referent=(2, 0))], kind="cross").query == 0


def test_alt_tells_sentence_translation_and_look(translator):
    weights, _, keys = translator._map()
    shown = translator.entries[0]
    most = int(weights[4].argmax())
    least = int(np.argmin(shown["probabilities"]))
    assert translator.alt == (
        "Translator with 2 layers of 3 heads, and 3 sentences to choose from. "
        "“the cat sleeps , it is tired” becomes “le chat très long token that overflows il”, where "
        f"the model was least sure of {shown['target'][least]} "
        f"{shown['probabilities'][least]:.2f}, then <img src=x onerror=alert(1)> 0.25. Encoder "
        "self-attention, layer 1, head 2, counted from 0: it puts its largest weight, "
        f"{weights[4, most]:.2f}, on {keys[most]}."
    )
    blind = entry(encoder=np.zeros((4, 2, 3, 3)), text="x" * 1000)
    alt = TranslatorExplorer([blind]).alt
    assert alt.endswith("a attends to nothing.")
    assert len(alt) < 500


def test_picture_shows_the_map_and_every_probability():
    widget = TranslatorExplorer([entry(referent=(2, 0, 1, 0))], kind="cross", layer=3, head=1)
    left, right, *_ = widget.fallback().axes
    shown = left.images[0].get_array()
    np.testing.assert_allclose(shown, widget._map()[0], atol=1e-6)
    assert left.get_title(loc="left") == "cross-attention, layer 3, head 1"
    words = [text.get_text() for text in right.texts]
    assert words == ["x", "1.00", "y", "0.50"]
    assert [bar.get_width() for bar in right.patches] == pytest.approx([0.8, 0.4])


def test_translator_reads_every_choice(tiny_translator):
    sentences = ["the {cat|dog} {sleeps|sees the cow} .", "the dog sleeps ."]
    widget = TranslatorExplorer.from_translator(
        tiny_translator, sentences, max_new_tokens=6, kind="cross", head=2
    )
    assert [one["text"] for one in widget.entries] == [
        "the cat sleeps .", "the cat sees the cow .", "the dog sleeps .", "the dog sees the cow .",
    ]  # fmt: skip
    assert len(widget.templates) == 2
    assert (widget.kind, widget.head, widget.shape) == ("cross", 2, [2, 3])


def test_typed_sentences_are_answered_where_a_translator_is(tiny_translator):
    widget = TranslatorExplorer.from_translator(tiny_translator, ["the cat sleeps ."])
    widget.knock = "one"
    assert widget.opened == "one"
    widget.typed = "The dog sees the cat ."
    assert widget.answer["source"] == ["the", "dog", "sees", "the", "cat", ".", "<eos>"]
    assert widget.sentence == "The dog sees the cat ."
    assert "“The dog sees the cat .” becomes" in widget.alt
    widget.typed = "the zebra sleeps ."
    assert widget.answer["text"] == "the zebra sleeps ."
    assert widget.answer["error"].endswith("there is no 'zebra'")
    assert widget.sentence == "The dog sees the cat ."
    assert widget.alt  # of a sentence whose answer is gone


def test_without_a_translator_nobody_answers(translator):
    translator.knock, translator.typed = "one", "the cat sleeps"
    assert (translator.opened, translator.answer) == ("", {})


def test_forty_sentences_weigh_little():
    rng = np.random.default_rng(0)
    entries = []
    for number in range(40):
        sizes = {"encoder": (16, 16), "decoder": (17, 17), "cross": (17, 16)}
        weights = {k: rng.dirichlet(np.full(n, 0.2), (3, 4, q)) for k, (q, n) in sizes.items()}
        weights["decoder"] *= np.tri(17)
        weights["decoder"] += 1e-9 * np.tri(17)
        weights["decoder"] /= weights["decoder"].sum(-1, keepdims=True)
        source, target = (
            [f"{side}{number + i}" for i in range(n)] for side, n in (("s", 16), ("t", 17))
        )
        told = {"text": " ".join(source), "translation": " ".join(target)}
        rivals = [[("another", p), ("word", p / 2)] for p in rng.random(17)]
        more = {"source": source, "target": target, "probabilities": rng.random(17)}
        entries.append(told | more | weights | {"rivals": rivals})
    widget = TranslatorExplorer(entries)
    state = ipywidgets.Widget.get_manager_state(widgets=[widget])
    assert len(gzip.compress(json.dumps(state).encode())) < 500_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entries": []}, r"entries must be 1 to 200 in a sequence, got \[\]"),
        ({"templates": ["a {x|y}"]}, r"templates must stand for at least one entry each, got 'a"),
        ({"sentence": "d"}, "sentence must be the text of an entry, got 'd'"),
        ({"kind": "self"}, r"kind must be one of \('encoder', .*\), got 'self'"),
        ({"view": "arcs"}, r"view must be one of \('heatmap', 'lines'\), got 'arcs'"),
        ({"layer": 4}, "layer must be a whole number from 0 to 3, got 4"),
        ({"head": 2}, "head must be a whole number from 0 to 1, got 2"),
        ({"query": 3}, "query must be a whole number from 0 to 2, got 3"),
        ({"query": 2, "kind": "cross"}, "query must be a whole number from 0 to 1, got 2"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        TranslatorExplorer(**{"entries": [entry()]} | change)


def test_errors_of_sentences(tiny_translator):
    with pytest.raises(ValueError, match="sentences must be at most 200 in all, got 256"):
        TranslatorExplorer.from_translator(tiny_translator, ["{a|b|c|d}" * 4])
    with pytest.raises(ValueError, match="there is no 'moon'"):
        TranslatorExplorer.from_translator(tiny_translator, ["the {cat|moon} sleeps ."])
