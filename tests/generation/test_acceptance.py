import math

import pytest
import torch

from txlib.generation import (
    acceptance_rate,
    corrected_distribution,
    expected_tokens,
    verify_draft,
)

TARGET = torch.tensor([0.5, 0.3, 0.15, 0.0, 0.05])
DRAFT = torch.tensor([0.2, 0.2, 0.3, 0.3, 0.0])
WORST = 37.0  # chi-square of at most 8 degrees of freedom lies above it once in 100 000 draws


def chi_square(counts, chances):
    """How far counts are from what was expected; infinite where the impossible happened."""
    if (counts[chances == 0] > 0).any():
        return math.inf
    expected = chances * counts.sum()
    return ((counts - expected).square() / expected)[expected > 0].sum().item()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def one_token(rows, rule):
    """What a rule makes of one token drafted in each row, as counts of each token."""
    draw = generator()
    drafted = torch.multinomial(DRAFT, rows, replacement=True, generator=draw)
    return torch.bincount(rule(drafted, draw), minlength=len(TARGET)).double()


def exact(drafted, draw):
    rows = len(drafted)
    target, draft = TARGET.expand(rows, 2, -1), DRAFT.expand(rows, 1, -1)
    accepted, follows = verify_draft(target, draft, drafted[:, None], generator=draw)
    return torch.where(accepted == 1, drafted, follows)


def without_correction(drafted, draw):
    """A rejected token is replaced by a draw from the target's own distribution."""
    ratio = TARGET[drafted] / DRAFT[drafted]
    again = torch.multinomial(TARGET, len(drafted), replacement=True, generator=draw)
    return torch.where(torch.rand(len(drafted), generator=draw) < ratio, drafted, again)


def agreeing(drafted, draw):
    """A token is accepted if it is the target's likeliest."""
    again = torch.multinomial(TARGET, len(drafted), replacement=True, generator=draw)
    return torch.where(drafted == TARGET.argmax(), drafted, again)


def test_rate_and_correction_by_hand():
    torch.testing.assert_close(acceptance_rate(TARGET, DRAFT), torch.tensor(0.55))
    missing = torch.tensor([0.3, 0.1, 0.0, 0.0, 0.05]) / 0.45
    torch.testing.assert_close(corrected_distribution(TARGET, DRAFT), missing)


def test_expected_tokens_by_hand():
    assert expected_tokens(0.5, 3) == 1 + 0.5 + 0.25 + 0.125
    assert expected_tokens(0.8, 4) == pytest.approx((1 - 0.8**5) / (1 - 0.8))
    assert expected_tokens(0, 4) == 1
    assert expected_tokens(1, 4) == 5


def test_acceptance_and_correction_together_are_the_target():
    """min(p, q) + (1 - beta) norm(max(0, p - q)) = p, for any p and q."""
    p, q = (torch.randn(7, 11, dtype=torch.float64).mul(2).softmax(dim=-1) for _ in range(2))
    rejected = 1 - acceptance_rate(p, q)[:, None]
    together = torch.minimum(p, q) + rejected * corrected_distribution(p, q)
    torch.testing.assert_close(together, p)


def test_equal_distributions_reject_nothing_and_stay_finite():
    p = torch.randn(200, 3, 5).softmax(dim=-1)
    assert corrected_distribution(p, p).equal(p)
    drafted = torch.multinomial(p[:, :2].flatten(0, 1), 1).view(200, 2)
    accepted, follows = verify_draft(p, p[:, :2], drafted)
    assert accepted.eq(2).all()
    assert follows.unique().tolist() == list(range(5))


def test_distributions_apart_reject_everything():
    p, q = torch.tensor([0.6, 0.4, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.5, 0.5])
    assert acceptance_rate(p, q) == 0
    drafted = torch.tensor([[2, 3]]).expand(50, -1)
    accepted, follows = verify_draft(p.expand(50, 3, 4), q.expand(50, 2, 4), drafted)
    assert accepted.eq(0).all()
    assert follows.lt(2).all()


def test_accepted_are_a_beginning():
    """Nothing after a rejection counts, however likely the target finds it."""
    sure = torch.eye(3)
    target = sure[[0, 1, 2, 0]].expand(4, -1, -1)  # the target writes 0, 1, 2, 0
    drafted = torch.tensor([[0, 1, 2], [0, 1, 1], [0, 0, 2], [1, 1, 2]])
    accepted, follows = verify_draft(target, sure[drafted], drafted)
    assert accepted.tolist() == [3, 2, 1, 0]
    assert follows.tolist() == [0, 2, 1, 0]


def test_one_token_is_drawn_from_the_target():
    assert chi_square(one_token(40_000, exact), TARGET) < WORST


@pytest.mark.parametrize("rule", [without_correction, agreeing])
def test_a_naive_rule_is_told_apart(rule):
    assert chi_square(one_token(40_000, rule), TARGET) > 10 * WORST


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-0.1, 4), r"rate must be in \[0, 1\], got -0.1"),
        ((1.5, 4), r"rate must be in \[0, 1\], got 1.5"),
        ((0.5, -1), "num_draft_tokens must be at least 0, got -1"),
    ],
)
def test_expected_tokens_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        expected_tokens(*arguments)
