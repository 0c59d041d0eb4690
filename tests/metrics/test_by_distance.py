import numpy as np
import pytest
import torch

from txlib.metrics import share_by_distance

T = 7


def of_distance(values):
    places = torch.arange(T)
    return values[places - places[:, None] + T - 1]


def test_by_hand():
    """Two rows disagree about distance 0 against -1: 2 in one, 1 in the other.

    The only key at distance -2 has its own number, so the best fit says 1.5 to both, and each row
    of two is off by half: (1/2)² / 2 a row.
    """
    scores = torch.tensor([[5.0, 9, 9], [0, 2, 9], [4, 0, 1]])
    total = 2 * 1**2 + (4 - 5 / 3) ** 2 + (5 / 3) ** 2 + (2 / 3) ** 2
    left = 2 * 0.5**2 / 2
    assert share_by_distance(scores, is_causal=True) == pytest.approx(1 - left / total)


@pytest.mark.parametrize("is_causal", [False, True])
def test_distance_and_a_number_per_query_are_explained(is_causal):
    torch.manual_seed(0)
    scores = of_distance(torch.randn(2 * T - 1)) + torch.randn(T, 1)
    assert share_by_distance(scores, is_causal=is_causal) == pytest.approx(1)


def test_a_number_per_key_is_not_a_matter_of_distance():
    scores = torch.zeros(T, T)
    scores[:, 3] = 1.0
    assert share_by_distance(scores) < 0.7


def test_agrees_with_numpy_on_noise():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(T, T))
    i, j = np.indices((T, T))
    query = np.stack([(i == n).ravel() for n in range(T)], 1).astype(float)
    distance = np.stack([(j - i == n).ravel() for n in range(1 - T, T)], 1).astype(float)

    def error(known):
        projected = known @ np.linalg.pinv(known) @ scores.ravel()
        return ((scores.ravel() - projected) ** 2).sum()

    expected = 1 - error(np.hstack([query, distance])) / error(query)
    assert share_by_distance(torch.from_numpy(scores)) == pytest.approx(expected)


def test_what_a_causal_table_holds_above_the_diagonal_does_not_count():
    torch.manual_seed(2)
    scores = torch.randn(T, T)
    other = scores.masked_fill(torch.ones(T, T).triu(1).bool(), -torch.inf)
    assert share_by_distance(other, is_causal=True) == share_by_distance(scores, is_causal=True)
    assert share_by_distance(scores) != share_by_distance(scores, is_causal=True)


def test_takes_gradients_and_low_precision():
    scores = of_distance(torch.arange(2.0 * T - 1)).bfloat16().requires_grad_()
    assert share_by_distance(scores) == pytest.approx(1)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (torch.zeros(3, 4), r"\(T, T\) with T at least 3, got \(3, 4\)"),
        (torch.zeros(2, 2), r"got \(2, 2\)"),
        (torch.zeros(3), r"got \(3,\)"),
        (torch.full((3, 3), torch.nan), "finite"),
        (torch.arange(3.0)[:, None].expand(3, 3), "differ between the keys"),
    ],
)
def test_what_is_no_table_of_scores(scores, message):
    with pytest.raises(ValueError, match=message):
        share_by_distance(scores)
