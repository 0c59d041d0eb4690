import random
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch

from txlib.data.grammar import generate
from txlib.metrics import (
    alignment_error_rate,
    diagonal_alignment,
    expected_alignment_error_rate,
    hard_alignment,
)

HEATMAP = [[0.7, 0.1, 0.1, 0.1], [0.0, 0.2, 0.5, 0.3], [0.0, 0.4, 0.4, 0.2]]  # (3, 4)
GOLD = {(0, 0), (1, 2), (2, 3), (2, 1), (0, 1)}
COUNT, T_Q, T_K = 5, 3, 4


@pytest.fixture
def pairs():
    return generate("test", 50)


def random_links(rng, T_q=T_Q, T_k=T_K):
    return {(q, k) for q in range(T_q) for k in range(T_k) if rng.random() < 0.4}


def random_weights(T_q, T_k, seed):
    return np.random.default_rng(seed).dirichlet(np.ones(T_k), size=T_q)


def brute_force(predicted, gold, possible):
    """The definition over one pile of links, each with the number of its sentence."""

    def pile(corpus):
        return {(i, *link) for i, links in enumerate(corpus) for link in links}

    a, s, p = pile(predicted), pile(gold), pile(gold) | pile(possible)
    right = len([x for x in a if x in s]) + len([x for x in a if x in p])
    return 1 - Fraction(right, len(a) + len(s))


def test_hard_alignment_by_hand():
    assert hard_alignment(HEATMAP) == {(0, 0), (1, 2), (2, 1)}  # of two equal keys the first


def test_error_rate_by_hand():
    predicted = hard_alignment(HEATMAP)
    assert alignment_error_rate([predicted], [GOLD]) == pytest.approx(1 - 6 / 8)
    sure, possible = {(1, 2), (2, 3)}, {(0, 0), (1, 1)}  # of 3 links 1 is sure, 2 are possible
    assert alignment_error_rate([predicted], [sure], [possible]) == pytest.approx(1 - 3 / 5)


def test_sentences_are_pooled_not_averaged():
    predicted, gold = [{(0, 0)}, {(0, 1), (1, 1), (2, 2)}], [{(0, 0)}, {(0, 0), (1, 0), (2, 2)}]
    assert alignment_error_rate(predicted, gold) == pytest.approx(1 - 4 / 8)


def test_expected_error_rate_by_hand():
    hits = 0.7 + 0.1 + 0.5 + 0.2 + 0.4  # the weights that lie on the five gold links
    assert expected_alignment_error_rate([HEATMAP], [GOLD]) == pytest.approx(1 - 2 * hits / 8)


@pytest.mark.parametrize(
    ("T_q", "T_k", "keys"),
    [
        (4, 4, [0, 1, 2, 3]),
        (3, 5, [0, 2, 4]),
        (5, 3, [0, 1, 1, 2, 2]),  # 0, 0.5, 1, 1.5, 2: halves go up
        (4, 6, [0, 2, 3, 5]),  # 0, 5/3, 10/3, 5
        (1, 7, [0]),
        (3, 1, [0, 0, 0]),
    ],
)
def test_diagonal_by_hand(T_q, T_k, keys):
    assert diagonal_alignment(T_q, T_k) == set(enumerate(keys))


@pytest.mark.parametrize("seed", range(5))
def test_error_rate_agrees_with_brute_force(seed):
    rng = random.Random(seed)
    a, s, p = ([random_links(rng) for _ in range(COUNT)] for _ in range(3))
    assert alignment_error_rate(a, s) == pytest.approx(float(brute_force(a, s, s)))
    assert alignment_error_rate(a, s, p) == pytest.approx(float(brute_force(a, s, p)))


@pytest.mark.parametrize("with_possible", [False, True])
def test_expected_error_rate_is_the_average_over_all_draws(with_possible):
    rng = random.Random(1)
    shapes = [(2, 3), (3, 2)]
    weights = [random_weights(*shape, seed) for seed, shape in enumerate(shapes)]
    gold = [random_links(rng, *shape) for shape in shapes]
    possible = [random_links(rng, *shape) for shape in shapes] if with_possible else None
    average = total = 0.0
    for keys in product(range(3), range(3), range(2), range(2), range(2)):
        drawn = [set(enumerate(keys[:2])), set(enumerate(keys[2:]))]
        chance = np.prod([w[link] for w, a in zip(weights, drawn, strict=True) for link in a])
        average += chance * alignment_error_rate(drawn, gold, possible)
        total += chance
    assert total == pytest.approx(1)
    assert expected_alignment_error_rate(weights, gold, possible) == pytest.approx(average)


