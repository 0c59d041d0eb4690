"""The decoder alone: a stack of causal blocks that foretells each next token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from txlib.attention import KVCache, sliding_window_mask
from txlib.checks import check_flag, check_kind, check_one_of, check_sequence, check_whole, shown
from txlib.generation import DecoderOnly
from txlib.generation.decoder_only import check_tokens
from txlib.layers import EncoderBlock, LayerNorm, RMSNorm, initialize_
from txlib.layers.residual_block import ACTIVATIONS
from txlib.layers.token_lookup import look_up
from txlib.models.one_token_step import one_token_block
from txlib.positions import SCHEMES, position_scheme
from txlib.tensor_checks import check_share

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
            check_whole(name, getattr(self, name), least=1)
        for name in ("num_kv_heads", "d_ff", "window", "max_distance"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), least=0 if name == "max_distance" else 1)
        if self.d_model % self.num_heads:
            raise ValueError(
                f"num_heads must divide d_model, got {self.num_heads} and {self.d_model}"
            )
        check_share("dropout", self.dropout)
        check_one_of("norm", self.norm, tuple(NORMS))
        check_one_of("activation", self.activation, ACTIVATIONS)
        check_one_of("positions", self.positions, SCHEMES)
        check_flag("tie_embeddings", self.tie_embeddings)


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
        check_kind("config", config, GPTConfig)
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
        self._check_cache(cache)
        if cache is None:
            if counts is not None:
                raise ValueError(f"counts must be None without a cache, got {shown(counts)}")
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
        check_whole("max_len", max_len, least=1)
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
        check_sequence("cache", cache, "KVCaches, one a layer")
        self._check_cache(cache)
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
        check_whole("length", length, least=0)
        check_whole("max_new_tokens", max_new_tokens, least=0)
        reach = self.config.max_seq_len
        if self.config.positions == "learned" and length + max_new_tokens > reach:
            raise ValueError(
                f"tokens and max_new_tokens must together be at most max_seq_len={reach}, the rows "
                f"of the learned positions, got {length} and {max_new_tokens}"
            )

    def _check_cache(self, cache: Sequence[KVCache] | None) -> None:
        """Refuse what is no cache for each block."""
        if cache is None:
            return
        check_sequence("cache", cache, "KVCaches, one a layer")
        if len(cache) != len(self.blocks) or not all(isinstance(c, KVCache) for c in cache):
            raise ValueError(f"cache must be {len(self.blocks)} KVCaches, got {shown(cache)}")

    def _enter(self, tokens: Tensor, offset: int | Tensor) -> Tensor:
        """Ids (B, T) to the stream (B, T, C) that the first block reads."""
        stream = look_up("tokens", tokens, self.token_embedding)
        if not isinstance(self.positions, nn.Identity):
            stream = self.positions(stream, offset)
        return self.dropout(stream) if self.dropout.training else stream

    def _window_mask(self, tokens: Tensor) -> Tensor | None:
        """What each token may see beside the future being hidden; None where that is all."""
        T, window = tokens.shape[1], self.config.window
        if window is None or window >= T:
            return None
        return sliding_window_mask(T, T, window, device=tokens.device)
