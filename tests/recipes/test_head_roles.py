import pytest
import torch

from txlib.capture import capture_weights
from txlib.data import grammar
from txlib.data.batching import make_batch
from txlib.recipes.head_roles import LOOKS, PATTERNS, head_roles, head_weights
from txlib.recipes.translation_data import Corpus
from txlib.recipes.translator import new_translator

H = 3
PAIRS = [grammar.animal_and_street("wide"), *grammar.generate("test", 4, max_length=9)]


def translator_for(kind, pairs, **options):
    text = [(grammar.detokenize(p.source), grammar.detokenize(p.target)) for p in pairs]
    corpus = Corpus(name="few", text="", lowercase=False, splits={"train": text}, edges=())
    return new_translator(kind, corpus, options)


@pytest.fixture
def translator():
    return translator_for("attention_only", PAIRS, d_model=12, num_heads=H, positions="sinusoidal")


def test_weights_are_the_rows_that_write_words_and_all_that_they_see(translator):
    found = head_weights(translator, PAIRS)
    for i, pair in enumerate(PAIRS):
        T_s, T_t = len(pair.source), len(pair.target)
        shapes = {
            "encoder": (H, T_s, T_s + 1),
            "decoder": (H, T_t, T_t),
            "cross": (H, T_t, T_s + 1),
        }
        assert {look: tuple(found[look][i].shape) for look in LOOKS} == shapes
        for look in LOOKS:
            torch.testing.assert_close(found[look][i].sum(dim=-1), torch.ones(shapes[look][:2]))


def test_weights_are_those_of_the_model(translator):
    (encoded,) = translator.encode_pairs(
        [(grammar.detokenize(PAIRS[1].source), grammar.detokenize(PAIRS[1].target))]
    )
    batch = make_batch([encoded])
    with capture_weights(translator.model.eval()) as captured:
        translator.model(batch.source, batch.source_mask, batch.target_in)
    for look, weights in head_weights(translator, PAIRS[1:2]).items():
        whole = captured[LOOKS[look]][0][0]
        torch.testing.assert_close(
            weights[0], whole[:, : weights[0].shape[1], : weights[0].shape[2]]
        )


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
        for look in LOOKS.values():
            translator.model.get_submodule(look).q_proj.weight.zero_()
    for roles in head_roles(translator, PAIRS).values():
        assert roles["spread"] == pytest.approx([1.0] * H)
        for name, scores in roles["scores"].items():
            assert scores == pytest.approx([roles["chance"][name]] * H)


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
    with pytest.raises(ValueError, match="must be 'attention_only' on words, got 'lstm' on 'word'"):
        head_weights(translator_for("lstm", PAIRS, d_embedding=4, hidden_size=4), PAIRS)