def test_one_hot_weights_expect_what_their_hard_alignment_has():
    rng = random.Random(2)
    keys = [[rng.randrange(T_K) for _ in range(T_Q)] for _ in range(COUNT)]
    weights = [np.eye(T_K)[row] for row in keys]
    gold = [random_links(rng) for _ in range(COUNT)]
    hard = [hard_alignment(matrix) for matrix in weights]
    assert hard == [set(enumerate(row)) for row in keys]
    expected = expected_alignment_error_rate(weights, gold)
    assert expected == pytest.approx(alignment_error_rate(hard, gold))


def test_uniform_guesser_has_an_exact_value():
    gold = [{(0, 0), (1, 2)}, {(0, 1), (1, 1), (2, 0), (3, 0)}]
    weights = [np.full((2, 3), 1 / 3), np.full((4, 2), 1 / 2)]
    hits = 2 / 3 + 4 / 2
    assert expected_alignment_error_rate(weights, gold) == pytest.approx(1 - 2 * hits / (6 + 6))


def test_perfect_is_zero_and_disjoint_is_one():
    gold = [{(0, 1), (1, 0)}, {(2, 2)}]
    wrong = [{(0, 0)}, {(2, 1), (1, 2)}]
    assert alignment_error_rate(gold, gold) == 0.0
    assert alignment_error_rate(wrong, gold) == 1.0
    assert alignment_error_rate([set(), set()], gold) == 1.0
    assert alignment_error_rate(wrong, [set(), set()], wrong) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_link_more_never_lowers_the_rate_and_a_right_one_never_raises_it(seed):
    rng = random.Random(seed)
    a, s = ([random_links(rng) for _ in range(COUNT)] for _ in range(2))
    before = alignment_error_rate(a, s)
    for q, k in product(range(T_Q), range(T_K)):
        after = alignment_error_rate([a[0] | {(q, k)}, *a[1:]], s)
        assert after <= before if (q, k) in s[0] else after >= before


@pytest.mark.parametrize("T_q", [1, 2, 3, 8, 13])
@pytest.mark.parametrize("T_k", [1, 2, 5, 9])
def test_diagonal_goes_from_corner_to_corner_and_never_back(T_q, T_k):
    links = sorted(diagonal_alignment(T_q, T_k))
    keys = [key for _, key in links]
    assert [query for query, _ in links] == list(range(T_q))
    assert keys == sorted(keys)
    assert keys[0] == 0
    assert T_q == 1 or keys[-1] == T_k - 1


def test_on_the_grammar(pairs):
    gold = [pair.alignment for pair in pairs]
    sizes = [(len(pair.target), len(pair.source)) for pair in pairs]
    diagonal = alignment_error_rate([diagonal_alignment(*size) for size in sizes], gold)
    uniform = expected_alignment_error_rate([np.full(s, 1 / s[1]) for s in sizes], gold)
    assert alignment_error_rate(gold, gold) == 0.0
    assert 0.1 < diagonal < 0.5 < uniform < 1.0


def test_zero_rows_draw_no_link():
    weights = [[0.25, 0.75, 0.0], [0.0, 0.0, 0.0], [0.0, 0.5, 0.5]]
    assert hard_alignment(weights) == {(0, 1), (2, 1)}
    expected = expected_alignment_error_rate([weights], [{(0, 1), (1, 1)}])
    assert expected == pytest.approx(1 - 2 * 0.75 / (2 + 2))


def test_a_key_beyond_the_words_takes_weight_from_the_gold():
    gold = [{(0, 0), (1, 1)}]
    assert expected_alignment_error_rate([np.full((2, 3), 1 / 3)], gold) == pytest.approx(2 / 3)
    assert hard_alignment([[0.1, 0.2, 0.7]]) == {(0, 2)}


