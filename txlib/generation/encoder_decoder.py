"""What every translator of the course shares: encode once, then advance token by token."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from txlib.checks import check_ids, check_number, check_tensor, check_whole, shown
from txlib.generation.beam import beam_search
from txlib.generation.greedy import evaluating, greedy_continue
from txlib.generation.sampling import sample_continue
from txlib.tensor_checks import check_beside


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderConfig:
    """What a translator of any kind must know.

    Attributes:
        source_vocab_size: number of source tokens, more than the largest special id.
        target_vocab_size: V_t, likewise for the target.
        dropout: probability in [0, 1).
        pad_id: fills rows up to the longest.
        bos_id: starts a target sentence.
        eos_id: ends it.
    """

    source_vocab_size: int
    target_vocab_size: int
    dropout: float = 0.0
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2

    def __post_init__(self) -> None:
        check_number("dropout", self.dropout)
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
        for name in ("pad_id", "bos_id", "eos_id", "source_vocab_size", "target_vocab_size"):
            check_whole(name, getattr(self, name))
        special = (self.pad_id, self.bos_id, self.eos_id)
        if min(special) < 0 or len(set(special)) < 3:
            raise ValueError(
                f"pad_id, bos_id and eos_id must be distinct and not negative, got {special}"
            )
        for name in ("source_vocab_size", "target_vocab_size"):
            if (size := getattr(self, name)) <= max(special):
                rule = f"{name} must be more than the largest special id, {max(special)}"
                raise ValueError(f"{rule}, got {size}")

    def check_sizes(self, *names: str) -> None:
        """Refuse a field of these names that is below 1.

        Raises:
            ValueError: with the name and the value.
        """
        for name in names:
            check_whole(name, getattr(self, name), least=1)


class EncoderDecoder(nn.Module):
    """A translator. A kind of it says how to `encode`, `advance` and `select`; this does the rest.

    Source: Sutskever et al. 2014, section 2; Cho et al. 2014, section 2.2.

    Args:
        config: of the kind.
    """

    def __init__(self, config: EncoderDecoderConfig):
        super().__init__()
        self.config = config

    @staticmethod
    def check_source(source: Tensor, source_mask: Tensor) -> None:
        """Refuse what `encode` cannot read.

        Raises:
            ValueError: if `source` is not (B, T_s) or `source_mask` is not bool of that shape.
        """
        check_ids("source", source, "B", "T_s")
        check_tensor("source_mask", source_mask)
        check_beside("source_mask", source_mask, "source", source)
        if source_mask.dtype != torch.bool or source_mask.shape != source.shape:
            raise ValueError(
                f"source_mask must be bool of source's shape {tuple(source.shape)}, got "
                f"{shown(source_mask)}"
            )

    def encode(self, source: Tensor, source_mask: Tensor) -> Any:
        """Read sentences.

        Args:
            source: int64 (B, T_s), token ids.
            source_mask: bool (B, T_s), True = a real token.

        Returns:
            The state that the decoder starts from.

        Raises:
            ValueError: if `source` is not (B, T_s) or `source_mask` is not bool of that shape.
        """
        raise NotImplementedError

    def advance(self, state: Any, target_in: Tensor) -> tuple[Tensor, Any]:
        """Go on from a state by some target tokens.

        Args:
            state: from `encode` or from the last call.
            target_in: int64 (B, T), the next tokens; T = 1 when decoding.

        Returns:
            Logits (B, T, V_t), each for the token that follows, and the state after the last one.
        """
        raise NotImplementedError

    @staticmethod
    def select(state: Any, rows: Tensor) -> Any:
        """The same state for other rows of the batch: int64 (B_new,), repeats allowed."""
        raise NotImplementedError

    def decode(self, state: Any, target_in: Tensor) -> Tensor:
        """Predict each next token from the state and the true tokens so far (teacher forcing).

        Args:
            state: from `encode`.
            target_in: int64 (B, T_t), starting with BOS; padding on the right needs no mask, since
                nothing that comes before it can see it.

        Returns:
            Logits (B, T_t, V_t).

        Raises:
            ValueError: if `target_in` is not (B, T_t).
        """
        check_ids("target_in", target_in, "B", "T_t")
        return self.advance(state, target_in)[0]

    def forward(self, source: Tensor, source_mask: Tensor, target_in: Tensor) -> Tensor:
        """Logits (B, T_t, V_t) under teacher forcing; arguments as in `encode` and `decode`."""
        return self.decode(self.encode(source, source_mask), target_in)

    def greedy_decode(self, source: Tensor, source_mask: Tensor, *, max_new_tokens: int) -> Tensor:
        """Translate: in every step take the likeliest token and feed it back.

        Runs without gradients and without dropout; the training mode is left as it was.

        Args:
            source: int64 (B, T_s), token ids.
            source_mask: bool (B, T_s), True = a real token.
            max_new_tokens: where to stop sentences that have not ended, at least 1.

        Returns:
            int64 (B, T), T at most `max_new_tokens`, without BOS. After a row's EOS there is only
            PAD; a row that was stopped has no EOS.

        Raises:
            ValueError: if an argument has the wrong shape or dtype, or `max_new_tokens` is below 1.
        """
        with evaluating(self):
            return greedy_continue(
                self.advance,
                self.encode(source, source_mask),
                source.new_full((len(source),), self.config.bos_id),
                eos_id=self.config.eos_id,
                pad_id=self.config.pad_id,
                max_new_tokens=max_new_tokens,
            )

    def beam_decode(
        self,
        source: Tensor,
        source_mask: Tensor,
        *,
        beam_size: int,
        max_new_tokens: int,
        length_penalty: float = 0.0,
    ) -> Tensor:
        """Translate: keep the `beam_size` likeliest beginnings of each sentence in every step.

        Args:
            source: int64 (B, T_s), token ids.
            source_mask: bool (B, T_s), True = a real token.
            beam_size: at least 1; 1 is greedy.
            max_new_tokens: where to stop sentences that have not ended, at least 1.
            length_penalty: exponent of `txlib.generation.beam_search`; 0 compares plain
                log-probabilities, as Bahdanau et al. 2015 did.

        Returns:
            int64 (B, T), as `greedy_decode`.

        Raises:
            ValueError: if an argument is out of its range.
        """
        with evaluating(self):
            return beam_search(
                self.advance,
                self.encode(source, source_mask),
                source.new_full((len(source),), self.config.bos_id),
                select=self.select,
                beam_size=beam_size,
                eos_id=self.config.eos_id,
                pad_id=self.config.pad_id,
                max_new_tokens=max_new_tokens,
                length_penalty=length_penalty,
            )

    def sample_decode(
        self,
        source: Tensor,
        source_mask: Tensor,
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Translate: in every step draw a token from what the model foretells, and feed it back.

        Args:
            source: int64 (B, T_s), token ids.
            source_mask: bool (B, T_s), True = a real token.
            max_new_tokens: where to stop sentences that have not ended, at least 1.
            temperature: as in `txlib.generation.next_token_probabilities`; 0 is greedy.
            top_k: as there.
            top_p: as there.
            generator: where the draws come from, on the device of `source`; PyTorch's own if None.

        Returns:
            int64 (B, T), as `greedy_decode`.

        Raises:
            ValueError: if an argument is out of its range.
        """
        with evaluating(self):
            return sample_continue(
                self.advance,
                self.encode(source, source_mask),
                source.new_full((len(source),), self.config.bos_id),
                eos_id=self.config.eos_id,
                pad_id=self.config.pad_id,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                generator=generator,
            )
