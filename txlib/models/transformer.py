"""The encoder-decoder of Vaswani et al. 2017: stacks of blocks on either side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

import torch
from torch import Tensor, nn

from txlib.attention import KVCache
from txlib.attention.cache_checks import check_rows
from txlib.checks import check_flag, check_ids, check_kind, check_one_of, check_tensor
from txlib.generation import EncoderDecoder, EncoderDecoderConfig
from txlib.layers import DecoderBlock, EncoderBlock, LayerNorm, xavier_
from txlib.layers.residual_block import ACTIVATIONS, NormOrder
from txlib.layers.token_lookup import look_up
from txlib.positions import SCHEMES, position_scheme


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(EncoderDecoderConfig):
    """Sizes and choices of a `Transformer`, beside those of every `EncoderDecoder`.

    The sizes are the course's, the choices those of the paper; each other choice is named.

    Attributes:
        d_model: C, features of a token throughout.
        num_heads: H, a divisor of C.
        num_layers: blocks on either side; the paper's N.
        d_ff: F, inner features of the feed-forward layers; 4 C if None, as in the paper.
        norm_order: "post" as in the paper, or "pre".
        activation: of the feed-forward layers, as in `EncoderBlock`.
        positions: one of `txlib.positions.SCHEMES`. With "alibi", whose penalty is the same on both
            sides, the encoder reads a sentence and its mirror image alike.
        max_seq_len: positions of "learned"; the others have no limit.
        tie_embeddings: let the target's table be the output projection too.
    """

    d_model: int = 128
    num_heads: int = 4
    num_layers: int = 2
    d_ff: int | None = None
    norm_order: str = "post"
    activation: str = "relu"
    positions: str = "sinusoidal"
    max_seq_len: int = 256
    tie_embeddings: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_sizes("d_model", "num_heads", "num_layers", "max_seq_len")
        check_one_of("norm_order", self.norm_order, get_args(NormOrder))
        check_one_of("activation", self.activation, ACTIVATIONS)
        check_one_of("positions", self.positions, SCHEMES)
        check_flag("tie_embeddings", self.tie_embeddings)
        if self.d_ff is not None:
            self.check_sizes("d_ff")
        if self.d_model % self.num_heads:
            raise ValueError(
                f"num_heads must divide d_model, got {self.num_heads} and {self.d_model}"
            )


class TransformerState(NamedTuple):
    """What decoding goes on from.

    A state stays good when decoding has gone on from it: the caches may by then hold more than its
    own `length` tokens, and whoever goes on from it once more gets a copy of those.

    Attributes:
        memory: for each block of the decoder the source's keys and values, (B, H, T_s, D) each.
        mask: bool (B, 1, T_s), True = a real token.
        caches: each block's keys and values of the target tokens; none before the first.
        length: target tokens so far.
    """

    memory: tuple[tuple[Tensor, Tensor], ...]
    mask: Tensor
    caches: tuple[KVCache, ...] = ()
    length: int = 0


class Transformer(EncoderDecoder):
    """Blocks read the source; blocks that also look at what was read write the target.

    Source: Vaswani et al. 2017, section 3; chapter 6. Embeddings are taken times the root of C
    (section 3.4), and with sinusoids added dropped out (section 5.4). "pre" has a norm more after
    either stack. Paper vs code: the vocabularies are two here, so that at most two of the paper's
    three tables are one.

    Args:
        config: sizes and choices.

    Raises:
        ValueError: if a choice is unknown.

    Example:
        >>> config = TransformerConfig(source_vocab_size=11, target_vocab_size=13, d_model=8)
        >>> model = Transformer(config).eval()
        >>> source = torch.tensor([[4, 5, 6, 2]])
        >>> logits = model(source, source != config.pad_id, torch.tensor([[1, 7, 8]]))
        >>> logits.shape
        torch.Size([1, 3, 13])
    """

    def __init__(self, config: TransformerConfig):
        check_kind("config", config, TransformerConfig)
        super().__init__(config)
        C = config.d_model
        self.source_embedding, self.target_embedding = (
            nn.Embedding(size, C, padding_idx=config.pad_id)
            for size in (config.source_vocab_size, config.target_vocab_size)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.source_positions, self.encoder = _stack(EncoderBlock, config)
        self.target_positions, self.decoder = _stack(DecoderBlock, config)
        pre = config.norm_order == "pre"
        self.encoder_norm, self.decoder_norm = (
            LayerNorm(C) if pre else nn.Identity() for _ in range(2)
        )
        self.out_proj = nn.Linear(C, config.target_vocab_size, bias=not config.tie_embeddings)
        xavier_(self)
        if config.tie_embeddings:
            self.out_proj.weight = self.target_embedding.weight

    def encode(self, source: Tensor, source_mask: Tensor) -> TransformerState:
        """Read sentences; what every block of the decoder looks at is projected here, once.

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
        stream = self._embed("source", source, self.source_embedding, self.source_positions)
        for block in self.encoder:
            stream = block(stream, mask)
        memory = self.encoder_norm(stream)  # (B, T_s, C)
        projected = tuple(block.project_memory(memory) for block in self.decoder)
        return TransformerState(projected, mask)

    def advance(
        self, state: TransformerState, target_in: Tensor
    ) -> tuple[Tensor, TransformerState]:
        """Write on: (B, T) to logits (B, T, V_t), and the state after these tokens.

        Their keys and values are kept, so that no token is read twice. With gradients on they are
        kept in the graph; `decode` is the quicker way to train.
        """
        check_kind("state", state, TransformerState)
        check_ids("target_in", target_in, "B", "T")
        caches = _reaching(state) or tuple(
            KVCache(
                len(keys), *keys.shape[1::2], max_len=None, device=keys.device, dtype=keys.dtype
            )
            for keys, _ in state.memory
        )
        logits = self._write(state, target_in, caches)
        length = state.length + target_in.shape[1]
        return logits, state._replace(caches=caches, length=length)

    def decode(self, state: TransformerState, target_in: Tensor) -> Tensor:
        """As in `EncoderDecoder`; from the start nothing is kept for a next call."""
        check_kind("state", state, TransformerState)
        check_tensor("target_in", target_in)
        if state.length or target_in.ndim != 2:
            return super().decode(state, target_in)
        return self._write(state, target_in, (None,) * len(self.decoder))

    @staticmethod
    def select(state: TransformerState, rows: Tensor) -> TransformerState:
        """The same state for other rows of the batch: int64 (B_new,), repeats allowed."""
        check_kind("state", state, TransformerState)
        check_rows(rows, len(state.mask), state.mask)
        memory = tuple((keys[rows], values[rows]) for keys, values in state.memory)
        caches = tuple(cache.select(rows) for cache in state.caches)
        for cache in caches:
            cache.rollback(state.length)
        return TransformerState(memory, state.mask[rows], caches, state.length)

    def _write(
        self, state: TransformerState, target_in: Tensor, caches: Sequence[KVCache | None]
    ) -> Tensor:
        """Tokens (B, T) behind those of the state to logits (B, T, V_t)."""
        if len(target_in) != len(state.mask):
            found = f"{len(state.mask)}, got {len(target_in)}"
            raise ValueError(f"target_in must have the B of the state, {found}")
        stream = self._embed(
            "target_in", target_in, self.target_embedding, self.target_positions, state.length
        )
        for block, (keys, values), cache in zip(self.decoder, state.memory, caches, strict=True):
            stream = block.forward_projected(
                stream, keys, values, memory_mask=state.mask, cache=cache
            )
        return self.out_proj(self.decoder_norm(stream))

    def _embed(
        self, name: str, ids: Tensor, table: nn.Embedding, positions: nn.Module, offset: int = 0
    ) -> Tensor:
        """Ids (B, T) to the stream (B, T, C) that the first block reads."""
        embedded = look_up(name, ids, table) * math.sqrt(self.config.d_model)
        if not isinstance(positions, nn.Identity):
            embedded = positions(embedded, offset)
        return self.dropout(embedded)


