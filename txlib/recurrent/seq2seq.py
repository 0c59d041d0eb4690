"""The first neural translator: a sentence reaches the decoder as one state of fixed size."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from txlib.attention.cache_checks import check_rows
from txlib.checks import check_flag, check_kind, shown
from txlib.generation import EncoderDecoder, EncoderDecoderConfig
from txlib.layers.token_lookup import look_up
from txlib.recurrent.encoder import LSTMEncoder

LSTMState = tuple[Tensor, Tensor]  # (h, c), each (L, B, H)


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig(EncoderDecoderConfig):
    """Sizes and choices of an `LSTMTranslator`, beside those of every `EncoderDecoder`.

    Dropout falls on embeddings, between layers and before the logits.

    Attributes:
        d_embedding: features of a token's embedding, on both sides.
        hidden_size: H, features of the decoder's state and of each direction of the encoder's.
        num_layers: L, of encoder and decoder alike.
        bidirectional: whether the encoder reads in both directions.
        reverse_source: whether the encoder reads last token first (Sutskever et al. 2014).
    """

    d_embedding: int = 64
    hidden_size: int = 128
    num_layers: int = 1
    bidirectional: bool = False
    reverse_source: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_sizes("d_embedding", "hidden_size", "num_layers")
        check_flag("bidirectional", self.bidirectional)
        check_flag("reverse_source", self.reverse_source)


class LSTMTranslator(EncoderDecoder):
    """An LSTM reads the sentence, its last state starts another LSTM, which writes the translation.

    Source: Sutskever et al. 2014, section 2; Cho et al. 2014, section 2.2; chapter 1. Paper and
    code differ: Cho's decoder sees the sentence's vector in every step, Sutskever's and this one
    only at the start. An encoder of two directions leaves two states a layer; as in Bahdanau et al.
    2015, appendix A.2.2, a linear layer and tanh turn them into the decoder's first hidden state;
    the cell state, which is not bounded by 1, gets a linear layer alone.
    """

    def __init__(self, config: Seq2SeqConfig):
        check_kind("config", config, Seq2SeqConfig)
        super().__init__(config)
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

    def advance(self, state: LSTMState, target_in: Tensor) -> tuple[Tensor, LSTMState]:
        """Run the decoder over `target_in`: (B, T) to logits (B, T, V_t) and the next state."""
        check_pair("state", state)
        embedded = self.dropout(look_up("target_in", target_in, self.embedding))
        check_rows_fit(target_in, state[0].shape[1])
        hidden, state = self.decoder(embedded, state)  # (B, T_t, H)
        return self.out_proj(self.dropout(hidden)), state

    @staticmethod
    def select(state: LSTMState, rows: Tensor) -> LSTMState:
        """The same state for other rows of the batch: int64 (B_new,), repeats allowed."""
        check_pair("state", state)
        h, c = state
        check_rows(rows, h.shape[1], h)
        return h[:, rows], c[:, rows]


def check_pair(name: str, state: LSTMState) -> None:
    """Refuse what is not (h, c).

    Raises:
        ValueError: with what was given.
    """
    is_pair = isinstance(state, tuple) and len(state) == 2
    if not is_pair or not all(isinstance(part, Tensor) and part.ndim == 3 for part in state):
        raise ValueError(f"{name} must be (h, c), each (L, B, H), got {shown(state)}")


def check_rows_fit(target_in: Tensor, batch_size: int) -> None:
    """Refuse other sentences than the state is of, and none.

    Raises:
        ValueError: with what was given.
    """
    if len(target_in) != batch_size or not target_in.shape[1]:
        raise ValueError(
            f"target_in must have shape (B, T >= 1) with the state's B, {batch_size}, got "
            f"{tuple(target_in.shape)}"
        )


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
