"""The decoder alone: a stack of causal blocks that foretells each next token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from txlib.attention import KVCache, sliding_window_mask
from txlib.generation import DecoderOnly
from txlib.generation.decoder_only import check_tokens
from txlib.layers import EncoderBlock, LayerNorm, RMSNorm, initialize_
from txlib.models.one_token_step import one_token_block
from txlib.positions import position_scheme

NORMS = {"layer": LayerNorm, "rms": RMSNorm}


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Sizes and choices of a `GPT`; the defaults are GPT-2's.

    Attributes:
        vocab_size: V, at least 1.
        d_model: C, features of a token throughout.
        num_layers: blocks.
        num_heads: H, a divisor of C.
        num_kv_heads: heads of keys and values; H if None.
        d_ff: F, the feed-forward layer's inner features; 4 C if None.
        max_seq_len: the longest sequence; a limit for positions "learned" alone.
        positions: one of `txlib.positions.SCHEMES`.
        window: tokens that each sees of the past in every layer, its own included; all if None.
        max_distance: where "shaw" clips and "t5" stops telling distances apart; theirs if None.
        norm: "layer" or "rms".
        activation: of the feed-forward layer, as in `EncoderBlock`.
        dropout: probability in [0, 1): on embeddings, on weights, inside the feed-forward layer and
            on what each adds to the stream.
        tie_embeddings: let the output projection be the embedding table.
    """

    vocab_size: int
    d_model: int = 768
    num_layers: int = 12
    num_heads: int = 12
    num_kv_heads: int | None = None
    d_ff: int | None = None
    max_seq_len: int = 1024
    positions: str = "learned"
    window: int | None = None
    max_distance: int | None = None
    norm: str = "layer"
    activation: str = "gelu_tanh"
    dropout: float = 0.0
    tie_embeddings: bool = True

    def __post_init__(self) -> None:
        for name in ("vocab_size", "d_model", "num_layers", "num_heads", "max_seq_len"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.window is not None and self.window < 1:
            raise ValueError(f"window must be at least 1, got {self.window}")
        if self.d_model % self.num_heads:
            raise ValueError(
                f"num_heads must divide d_model, got {self.num_heads} and {self.d_model}"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
        if self.norm not in NORMS:
            raise ValueError(f"norm must be one of {tuple(NORMS)}, got {self.norm!r}")


class GPT(DecoderOnly):
    """Pre-norm blocks over a sentence that no position sees the future of.

    Source: Radford et al. 2019, section 2.3 (GPT-2), which only the defaults follow; chapters 4, 6.
    The initialisation is GPT-2's (see `initialize_`), but for an embedding table that is not tied:
    it starts with variance 1, the size of sinusoids, which would drown smaller ones.

    Args:
        config: sizes and choices.

    Attributes:
        rotary: the `RotaryEmbedding` that all layers share; None with other positions.

    Example:
        >>> model = GPT(GPTConfig(vocab_size=11, d_model=8, num_layers=2, num_heads=2)).eval()
        >>> tokens = torch.tensor([[3, 1, 4]])
        >>> model(tokens).shape  # for each position, scores of the next token
        torch.Size([1, 3, 11])
        >>> model.generate(tokens, max_new_tokens=5).shape
        torch.Size([1, 5])
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        C = config.d_model
        scheme = position_scheme(
            config.positions,
            d_model=C,
            head_dim=C // config.num_heads,
            num_heads=config.num_heads,
            max_seq_len=config.max_seq_len,
            max_distance=config.max_distance,
        )
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.positions = scheme.encoding or nn.Identity()
        self.rotary = scheme.rotary
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            EncoderBlock(
                C,
                config.num_heads,
                config.d_ff or 4 * C,
                num_kv_heads=config.num_kv_heads,
                norm=config.norm,
                activation=config.activation,
                dropout=config.dropout,
                rotary=scheme.rotary,
                score_bias=scheme.make_score_bias(),
            )
            for _ in range(config.num_layers)
        )
        self.final_norm = NORMS[config.norm](C)
        self.out_proj = nn.Linear(C, config.vocab_size, bias=False)
        initialize_(self, num_layers=config.num_layers)
        if config.tie_embeddings:
            self.out_proj.weight = self.token_embedding.weight
        else:
            nn.init.normal_(self.token_embedding.weight)

    def read(
        self,
        tokens: Tensor,
        *,
        cache: Sequence[KVCache] | None = None,
        counts: Tensor | None = None,
    ) -> Tensor:
        """Ids (B, T) to the stream (B, T, C) after the last norm; arguments as in `forward`."""
        check_tokens(tokens)
        if cache is None:
            caches, mask = [None] * len(self.blocks), self._window_mask(tokens)
        else:
            caches, mask = cache, None
        stream = self._enter(tokens, 0 if cache is None else cache[0].offset)
        for block, kept in zip(self.blocks, caches, strict=True):
            stream = block(stream, mask, is_causal=True, cache=kept, counts=counts)
        return self.final_norm(stream)

    def new_cache(self, batch_size: int, *, max_len: int) -> tuple[KVCache, ...]:
        """Empty caches, one a layer, where the model is and in its precision, autocast's if on.

        Args:
            batch_size: B, at least 1.
            max_len: tokens that a row may have in all, at least 1. With a window no more than two
                windows of them are kept.

        Returns:
            What `forward` takes as `cache`.

        Raises:
            ValueError: if a size is below 1, or `max_len` beyond learned positions.
        """
        self.check_reach(max_len, 0)
        table = self.token_embedding.weight
        kind, dtype = table.device.type, table.dtype
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
        attention = self.blocks[0].attention
        return tuple(
            KVCache(
                batch_size,
                attention.num_kv_heads,
                attention.head_dim,
                max_len=max_len,
                window=self.config.window,
                device=table.device,
                dtype=dtype,
            )
            for _ in self.blocks
        )

    def stepper(self, cache: Sequence[KVCache]) -> Callable[[Tensor], Tensor]:
        """As in `DecoderOnly`; while all rows are equally long, blocks are called as functions."""
        blocks = [
            one_token_block(block, kept) for block, kept in zip(self.blocks, cache, strict=True)
        ]

        def step(tokens: Tensor) -> Tensor:
            if isinstance(cache[0].offset, Tensor):
                return self(tokens, cache=cache)
            stream = self._enter(tokens, cache[0].offset)[:, 0]  # (B, C)
            for block in blocks:
                stream = block(stream)
            return self.out_proj(self.final_norm(stream))[:, None]

        return step

    def check_reach(self, length: int, max_new_tokens: int) -> None:
        """Refuse more tokens in all than learned positions reach.

        Raises:
            ValueError: with the rule and what was given.
        """
        reach = self.config.max_seq_len
        if self.config.positions == "learned" and length + max_new_tokens > reach:
            raise ValueError(
                f"tokens and max_new_tokens must together be at most max_seq_len={reach}, the rows "
                f"of the learned positions, got {length} and {max_new_tokens}"
            )

    def _enter(self, tokens: Tensor, offset: int | Tensor) -> Tensor:
        """Ids (B, T) to the stream (B, T, C) that the first block reads."""
        stream = self.token_embedding(tokens)
        if not isinstance(self.positions, nn.Identity):
            stream = self.positions(stream, offset)
        return self.dropout(stream) if self.dropout.training else stream

    def _window_mask(self, tokens: Tensor) -> Tensor | None:
        """What each token may see beside the future being hidden; None where that is all."""
        T, window = tokens.shape[1], self.config.window
        if window is None or window >= T:
            return None
        return sliding_window_mask(T, T, window, device=tokens.device)
