"""The translator without its LSTMs: embeddings, three looks, and positions if they are wanted."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from txlib.attention import MultiHeadAttention, SingleHeadAttention
from txlib.attention.cache_checks import check_rows
from txlib.checks import check_ids, check_kind, check_one_of, shown
from txlib.generation import EncoderDecoder, EncoderDecoderConfig
from txlib.layers.token_lookup import look_up
from txlib.positions import position_scheme

Positions = Literal["none", "sinusoidal", "learned"]


@dataclass(frozen=True, kw_only=True)
class AttentionOnlyConfig(EncoderDecoderConfig):
    """Sizes and choices of an `AttentionOnlyTranslator`, beside those of every `EncoderDecoder`.

    Dropout falls on embeddings and before the logits.

    Attributes:
        d_model: C, features of a token throughout.
        num_heads: of each look, a divisor of C; 1 is chapter 3's look, without output projection.
        positions: what is added to the embeddings: "none", "sinusoidal" or "learned" (chapter 4).
        max_seq_len: positions of "learned"; the others have no limit.
    """

    d_model: int = 128
    num_heads: int = 1
    positions: Positions = "none"
    max_seq_len: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_sizes("d_model", "num_heads", "max_seq_len")
        if self.d_model % self.num_heads:
            raise ValueError(
                f"num_heads must divide d_model, got {self.num_heads} and {self.d_model}"
            )
        check_one_of("positions", self.positions, get_args(Positions))


class PrefixState(NamedTuple):
    """What decoding goes on from.

    Attributes:
        memory: (B, T_s, C), the encoded source.
        mask: bool (B, 1, T_s), True = a real token.
        prefix: int64 (B, T), the target tokens so far; each step looks at all of them again.
    """

    memory: Tensor
    mask: Tensor
    prefix: Tensor


class Look(nn.Module):
    r"""One look and what becomes of it: $\tanh(W [x; c])$ for a query x and its context c.

    The combining layer is that of the attentional LSTM (Luong et al. 2015, equation 5).

    Args:
        d_model: C, at least 1.
        num_heads: a divisor of C; one head has no output projection.
    """

    def __init__(self, d_model: int, num_heads: int = 1):
        super().__init__()
        if num_heads == 1:
            self.attention = SingleHeadAttention(d_model, d_model, d_model, value_size=d_model)
        else:
            self.attention = MultiHeadAttention(d_model, num_heads)
        self.combine = nn.Linear(2 * d_model, d_model)

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        *,
        is_causal: bool = False,
    ) -> Tensor:
        """(B, T_q, C) and (B, T_k, C) to (B, T_q, C); masks as in the attention."""
        context = self.attention(query, memory, mask, is_causal=is_causal)
        return self.combine(torch.cat((query, context), dim=-1)).tanh()


class AttentionOnlyTranslator(EncoderDecoder):
    """The source's words look at each other; the target's at those before, then at the source.

    Source: the skeleton of Vaswani et al. 2017, section 3.2.3; chapter 3. What their model has
    besides, chapters 4 to 6 add: positions and heads, which are options here, then depth. Without
    positions the encoder sees a bag of words; the causal mask gives the decoder no more than which
    words came before.

    Args:
        config: sizes and choices.
    """

    def __init__(self, config: AttentionOnlyConfig):
        check_kind("config", config, AttentionOnlyConfig)
        super().__init__(config)
        self.source_embedding = nn.Embedding(
            config.source_vocab_size, config.d_model, padding_idx=config.pad_id
        )
        self.target_embedding = nn.Embedding(
            config.target_vocab_size, config.d_model, padding_idx=config.pad_id
        )
        self.dropout = nn.Dropout(config.dropout)
        self.source_positions, self.target_positions = (_positions(config) for _ in range(2))
        self.encoder_look = Look(config.d_model, config.num_heads)
        self.decoder_look = Look(config.d_model, config.num_heads)
        self.cross_look = Look(config.d_model, config.num_heads)
        self.out_proj = nn.Linear(config.d_model, config.target_vocab_size)

    def encode(self, source: Tensor, source_mask: Tensor) -> PrefixState:
        """Let the words of a sentence look at each other.

        Args:
            source: int64 (B, T_s), token ids.
            source_mask: bool (B, T_s), True = a real token.

        Returns:
            What decoding starts from.

        Raises:
            ValueError: if `source` is not (B, T_s) or `source_mask` is not bool of that shape.
        """
        self.check_source(source, source_mask)
        mask = source_mask[:, None]  # (B, 1, T_s): the same keys for every query
        embedded = self.source_positions(look_up("source", source, self.source_embedding))
        embedded = self.dropout(embedded)
        return PrefixState(self.encoder_look(embedded, embedded, mask), mask, source[:, :0])

    def advance(self, state: PrefixState, target_in: Tensor) -> tuple[Tensor, PrefixState]:
        """Look from the new tokens: (B, T) to logits (B, T, V_t) and the longer prefix."""
        check_kind("state", state, PrefixState)
        check_ids("target_in", target_in, "B", "T")
        if len(target_in) != len(state.prefix) or target_in.device != state.prefix.device:
            raise ValueError(
                f"target_in must go on from a state of {shown(state.prefix)}, got "
                f"{shown(target_in)}"
            )
        state = state._replace(prefix=torch.cat((state.prefix, target_in), dim=1))
        embedded = look_up("target_in", state.prefix, self.target_embedding)
        embedded = self.target_positions(embedded)  # (B, T, C)
        embedded = self.dropout(embedded)
        new = embedded[:, embedded.shape[1] - target_in.shape[1] :]  # (B, T_t, C)
        written = self.decoder_look(new, embedded, is_causal=True)
        found = self.cross_look(written, state.memory, state.mask)
        return self.out_proj(self.dropout(found)), state

    @staticmethod
    def select(state: PrefixState, rows: Tensor) -> PrefixState:
        """The same state for other rows of the batch: int64 (B_new,), repeats allowed."""
        check_kind("state", state, PrefixState)
        check_rows(rows, len(state.memory), state.memory)
        return PrefixState(*(part[rows] for part in state))


def _positions(config: AttentionOnlyConfig) -> nn.Module:
    """What adds positions to one side's embeddings; nothing at all for "none"."""
    scheme = position_scheme(
        config.positions,
        d_model=config.d_model,
        head_dim=config.d_model // config.num_heads,
        num_heads=config.num_heads,
        max_seq_len=config.max_seq_len,
    )
    return scheme.encoding or nn.Identity()
