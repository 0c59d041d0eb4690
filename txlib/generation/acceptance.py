"""Speculative sampling's rule: which drafted tokens stand, and what is drawn after them."""

import torch
from torch import Tensor


def acceptance_rate(target: Tensor, draft: Tensor) -> Tensor:
    r"""How likely a token that the draft draws is accepted: $\beta = \sum_x \min(p(x), q(x))$.

    Source: Leviathan et al. 2023, section 3.2; chapter 8.

    Args:
        target: (..., V), p: the probabilities to be drawn from in the end.
        draft: (..., V), q: those that the draft draws from.

    Returns:
        (...), in [0, 1]; 1 where the two are the same, 0 where no token is possible in both.
    """
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
    """
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
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be in [0, 1], got {rate}")
    if num_draft_tokens < 0:
        raise ValueError(f"num_draft_tokens must be at least 0, got {num_draft_tokens}")
    return sum(rate**i for i in range(num_draft_tokens + 1))


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
    """
    B, K = drafted.shape
    chosen = drafted[..., None]
    ratio = (target[:, :K].gather(-1, chosen) / draft.gather(-1, chosen)).squeeze(-1)  # (B, K)
    dice = torch.rand((B, K), generator=generator, device=ratio.device)
    accepted = (dice < ratio).long().cumprod(dim=1).sum(dim=1)
    # after the whole draft there is no q: against 0 the corrected distribution is p itself
    q = torch.cat((draft, torch.zeros_like(target[:, :1])), dim=1)
    row = torch.arange(B, device=accepted.device)
    follows = corrected_distribution(target[row, accepted], q[row, accepted])
    return accepted, torch.multinomial(follows, 1, generator=generator).squeeze(1)
