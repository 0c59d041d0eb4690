from types import SimpleNamespace

import numpy as np
import pytest

from txlib.widgets.translator_entries import TranslatorEntry, check_entries, labels, links

LAYERS, HEADS, SOURCE, TARGET = 2, 3, 5, 4
S, T = [f"s{i}" for i in range(SOURCE)], [f"t{i}" for i in range(TARGET)]


def fields(**changes) -> dict:
    rng = np.random.default_rng(0)
    sizes = {"encoder": (SOURCE, SOURCE), "decoder": (TARGET, TARGET), "cross": (TARGET, SOURCE)}
    weights = {
        kind: rng.dirichlet(np.ones(keys), (LAYERS, HEADS, queries))
        for kind, (queries, keys) in sizes.items()
    }
    told = {"text": "a b.", "translation": "x y.", "source": S, "target": T}
    chances = {"probabilities": [1, 0.5, 1 / 3, 0.99999]}
    return told | chances | weights | changes


def test_state_by_hand():
    given = fields(rivals=[[("u", 0.25)], [], [("v", 1 / 7), ("w", 0)], []], referent=(3, 1))
    state = TranslatorEntry(**given).to_state()
    assert state["probabilities"] == [1, 0.5, 0.3333, 1]
    assert state["rivals"] == [[["u", 0.25]], [], [["v", 0.1429], ["w", 0]], []]
    assert state["referent"] == [3, 1]
    assert len(state["weights"]) == LAYERS * HEADS * (25 + 16 + 20)
    flat = np.concatenate([given[kind].ravel() for kind in ("encoder", "decoder", "cross")])
    np.testing.assert_allclose(np.frombuffer(state["weights"], "u1") / 255, flat, atol=0.00197)


def test_link_of_each_kind():
    gold = SimpleNamespace(source_pronoun=4, source_noun=1, target_pronoun=3, target_noun=2)
    referent = TranslatorEntry(**fields(referent=gold)).referent
    assert referent == [4, 1, 3, 2]
    told = {kind: links(referent, kind) for kind in ("encoder", "decoder", "cross")}
    assert told == {"encoder": [[4, 1]], "decoder": [[3, 3]], "cross": [[3, 1]]}
    assert [links(referent[:2], kind) for kind in ("decoder", "cross")] == [[], []]
    assert links([4, 1, 1, 2], "decoder") == []  # a noun that is yet to be written
    assert links([], "encoder") == []


def test_decoder_reads_one_step_behind():
    entry = TranslatorEntry(**fields()).to_state()
    assert labels(entry, "encoder") == (S, S)
    assert labels(entry, "decoder") == (T, ["<bos>", *T[:-1]])
    assert labels(entry, "cross") == (T, S)


def test_entries_may_be_mappings():
    first, second = check_entries([fields(), TranslatorEntry(**fields(text="c"))], 2)
    assert (first.text, second.text, first.shape) == ("a b.", "c", (LAYERS, HEADS))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": " "}, "text must be a string that is not blank, got ' '"),
        ({"translation": None}, "translation must be a string, got None"),
        ({"source": "abc"}, "source must be a sequence of strings, got 'abc'"),
        ({"target": T[:3]}, "probabilities must be one per target token, 3, got 4"),
        (
            {"probabilities": [0, 0, 0, 2]},
            r"probabilities\[3\] must be a number from 0 to 1, got 2",
        ),
        ({"cross": fields()["cross"].swapaxes(2, 3)}, "cross must have a row per query .* 4 x 5"),
        ({"decoder": fields()["decoder"][:1]}, r"as many layers and heads, .*'decoder': \(1, 3\)"),
        ({"rivals": [[]]}, "rivals must be one list per target token, 4, got 1"),
        ({"rivals": [[("a", 0.1)] * 5, [], [], []]}, r"rivals\[0\] must hold at most 4, got 5"),
        ({"rivals": [[], [], ["ab c"], []]}, r"rivals\[2\] must hold pairs .*, got \['ab c'\]"),
        ({"referent": (0, 1, 2)}, r"two or four positions, got \(0, 1, 2\)"),
        ({"referent": (0, 5)}, "referent's source_noun must be a whole number from 0 to 4, got 5"),
        ({"referent": (0, 1, 4, 1)}, "referent's target_pronoun must be .* 0 to 3, got 4"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        TranslatorEntry(**fields(**change))


def test_lists_of_entries_are_checked():
    other = fields(text="c") | {
        kind: fields()[kind][:1] for kind in ("encoder", "decoder", "cross")
    }
    for given, message in [
        ([], r"entries must be 1 to 2 in a sequence, got \[\]"),
        ([fields()] * 3, "entries must be 1 to 2 in a sequence"),
        ([{"text": "a"}], "TranslatorEntry or its fields, got .*missing"),
        ([3], "TranslatorEntry or its fields"),
        ([fields(), fields()], "different texts, got 'a b.' twice"),
        ([fields(), other], r"share \(layers, heads\), got \[\(1, 3\), \(2, 3\)\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            check_entries(given, 2)