def _reaching(state: TransformerState) -> tuple[KVCache, ...]:
    """Caches that end where the state does: its own, or copies if others went on with them."""
    if not state.caches or state.caches[0].offset == state.length:
        return state.caches
    rows = torch.arange(len(state.mask), device=state.mask.device)
    copies = tuple(cache.select(rows) for cache in state.caches)
    for cache in copies:
        cache.rollback(state.length)
    return copies


def _stack(
    block: type[EncoderBlock | DecoderBlock], config: TransformerConfig
) -> tuple[nn.Module, nn.ModuleList]:
    """One side's positions at the embeddings, if any, and its blocks."""
    scheme = position_scheme(
        config.positions,
        d_model=config.d_model,
        head_dim=config.d_model // config.num_heads,
        num_heads=config.num_heads,
        max_seq_len=config.max_seq_len,
        is_causal=block is DecoderBlock,
    )
    blocks = nn.ModuleList(
        block(
            config.d_model,
            config.num_heads,
            config.d_ff or 4 * config.d_model,
            norm_order=config.norm_order,
            activation=config.activation,
            dropout=config.dropout,
            rotary=scheme.rotary,
            score_bias=scheme.make_score_bias(),
        )
        for _ in range(config.num_layers)
    )
    return scheme.encoding or nn.Identity(), blocks
