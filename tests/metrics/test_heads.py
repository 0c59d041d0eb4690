import math

import pytest
import torch

from txlib.data import grammar
from txlib.metrics.heads import (
    link_scores,
    offset_links,
    referent_links,
    spread,
    uniform_heads,
)

H, T_Q, T_K = 2, 3, 5


@pytest.fixture
def sentences():
    generator = torch.Generator().manual_seed(0)
    shapes = [(H, T_Q, T_K), (H, 4, 7)]
    return [torch.randn(shape, generator=generator).softmax(dim=-1) for shape in shapes]


def test_link_scores_by_hand():
    first = torch.tensor([[[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], [[0.0, 1.0, 0.0], [0.4, 0.4, 0.2]]])
    second = torch.tensor([[[0.6, 0.4]], [[0.25, 0.75]]])
    links = [{(0, 1), (1, 0), (1, 2)}, {(0, 1)}]  # two links of query 1: its weights add up
    expected = [(0.3 + 0.8 + 0.4) / 3, (1.0 + 0.6 + 0.75) / 3]
    found = link_scores([first, second], links)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_link_scores_agree_with_loops(sentences):
    links = [{(0, 4), (2, 1)}, {(3, 6), (3, 0), (1, 1)}]
    for head, score in enumerate(link_scores(sentences, links).tolist()):
        total, queries = 0.0, set()
        for i, (weights, pattern) in enumerate(zip(sentences, links, strict=True)):
            for query, key in pattern:
                total += float(weights[head, query, key])
                queries.add((i, query))
        assert score == pytest.approx(total / len(queries), rel=1e-6)


def test_sentences_without_links_do_not_count(sentences):
    alone = link_scores(sentences[:1], [{(0, 4)}])
    torch.testing.assert_close(link_scores(sentences, [{(0, 4)}, set()]), alone)


def test_the_uniform_head_gets_its_share():
    weights = [uniform_heads(3, 4), uniform_heads(2, 8)]
    found = link_scores(weights, [{(0, 0)}, {(1, 7), (1, 2)}])
    assert found.tolist() == [pytest.approx((1 / 4 + 2 / 8) / 2)]


@pytest.mark.parametrize(
    ("offset", "links"), [(-1, {(1, 0), (2, 1)}), (0, {(0, 0), (1, 1), (2, 2)})]
)
def test_offset_links(offset, links):
    assert offset_links(3, offset) == links


def test_offset_links_point_ahead_and_can_be_none():
    assert offset_links(3, 1) == {(0, 1), (1, 2)}
    assert offset_links(2, 2) == frozenset()


def test_a_head_that_looks_back_by_one_has_the_previous_token_alone():
    weights = torch.eye(4)[[0, 0, 1, 2]][None]  # query t looks at key t - 1
    assert link_scores([weights], [offset_links(4, -1)]).item() == 1
    assert link_scores([weights], [offset_links(4, 1)]).item() == 0


def test_referent_links_are_those_of_the_grammar():
    pair = grammar.animal_and_street("wide")
    ((pronoun, noun),) = referent_links(pair)
    assert (pair.source[pronoun], pair.source[noun]) == ("it", "street")
    tired = grammar.animal_and_street("tired")
    assert tired.source[max(referent_links(tired))[1]] == "animal"


def test_no_referent_no_link():
    pair = next(p for p in grammar.generate("test", 50) if p.referent is None)
    assert referent_links(pair) == frozenset()


def test_spread_by_hand():
    one_hot, even = torch.eye(4)[:2], torch.full((2, 4), 0.25)
    half = torch.tensor([[0.5, 0.5, 0, 0]]).expand(2, 4)
    found = spread([torch.stack([one_hot, even, half])])
    expected = torch.tensor([0, 1, 0.5], dtype=torch.float64)  # ln 2 is half of ln 4
    torch.testing.assert_close(found, expected)


def test_spread_of_the_uniform_head_is_one_however_long_the_sentence():
    weights = [uniform_heads(2, 3), uniform_heads(5, 7)]
    torch.testing.assert_close(spread(weights), torch.ones(1, dtype=torch.float64))
    causal = [uniform_heads(4, 4, is_causal=True), uniform_heads(2, 6, is_causal=True)]
    torch.testing.assert_close(spread(causal, is_causal=True), torch.ones(1, dtype=torch.float64))
    assert spread(causal) < 1


def test_spread_leaves_out_a_query_without_a_choice():
    weights = torch.tensor([[[1.0, 0, 0], [0.5, 0.5, 0], [1, 0, 0]]])
    assert spread([weights], is_causal=True).item() == pytest.approx(1 / 2)
    assert spread([weights]).item() == pytest.approx(math.log(2) / math.log(3) / 3)


def test_uniform_heads_by_hand():
    expected = torch.tensor([[[1 / 2, 1 / 2, 0], [1 / 3, 1 / 3, 1 / 3]]], dtype=torch.float64)
    torch.testing.assert_close(uniform_heads(2, 3, is_causal=True), expected)
    assert uniform_heads(2, 4).eq(0.25).all()


def test_low_precision_and_graphs_are_taken_as_they_come(sentences):
    weights = [w.bfloat16().requires_grad_() for w in sentences]
    links = [offset_links(3, 0), offset_links(4, 0)]
    found = link_scores(weights, links)
    assert found.dtype == torch.float64
    assert not found.requires_grad
    torch.testing.assert_close(found, link_scores(sentences, links), atol=1e-2, rtol=0)
    assert not spread(weights).requires_grad


def test_one_set_of_links_a_sentence(sentences):
    with pytest.raises(ValueError, match="links must be a set for each sentence: 2, got 1"):
        link_scores(sentences, [{(0, 0)}])


def test_some_link_somewhere(sentences):
    with pytest.raises(ValueError, match="at least one link, got none in 2 sentences"):
        link_scores(sentences, [set(), set()])


@pytest.mark.parametrize("link", [(3, 0), (0, 5), (-1, 0), (0, -1)])
def test_links_lie_within(sentences, link):
    with pytest.raises(ValueError, match=r"links must lie within \(T_q, T_k\) = \(3, 5\), got"):
        link_scores(sentences[:1], [{link}])


@pytest.mark.parametrize("function", [spread, lambda w: link_scores(w, [set()] * len(w))])
@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([], "at least one sentence"),
        ([torch.ones(3, 5)], r"\(H, T_q, T_k\).*\(3, 5\)"),
        ([torch.ones(2, 3, 5), torch.ones(3, 3, 5)], r"one H.*\(2, 3, 5\).*\(3, 3, 5\) at 1"),
        ([torch.ones(0, 3, 5)], r"\(0, 3, 5\)"),
    ],
)
def test_weights_of_another_shape(function, weights, words):
    with pytest.raises(ValueError, match=words):
        function(weights)


def test_someone_must_have_a_choice():
    with pytest.raises(ValueError, match="more than one key, got none"):
        spread([torch.ones(2, 3, 1)])


@pytest.mark.parametrize(("T_q", "T_k", "name"), [(0, 3, "T_q"), (3, 0, "T_k")])
def test_uniform_heads_need_positions(T_q, T_k, name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        uniform_heads(T_q, T_k)


def test_causal_queries_do_not_outnumber_keys():
    with pytest.raises(ValueError, match="must not outnumber the keys, got 4 and 3"):
        uniform_heads(4, 3, is_causal=True)


def test_offset_links_need_positions():
    with pytest.raises(ValueError, match="T must be at least 1, got 0"):
        offset_links(0, 1)
