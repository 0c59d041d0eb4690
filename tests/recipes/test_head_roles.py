import copy

import pytest
import torch

from txlib.capture import capture_weights
from txlib.data import grammar
from txlib.data.batching import make_batch
from txlib.recipes.head_roles import (
    LOOKS,
    PATTERNS,
    head_roles,
    head_weights,
    look_modules,
    silenced,
)
from txlib.recipes.translation_data import Corpus
from txlib.recipes.translator import new_translator

H = 3
PAIRS = [grammar.animal_and_street("wide"), *grammar.generate("test", 4, max_length=9)]


def translator_for(kind, pairs, **options):
    text = [(grammar.detokenize(p.source), grammar.detokenize(p.target)) for p in pairs]
    corpus = Corpus(name="few", text="", lowercase=False, splits={"train": text}, edges=())
    return new_translator(kind, corpus, options)


KINDS = {  # and how many heads each look has in all
    "attention_only": ({"d_model": 12, "num_heads": H, "positions": "sinusoidal"}, H),
    "transformer": ({"d_model": 12, "num_heads": H, "num_layers": 2}, 2 * H),
}


@pytest.fixture(params=KINDS)
def translator(request):
    options, _ = KINDS[request.param]
    return translator_for(request.param, PAIRS, **options)


def test_weights_are_the_rows_that_write_words_and_all_that_they_see(translator):
    found, heads = head_weights(translator, PAIRS), KINDS[translator.kind][1]
    for i, pair in enumerate(PAIRS):
        T_s, T_t = len(pair.source), len(pair.target)
        shapes = {
            "encoder": (heads, T_s, T_s + 1),
            "decoder": (heads, T_t, T_t),
            "cross": (heads, T_t, T_s + 1),
        }
        assert {look: tuple(found[look][i].shape) for look in LOOKS} == shapes
        for look in LOOKS:
            torch.testing.assert_close(found[look][i].sum(dim=-1), torch.ones(shapes[look][:2]))


def test_weights_are_those_of_the_model_layer_by_layer(translator):
    (encoded,) = translator.encode_pairs(
        [(grammar.detokenize(PAIRS[1].source), grammar.detokenize(PAIRS[1].target))]
    )
    batch = make_batch([encoded])
    with capture_weights(translator.model.eval()) as captured:
        translator.model(batch.source, batch.source_mask, batch.target_in)
    modules = look_modules(translator)
    for look, weights in head_weights(translator, PAIRS[1:2]).items():
        for layer, name in enumerate(modules[look]):
            ours = weights[0][layer * H : (layer + 1) * H]
            whole = captured[name][0][0]
            torch.testing.assert_close(ours, whole[:, : ours.shape[1], : ours.shape[2]])


def test_silenced_heads_are_counted_through_the_layers():
    translator = translator_for("transformer", PAIRS, **KINDS["transformer"][0])
    attention = translator.model.eval().decoder[1].cross_attention
    x = torch.randn(2, 5, 12)
    without = copy.deepcopy(attention)
    with torch.no_grad():
        without.out_proj.weight[:, 4:8] = 0  # head 1 of width 4
        assert not torch.allclose(attention(x), without(x))
        with silenced(translator, [("cross", H + 1)]):
            torch.testing.assert_close(attention(x), without(x))


def test_patterns_by_hand():
    pair = PAIRS[0]  # the animal did not cross the street because it was too wide .
    it, street, end = 8, 6, len(pair.source)
    assert PATTERNS["encoder"]["referent"](pair) == {(it, street)}
    assert (0, end) in PATTERNS["encoder"]["sentence end"](pair)
    assert PATTERNS["cross"]["alignment"](pair) == pair.alignment
    assert PATTERNS["cross"]["sentence end"](pair) == {(q, end) for q in range(len(pair.target))}
    assert (0, 0) not in PATTERNS["decoder"]["sentence start"](pair)  # it has no choice there
    assert PATTERNS["decoder"]["previous word"](pair) >= {(1, 0), (2, 1)}


def test_heads_that_look_everywhere_alike_get_what_chance_says(translator):
    with torch.no_grad():
        for names in look_modules(translator).values():
            for name in names:
                translator.model.get_submodule(name).q_proj.weight.zero_()
    heads = KINDS[translator.kind][1]
    for roles in head_roles(translator, PAIRS).values():
        assert roles["spread"] == pytest.approx([1.0] * heads)
        for name, scores in roles["scores"].items():
            assert scores == pytest.approx([roles["chance"][name]] * heads)


def test_scores_belong_to_their_look(translator):
    roles = head_roles(translator, PAIRS)
    assert {look: set(found["scores"]) for look, found in roles.items()} == {
        look: set(patterns) for look, patterns in PATTERNS.items()
    }
    assert 0 < roles["cross"]["diagonal"] <= 1
    # causal rows of 1, 2, … keys: the word before has a half, a third, … of an even row
    lengths = [len(pair.target) for pair in PAIRS]
    shares = [1 / (t + 1) for length in lengths for t in range(1, length)]
    expected = sum(shares) / len(shares)
    assert roles["decoder"]["chance"]["previous word"] == pytest.approx(expected)


def test_other_translators_are_refused():
    with pytest.raises(ValueError, match=r"must be one of .*'transformer'.*, got 'lstm'"):
        head_weights(translator_for("lstm", PAIRS, d_embedding=4, hidden_size=4), PAIRS)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (("own", 0), r"look must be one of \('encoder', 'decoder', 'cross'\), got 'own'"),
        (("cross", 6), "head must be one of the cross's, got 6"),
        (("cross", -1), "head must be one of the cross's, got -1"),
    ],
)
def test_other_heads_are_refused(head, message):
    translator = translator_for("transformer", PAIRS, **KINDS["transformer"][0])
    with pytest.raises(ValueError, match=message), silenced(translator, [head]):
        pass