@pytest.mark.parametrize(
    "convert",
    [
        lambda rows: rows,
        tuple,
        np.float32,
        lambda rows: torch.tensor(rows, requires_grad=True),
        lambda rows: torch.tensor(rows).half(),
        lambda rows: torch.tensor(rows).bfloat16(),
    ],
    ids=["list", "tuple", "numpy", "with gradient", "fp16", "bf16"],
)
def test_whatever_holds_the_weights(convert):
    weights = convert(HEATMAP)
    assert hard_alignment(weights) == {(0, 0), (1, 2), (2, 1)}
    expected = expected_alignment_error_rate([weights], [GOLD])
    assert expected == pytest.approx(1 - 2 * 1.9 / 8, abs=2e-3)
    assert isinstance(expected, float)


def test_softmax_in_bfloat16_is_a_distribution():
    weights = torch.randn(40, 300, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert len(hard_alignment(weights.softmax(dim=-1))) == 40


def test_a_row_that_misses_one_by_rounding_is_divided_by_its_sum():
    assert expected_alignment_error_rate([[[0.502, 0.502]]], [{(0, 0), (0, 1)}]) == 1 - 2 / 3


def test_inputs_are_left_as_they_were():
    weights = np.array([[1.004, 0.0], [0.0, 0.0]])
    kept, gold = weights.copy(), [{(0, 0)}]
    expected_alignment_error_rate([weights], gold, [{(1, 1)}])
    np.testing.assert_array_equal(weights, kept)
    assert gold == [{(0, 0)}]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, 0.5], r"must be a matrix \(T_q, T_k\), got shape \(2,\)"),
        (np.ones((1, 1, 1)), r"must be a matrix \(T_q, T_k\), got shape \(1, 1, 1\)"),
        (np.ones((0, 3)), r"must be a matrix \(T_q, T_k\), got shape \(0, 3\)"),
        ([[1.5, -0.5]], "must not be negative or NaN, got -0.5"),
        ([[1.0, float("nan")]], "must not be negative or NaN, got nan"),
        ([[1.0, 0.0], [0.5, 0.3]], "must sum to 1, or be zero, got 0.8 in row 1"),
    ],
)
def test_errors_of_weights(weights, message):
    with pytest.raises(ValueError, match="weights " + message):
        hard_alignment(weights)
    name = r"weights\[1\] "
    with pytest.raises(ValueError, match=name + message):
        expected_alignment_error_rate([[[1.0]], weights], [{(0, 0)}, {(0, 0)}])


@pytest.mark.parametrize(
    ("rate", "name", "one"),
    [
        (alignment_error_rate, "predicted", {(0, 0)}),
        (expected_alignment_error_rate, "weights", [[1.0]]),
    ],
)
def test_errors_of_corpora(rate, name, one):
    link = {(0, 0)}
    with pytest.raises(ValueError, match=f"{name} must hold at least one sentence, got \\[\\]"):
        rate([], [])
    with pytest.raises(ValueError, match=f"{name} and gold must be equal in number, got 1 and 2"):
        rate([one], [link, link])
    with pytest.raises(ValueError, match=f"{name} and possible must be equal in number, got 1 and"):
        rate([one], [link], [])
    with pytest.raises(ValueError, match="gold must be a sequence with a set for each sentence"):
        rate([one], link)
    with pytest.raises(ValueError, match=r"positions in gold must be at least 0, got \(0, -1\)"):
        rate([one], [{(0, -1)}])
    with pytest.raises(ValueError, match=r"positions in possible must be .* got \(-2, 0\)"):
        rate([one], [link], [{(-2, 0)}])


def test_errors_of_links():
    with pytest.raises(ValueError, match=r"positions in predicted must be .* got \(-1, 0\)"):
        alignment_error_rate([{(-1, 0)}], [{(0, 0)}])
    with pytest.raises(ValueError, match="predicted and gold must hold at least one link"):
        alignment_error_rate([set()], [set()])
    with pytest.raises(ValueError, match="weights and gold must hold at least one link"):
        expected_alignment_error_rate([[[0.0]]], [set()])
    for link in [(2, 0), (0, 3)]:
        with pytest.raises(ValueError, match=r"weights\[0\] of shape \(2, 3\), got \("):
            expected_alignment_error_rate([np.full((2, 3), 1 / 3)], [{link}])


@pytest.mark.parametrize(("sizes", "message"), [((0, 3), "T_q"), ((3, 0), "T_k")])
def test_errors_of_the_diagonal(sizes, message):
    with pytest.raises(ValueError, match=f"{message} must be at least 1, got 0"):
        diagonal_alignment(*sizes)
