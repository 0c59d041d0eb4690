"""What models that only decode share: they go on writing from a prompt."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from txlib.attention import KVCache
from txlib.checks import check_flag, check_ids, check_tensor, check_whole, shown
from txlib.generation.greedy import evaluating
from txlib.generation.sampling import sample_continue
from txlib.tensor_checks import check_beside


class DecoderOnly(nn.Module):
    """A language model. A kind says how to `read` and makes a `new_cache`; this does the rest.

    Attributes:
        out_proj: from what was read to logits.
    """

    out_proj: nn.Module

    def read(
        self,
        tokens: Tensor,
        *,
        cache: Sequence[KVCache] | None = None,
        counts: Tensor | None = None,
    ) -> Tensor:
        """Ids (B, T) to the stream (B, T, C) before `out_proj`; arguments as in `forward`."""
        raise NotImplementedError

    def new_cache(self, batch_size: int, *, max_len: int) -> tuple[KVCache, ...]:
        """Empty caches, one a layer, where the model is and in its precision.

        Args:
            batch_size: B, at least 1.
            max_len: tokens that a row may have in all, at least 1.

        Returns:
            What `forward` takes as `cache`.

        Raises:
            ValueError: if a size is below 1.
        """
        raise NotImplementedError

    def stepper(self, cache: Sequence[KVCache]) -> Callable[[Tensor], Tensor]:
        """A step of decoding: from each row's next token, (B, 1), to logits (B, 1, V).

        It puts the token into the cache, as `forward` does. For decoding in evaluation mode,
        without gradients; a kind may know a quicker way than `forward`, and may take for granted
        that the model stays as it is for as long as the step is in use.

        Args:
            cache: from `new_cache`, in any state.
        """
        return lambda tokens: self(tokens, cache=cache)

    def check_reach(self, length: int, max_new_tokens: int) -> None:
        """Refuse more tokens in all than the model has positions for."""

    def forward(
        self,
        tokens: Tensor,
        *,
        cache: Sequence[KVCache] | None = None,
        counts: Tensor | None = None,
    ) -> Tensor:
        """Foretell the token after each.

        Args:
            tokens: int64 (B, T), padded on the right if at all.
            cache: what was read before `tokens`, from `new_cache`; they are put behind it. None
                reads them as the beginning.
            counts: with a cache int64 (B,), how many of the T are real tokens; all if None.

        Returns:
            Logits (B, T, V); row t rests on what the cache held and on tokens 0 ... t alone.

        Raises:
            ValueError: if `tokens` is not integers (B, T), longer than learned positions reach, or
                the cache is full or of another shape.
        """
        return self.out_proj(self.read(tokens, cache=cache, counts=counts))

    def generate(
        self,
        tokens: Tensor,
        mask: Tensor | None = None,
        *,
        max_new_tokens: int,
        eos_id: int | None = None,
        pad_id: int = 0,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        generator: torch.Generator | None = None,
        use_cache: bool = True,
    ) -> Tensor:
        """Write on: in every step take or draw the token that follows, and feed it back.

        Runs without gradients and without dropout; the training mode is left as it was.

        Args:
            tokens: int64 (B, T), what is there already, T at least 1.
            mask: bool (B, T), True = a real token, at least one a row; padding on the right. All
                are real if None.
            max_new_tokens: where to stop rows that have not ended, at least 1.
            eos_id: ends a row; None goes on to the end.
            pad_id: fills a row that has ended.
            temperature: as in `txlib.generation.next_token_probabilities`; 0 is greedy.
            top_k: as there.
            top_p: as there.
            generator: where the draws come from, on the device of `tokens`; PyTorch's own if None.
            use_cache: keep keys and values from step to step. Without, each step reads all tokens
                so far anew, and writes the same.

        Returns:
            The new tokens alone: int64 (B, T_new), T_new at most `max_new_tokens`. After a row's
            EOS there is only PAD.

        Raises:
            ValueError: if an argument is out of its range, or all tokens together are more than
                learned positions reach.
        """
        check_tokens(tokens)
        check_whole("max_new_tokens", max_new_tokens, least=1)
        check_flag("use_cache", use_cache)
        if eos_id is not None:
            check_whole("eos_id", eos_id, least=0)
        lengths = _lengths(tokens, mask)
        longest = max(lengths)
        self.check_reach(longest, max_new_tokens)
        tokens = tokens.long()[:, :longest]
        last = torch.tensor(lengths, device=tokens.device) - 1  # (B,)
        mixed = min(lengths) < longest

        def continue_anew(state: tuple[Tensor, int], new: Tensor) -> tuple[Tensor, tuple]:
            so_far, step = state
            at = (last + step)[:, None]
            so_far = so_far.scatter(1, at, new)
            read = self.read(so_far[:, : longest + step])
            return self.out_proj(read.take_along_dim(at[..., None], dim=1)), (so_far, step + 1)

        with evaluating(self):
            if use_cache:
                cache = self.new_cache(len(tokens), max_len=longest - 1 + max_new_tokens)
                if longest > 1:
                    self.read(tokens[:, :-1], cache=cache, counts=last if mixed else None)
                step = self.stepper(cache)
            return sample_continue(
                (lambda state, new: (step(new), None)) if use_cache else continue_anew,
                None if use_cache else (F.pad(tokens, (0, max_new_tokens)), 0),
                tokens.take_along_dim(last[:, None], dim=1).squeeze(1),
                eos_id=-1 if eos_id is None else eos_id,
                pad_id=pad_id,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                generator=generator,
            )


def check_tokens(tokens: Tensor) -> None:
    """Refuse what are no token ids.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_ids("tokens", tokens, "B", "T")


def _lengths(tokens: Tensor, mask: Tensor | None) -> list[int]:
    """Real tokens of each row, of which none may be without."""
    if tokens.shape[1] < 1:
        raise ValueError(f"tokens must have T of at least 1, got {tuple(tokens.shape)}")
    if mask is None:
        return [tokens.shape[1]] * len(tokens)
    check_tensor("mask", mask)
    check_beside("mask", mask, "tokens", tokens)
    if mask.dtype != torch.bool or mask.shape != tokens.shape:
        raise ValueError(
            f"mask must be bool of tokens' shape {tuple(tokens.shape)}, got {shown(mask)}"
        )
    lengths = mask.sum(dim=1)
    if not mask.equal(torch.arange(mask.shape[1], device=mask.device) < lengths[:, None]):
        raise ValueError("mask must have its padding on the right, got a token after padding")
    if not mask[:, 0].all():
        raise ValueError("mask must leave each row a token, got a row of padding alone")
    return lengths.tolist()
