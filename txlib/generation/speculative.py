"""Speculative decoding: a small model drafts, a large one checks the whole draft in one call."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from txlib.checks import check_ids, check_whole, shown
from txlib.generation.acceptance import settle_draft
from txlib.generation.checks import check_generator
from txlib.generation.greedy import evaluating
from txlib.generation.sampling import check_choices, probabilities

if TYPE_CHECKING:  # models import generation
    from txlib.attention import KVCache
    from txlib.models import GPT


@dataclass(frozen=True)
class SpeculativeResult:
    """What a draft and a target wrote together, and what it took.

    Attributes:
        tokens: int64 (B, T_new), the new tokens, as from `GPT.generate`.
        drafted: int64 (B,), tokens that the draft proposed.
        accepted: int64 (B,), those of them that are in `tokens`.
        target_calls: int64 (B,), how often the target was called while the row was not done. Each
            call adds one token of its own to the accepted ones, unless the row ends with those.
    """

    tokens: Tensor
    drafted: Tensor
    accepted: Tensor
    target_calls: Tensor


def speculative_generate(
    target: GPT,
    draft: GPT,
    tokens: Tensor,
    *,
    max_new_tokens: int,
    num_draft_tokens: int = 4,
    eos_id: int | None = None,
    pad_id: int = 0,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> SpeculativeResult:
    """Write on as `target` would, with fewer calls of it: `draft` guesses, `target` checks.

    Exact: at temperature 0 the tokens are those of `target.generate`, rounding apart; above, their
    distribution is the one that it draws from. Both models keep caches, which are rolled back to
    what was accepted, in each row by itself; a row that is done leaves the batch. Runs without
    gradients and without dropout; the training modes are left as they were.

    Source: Leviathan et al. 2023; Chen et al. 2023; chapter 8.

    Args:
        target: the model whose tokens are wanted.
        draft: a cheaper one with the same vocabulary and without a window; of any size and kind
            otherwise.
        tokens: int64 (B, T), what is there already, T at least 1; no padding.
        max_new_tokens: where to stop rows that have not ended, at least 1.
        num_draft_tokens: how many to guess before each call of the target, at least 1; fewer where
            a row nears its end.
        eos_id: ends a row; None goes on to the end.
        pad_id: fills a row that has ended.
        temperature: as in `next_token_probabilities`, for both models; 0 is greedy.
        top_k: as there.
        top_p: as there.
        generator: where the draws come from, on the device of `tokens`; PyTorch's own if None.

    Returns:
        The new tokens, and what they took.

    Raises:
        ValueError: if an argument is out of its range, the vocabularies differ, `draft` has a
            window, or all tokens together are more than learned positions of either model reach.
    """
    _check(target, draft, tokens, max_new_tokens, num_draft_tokens)
    _check_ids_and_draws(eos_id, pad_id, target.config.vocab_size, generator)
    check_choices(temperature, top_k, top_p)
    B, T = tokens.shape
    end, device = T + max_new_tokens, tokens.device
    room = min(_reach(target), _reach(draft), end + num_draft_tokens)  # rows may draft past the end
    written = torch.full((B, room + 1), pad_id, device=device)
    written[:, :T] = tokens
    lengths = torch.full((B,), T, device=device)
    drafted, accepted, calls = (torch.zeros_like(lengths) for _ in range(3))
    rows = torch.arange(B, device=device)  # those that are not done

    def chances(logits: Tensor) -> Tensor:
        return probabilities(logits, temperature, top_k, top_p)

    with evaluating(target), evaluating(draft):
        checker, guesser = (_Reader(model, B, T, room) for model in (target, draft))
        while len(rows):
            ends, so_far = lengths[rows, None], written[rows]
            first, last = int(ends.min()), int(ends.max())
            K = min(num_draft_tokens, end - 1 - first, room - last)
            guesses, q = _guess(guesser, so_far, ends, K, chances, generator)
            new = torch.cat((checker.unread(so_far, ends), guesses), dim=1)
            p = chances(checker.read(new, last=K + 1))  # (N, K + 1, V)
            stands, follows = settle_draft(p, q, guesses, generator=generator)

            place = torch.arange(K + 1, device=device)
            block = torch.cat((guesses, follows[:, None]), dim=1)
            block = torch.where(place < stands[:, None], block, follows[:, None])  # (N, K + 1)
            stops = block == (-1 if eos_id is None else eos_id)
            first_stop = torch.where(stops, place, K + 1).amin(dim=1)
            count = (torch.minimum(stands, first_stop) + 1).minimum(end - ends[:, 0])
            written[rows[:, None], ends + place] = block.masked_fill(
                place >= count[:, None], pad_id
            )
            lengths[rows] += count
            drafted[rows] += K
            accepted[rows] += torch.minimum(stands, count)
            calls[rows] += 1

            left = (first_stop > stands) & (lengths[rows] < end)
            rows = rows[left]
            checker.go_on(left, lengths[rows], lacks=1)
            guesser.go_on(left, lengths[rows], lacks=2 if K else guesser.lacks + 1)
    new_tokens = written[:, T : max(lengths.tolist(), default=T)].clone()
    return SpeculativeResult(new_tokens, drafted, accepted, calls)


class _Reader:
    """A model with its caches, which lack the same number of tokens at the end of every row."""

    def __init__(self, model: GPT, batch_size: int, length: int, max_len: int):
        self.model, self.lacks = model, length
        self._keep(model.new_cache(batch_size, max_len=max_len))

    def unread(self, written: Tensor, ends: Tensor) -> Tensor:
        """The tokens that the caches lack, (N, lacks), of rows (N, T) that end at (N, 1)."""
        return written.gather(1, ends + torch.arange(-self.lacks, 0, device=ends.device))

    def read(self, new: Tensor, *, last: int) -> Tensor:
        """Tokens (N, T) to the logits of the last of them, (N, last, V)."""
        if new.shape[1] == 1:
            return self.step(new)
        return self.model.out_proj(self.model.read(new, cache=self.cache)[:, -last:])

    def go_on(self, left: Tensor, lengths: Tensor, *, lacks: int) -> None:
        """Forget rows that are done, and the last tokens of the others: the caches lack `lacks`."""
        self.lacks = lacks
        if not len(lengths):
            return
        if not left.all():
            kept = left.nonzero().squeeze(1)
            self._keep(tuple(layer.select(kept) for layer in self.cache))
        kept_lengths = (lengths - lacks).tolist()
        uniform = len(set(kept_lengths)) == 1  # one int is all that such a cache has to remember
        for layer in self.cache:
            layer.rollback(kept_lengths[0] if uniform else lengths - lacks)

    def _keep(self, cache: tuple[KVCache, ...]) -> None:
        self.cache, self.step = cache, self.model.stepper(cache)


def _guess(
    reader: _Reader,
    written: Tensor,
    ends: Tensor,
    count: int,
    chances: Callable[[Tensor], Tensor],
    generator: torch.Generator | None,
) -> tuple[Tensor, Tensor]:
    """Write on by `count` tokens: these, (N, count), and what each was drawn from, one more dim."""
    new, guesses, q = reader.unread(written, ends), [written[:, :0]], []
    for _ in range(count):
        q.append(chances(reader.read(new, last=1)[:, 0]))
        new = torch.multinomial(q[-1], 1, generator=generator)
        guesses.append(new)
    vocabulary = reader.model.config.vocab_size
    empty = torch.empty(len(written), 0, vocabulary, device=written.device)
    return torch.cat(guesses, dim=1), torch.stack(q, dim=1) if q else empty


def _check(
    target: GPT, draft: GPT, tokens: Tensor, max_new_tokens: int, num_draft_tokens: int
) -> None:
    from txlib.models import GPT

    for name, model in (("target", target), ("draft", draft)):
        if not isinstance(model, GPT):
            raise ValueError(f"{name} must be a GPT, got {shown(model)}")
    vocabularies = target.config.vocab_size, draft.config.vocab_size
    if len(set(vocabularies)) > 1:
        raise ValueError(
            "target and draft must have the same vocabulary, got vocab_size {} and {}".format(
                *vocabularies
            )
        )
    if draft.config.window is not None:
        raise ValueError(
            "draft must have no window: its cache is taken back over several steps, which one with "
            f"a window may have dropped, got window={draft.config.window}"
        )
    check_ids("tokens", tokens, "B", "T")
    if tokens.shape[1] < 1:
        raise ValueError(
            f"tokens must be integers (B, T) with T of at least 1, got {tuple(tokens.shape)}"
        )
    for name, count in (
        ("max_new_tokens", max_new_tokens),
        ("num_draft_tokens", num_draft_tokens),
    ):
        check_whole(name, count, least=1)
    for name, model in (("target", target), ("draft", draft)):
        if tokens.shape[1] + max_new_tokens > _reach(model):
            raise ValueError(
                f"tokens and max_new_tokens must together be at most the {name}'s "
                f"max_seq_len={_reach(model)}, the rows of its learned positions, got "
                f"{tokens.shape[1]} and {max_new_tokens}"
            )


def _check_ids_and_draws(eos_id: int | None, pad_id: int, V: int, generator: object) -> None:
    check_generator(generator)
    for name, special in (("eos_id", eos_id), ("pad_id", pad_id)):
        if special is not None or name == "pad_id":
            check_whole(name, special, least=0, most=V - 1)


def _reach(model: GPT) -> float:
    """Tokens that a model has positions for."""
    return model.config.max_seq_len if model.config.positions == "learned" else math.inf
