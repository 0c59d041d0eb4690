"""The first neural translator: a sentence reaches the decoder as one state of fixed size."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from txlib.generation import evaluating, greedy_continue
from txlib.recurrent.encoder import LSTMEncoder

LSTMState = tuple[Tensor, Tensor]  # (h, c), each (L, B, H)


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig:
    """Sizes and choices of an `LSTMTranslator`.

    Attributes:
        source_vocab_size: number of source tokens, more than the largest special id.
        target_vocab_size: V_t, likewise for the target.
        d_embedding: features of a token's embedding, on both sides.
        hidden_size: H, features of the decoder's state and of each direction of the encoder's.
        num_layers: L, of encoder and decoder alike.
        dropout: probability in [0, 1), on embeddings, between layers and before the logits.
        bidirectional: whether the encoder reads in both directions.
        reverse_source: whether the encoder reads last token first (Sutskever et al. 2014).
        pad_id: fills rows up to the longest.
        bos_id: starts a target sentence.
        eos_id: ends it.
    """

    source_vocab_size: int
    target_vocab_size: int
    d_embedding: int = 64
    hidden_size: int = 128
    num_layers: int = 1
    dropout: float = 0.0
    bidirectional: bool = False
    reverse_source: bool = False
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2

    def __post_init__(self) -> None:
        for name in ("d_embedding", "hidden_size", "num_layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
        special = (self.pad_id, self.bos_id, self.eos_id)
        if min(special) < 0 or len(set(special)) < 3:
            raise ValueError(
                f"pad_id, bos_id and eos_id must be distinct and not negative, got {special}"
            )
        for name in ("source_vocab_size", "target_vocab_size"):
            if getattr(self, name) <= max(special):
                raise ValueError(
                    f"{name} must be more than the largest special id, {max(special)}, "
                    f"got {getattr(self, name)}"
                )


class LSTMTranslator(nn.Module):
    """An LSTM reads the sentence, its last state starts another LSTM, which writes the translation.

    Source: Sutskever et al. 2014, section 2; Cho et al. 2014, section 2.2; chapter 1. Paper and
    code differ: Cho's decoder sees the sentence's vector in every step, Sutskever's and this one
    only at the start. An encoder of two directions leaves two states a layer; as in Bahdanau et al.
    2015, appendix A.2.2, a linear layer and tanh turn them into the decoder's first hidden state;
    the cell state, which is not bounded by 1, gets a linear layer alone.
    """

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        self.config = config
        self.encoder = LSTMEncoder(
            config.source_vocab_size,
            config.d_embedding,
            config.hidden_size,
            num_layers=config.num_layers,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
            reverse=config.reverse_source,
            pad_id=config.pad_id,
        )
        self.bridge = StateBridge(config.num_layers, config.hidden_size, config.bidirectional)
        self.embedding = nn.Embedding(
            config.target_vocab_size, config.d_embedding, padding_idx=config.pad_id
        )
        self.dropout = nn.Dropout(config.dropout)
        self.decoder = nn.LSTM(
            config.d_embedding,
            config.hidden_size,
            config.num_layers,
            batch_first=True,
            dropout=config.dropout if config.num_layers > 1 else 0.0,
        )
        self.out_proj = nn.Linear(config.hidden_size, config.target_vocab_size)

    @property
    def state_size(self) -> int:
        """How many numbers the decoder receives, however long the sentence: h and c, L * H each."""
        return 2 * self.config.num_layers * self.config.hidden_size

    def encode(self, source: Tensor, source_mask: Tensor) -> LSTMState:
        """Squeeze sentences into the decoder's first state.

        Args:
            source: int64 (B, T_s), token ids.
            source_mask: bool (B, T_s), True = a real token.

        Returns:
            (h, c), each (L, B, H).

        Raises:
            ValueError: if `source` is not (B, T_s) or `source_mask` is not bool of that shape.
        """
        _, state = self.encoder(source, source_mask)
        return self.bridge(state)

    def decode(self, state: LSTMState, target_in: Tensor) -> Tensor:
        """Predict each next token from the state and the true tokens so far (teacher forcing).

        Args:
            state: (h, c), each (L, B, H).
            target_in: int64 (B, T_t), starting with BOS; padding on the right needs no mask, since
                nothing that comes before it can see it.

        Returns:
            Logits (B, T_t, V_t).

        Raises:
            ValueError: if `target_in` is not (B, T_t).
        """
        if target_in.ndim != 2:
            raise ValueError(f"target_in must have shape (B, T_t), got {tuple(target_in.shape)}")
        return self._advance(state, target_in)[0]

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
                self._advance,
                self.encode(source, source_mask),
                source.new_full((len(source),), self.config.bos_id),
                eos_id=self.config.eos_id,
                pad_id=self.config.pad_id,
                max_new_tokens=max_new_tokens,
            )

    def _advance(self, state: LSTMState, target_in: Tensor) -> tuple[Tensor, LSTMState]:
        embedded = self.dropout(self.embedding(target_in))  # (B, T_t, d_embedding)
        hidden, state = self.decoder(embedded, state)  # (B, T_t, H)
        return self.out_proj(self.dropout(hidden)), state


class StateBridge(nn.Module):
    """From the encoder's final state to the decoder's first, layer by layer.

    Args:
        num_layers: L.
        hidden_size: H.
        bidirectional: whether the encoder has two states a layer; with one, nothing is changed.
    """

    def __init__(self, num_layers: int, hidden_size: int, bidirectional: bool):
        super().__init__()
        size, count = hidden_size, num_layers if bidirectional else 0
        self.hidden = nn.ModuleList(nn.Linear(2 * size, size) for _ in range(count))
        self.cell = nn.ModuleList(nn.Linear(2 * size, size) for _ in range(count))

    def forward(self, state: LSTMState) -> LSTMState:
        """(h, c), each (L * directions, B, H), to (h, c), each (L, B, H)."""
        if not self.hidden:
            return state
        h, c = (torch.cat((s[0::2], s[1::2]), dim=-1) for s in state)  # (L, B, 2H)
        h = torch.stack([linear(x) for linear, x in zip(self.hidden, h, strict=True)]).tanh()
        c = torch.stack([linear(x) for linear, x in zip(self.cell, c, strict=True)])
        return h, c
