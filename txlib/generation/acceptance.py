"""Speculative sampling's rule: which drafted tokens stand, and what is drawn after them."""

import math

import torch
from torch import Tensor

from txlib.checks import check_ids, check_number, check_tensor, check_whole, shown
from txlib.generation.checks import check_generator

ROUNDING = 1e-2  # a row of bfloat16 probabilities misses 1 by a few thousandths


def acceptance_rate(target: Tensor, draft: Tensor) -> Tensor:
    r"""How likely a token that the draft draws is accepted: $\beta = \sum_x \min(p(x), q(x))$.

    Source: Leviathan et al. 2023, section 3.2; chapter 8.

    Args:
        target: (..., V), p: the probabilities to be drawn from in the end.
        draft: (..., V), q: those that the draft draws from.

    Returns:
        (...), in [0, 1]; 1 where the two are the same, 0 where no token is possible in both.

    Raises:
        ValueError: if the two are not distributions of one shape.

    Example:
        >>> target, draft = torch.tensor([0.6, 0.4]), torch.tensor([0.9, 0.1])
        >>> acceptance_rate(target, draft)  # 0.6 + 0.1, where the two agree
        tensor(0.7000)
    """
    _check_distributions(target, draft)
    return torch.minimum(target, draft).sum(dim=-1)


def corrected_distribution(target: Tensor, draft: Tensor) -> Tensor:
    r"""What to draw from in place of a rejected token: $\mathrm{norm}(\max(0, p - q))$.

    It makes up for what acceptance leaves out: tokens that the draft draws too rarely. Source:
    Leviathan et al. 2023, section 2.3 and appendix A.1; Chen et al. 2023, "modified rejection
    sampling".

    Args:
        target: (..., V), p.
        draft: (..., V), q.

    Returns:
        (..., V). Each row sums to 1; where p = q, and nothing is ever rejected, it is p.

    Raises:
        ValueError: if the two are not distributions of one shape.

    Example:
        >>> target, draft = torch.tensor([0.6, 0.4]), torch.tensor([0.9, 0.1])
        >>> corrected_distribution(target, draft)  # what the draft gives too seldom
        tensor([0., 1.])
    """
    _check_distributions(target, draft)
    return _corrected(target, draft)


def _corrected(target: Tensor, draft: Tensor) -> Tensor:
    missing = (target - draft).clamp(min=0.0)
    total = missing.sum(dim=-1, keepdim=True)
    return torch.where(total > 0, missing / total, target)


def expected_tokens(rate: float, num_draft_tokens: int) -> float:
    r"""Mean tokens for each call of the target: $(1 - \alpha^{\gamma+1}) / (1 - \alpha)$.

    Source: Leviathan et al. 2023, equation 1, for drafts whose tokens are accepted independently.

    Args:
        rate: $\alpha$, the mean of `acceptance_rate`, in [0, 1].
        num_draft_tokens: $\gamma$, at least 0.

    Returns:
        At least 1, at most $\gamma + 1$.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> expected_tokens(0.5, 2)  # 1 + 0.5 + 0.25
        1.75
    """
    check_number("rate", rate)
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be in [0, 1], got {rate}")
    check_whole("num_draft_tokens", num_draft_tokens, least=0)
    if rate in (0, 1):
        return 1.0 + rate * num_draft_tokens
    return math.expm1((num_draft_tokens + 1) * math.log(rate)) / (rate - 1)


def verify_draft(
    target: Tensor, draft: Tensor, drafted: Tensor, *, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    r"""Accept a beginning of each row's draft, and draw the one token that follows it.

    Token x is accepted with probability $\min(1, p(x) / q(x))$; the first rejected one is replaced
    by a draw from the corrected distribution, and after a draft without rejection the target's
    last distribution gives a token for nothing. What comes out is distributed as if the target
    alone had drawn it. Source: Leviathan et al. 2023, algorithm 1; Chen et al. 2023, algorithm 2.

    Args:
        target: (B, K + 1, V), p before each drafted token and after the last.
        draft: (B, K, V), q that each drafted token was drawn from.
        drafted: int64 (B, K), the tokens.
        generator: where the draws come from; PyTorch's own if None.

    Returns:
        How many tokens of each row are accepted, int64 (B,) in 0 ... K, and the one that follows
        them, int64 (B,).

    Raises:
        ValueError: if the shapes do not fit, `target` or `draft` are not distributions, or a token
            was drafted that `draft` never draws.
    """
    check_ids("drafted", drafted, "B", "K")
    check_generator(generator)
    B, K = drafted.shape
    for name, given, rows in (("target", target, K + 1), ("draft", draft, K)):
        check_tensor(name, given)
        if given.ndim != 3 or given.shape[:2] != (B, rows):
            raise ValueError(f"{name} must be (B, {rows}, V) with B = {B}, got {shown(given)}")
    _check_distributions(target[:, :K], draft)
    _check_distributions(target[:, K:], target[:, K:])
    V = draft.shape[-1]
    if drafted.numel() and not (drafted.min() >= 0 and drafted.max() < V):
        raise ValueError(f"drafted must lie in [0, {V}), got {drafted.aminmax()}")
    if not draft.gather(-1, drafted.long()[..., None]).gt(0).all():
        raise ValueError("drafted must be tokens that draft may draw, got one of probability 0")
    return settle_draft(target, draft, drafted, generator=generator)


def settle_draft(
    target: Tensor, draft: Tensor, drafted: Tensor, *, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """`verify_draft` without its checks, some of which must wait for the device."""
    B, K = drafted.shape
    chosen = drafted.long()[..., None]
    ratio = (target[:, :K].gather(-1, chosen) / draft.gather(-1, chosen)).squeeze(-1)  # (B, K)
    dice = torch.rand((B, K), generator=generator, device=ratio.device)
    accepted = (dice < ratio).long().cumprod(dim=1).sum(dim=1)
    # after the whole draft there is no q: against 0 the corrected distribution is p itself
    q = torch.cat((draft, torch.zeros_like(target[:, :1])), dim=1)
    row = torch.arange(B, device=accepted.device)
    follows = _corrected(target[row, accepted], q[row, accepted])
    return accepted, torch.multinomial(follows, 1, generator=generator).squeeze(1)


def _check_distributions(target: Tensor, draft: Tensor) -> None:
    for name, given in (("target", target), ("draft", draft)):
        check_tensor(name, given)
        if not given.is_floating_point() or not given.ndim or not given.shape[-1]:
            raise ValueError(f"{name} must be probabilities (..., V), got {shown(given)}")
    if target.shape != draft.shape:
        raise ValueError(
            f"target and draft must have one shape, got {shown(target)} and {shown(draft)}"
        )
    for name, given in (("target", target), ("draft", draft)):
        off = (given.float().sum(dim=-1) - 1).abs() > ROUNDING
        if not (given >= 0).all() or off.any():
            raise ValueError(
                f"{name} must be probabilities that sum to 1 over V, got rows that do not"
            )
