"""The decoder alone: a stack of causal blocks that foretells each next token."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from txlib.generation import evaluating, sample_continue
from txlib.layers import EncoderBlock, LayerNorm, RMSNorm, initialize_
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
    max_distance: int | None = None
    norm: str = "layer"
    activation: str = "gelu_tanh"
    dropout: float = 0.0
    tie_embeddings: bool = True

    def __post_init__(self) -> None:
        for name in ("vocab_size", "d_model", "num_layers", "num_heads", "max_seq_len"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.d_model % self.num_heads:
            raise ValueError(
                f"num_heads must divide d_model, got {self.num_heads} and {self.d_model}"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
        if self.norm not in NORMS:
            raise ValueError(f"norm must be one of {tuple(NORMS)}, got {self.norm!r}")


class GPT(nn.Module):
    """Pre-norm blocks over a sentence that no position sees the future of.

    Source: Radford et al. 2019, section 2.3 (GPT-2), which only the defaults follow; chapters 4, 6.
    The initialisation is GPT-2's (see `initialize_`), but for an embedding table that is not tied:
    it starts with variance 1, the size of sinusoids, which would drown smaller ones.

    Args:
        config: sizes and choices.

    Attributes:
        rotary: the `RotaryEmbedding` that all layers share; None with other positions.
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

    def forward(self, tokens: Tensor) -> Tensor:
        """Foretell the token after each.

        Args:
            tokens: int64 (B, T), padded on the right if at all.

        Returns:
            Logits (B, T, V); row t rests on tokens 0 ... t alone.

        Raises:
            ValueError: if `tokens` is not integers (B, T), or longer than learned positions reach.
        """
        _check_tokens(tokens)
        return self.out_proj(self._read(tokens))

    def generate(
        self,
        tokens: Tensor,
        *,
        max_new_tokens: int,
        eos_id: int | None = None,
        pad_id: int = 0,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Write on: in every step take or draw the token that follows, and feed it back.

        Runs without gradients and without dropout; the training mode is left as it was. Each step
        reads all tokens so far anew: nothing is cached.

        Args:
            tokens: int64 (B, T), what is there already, T at least 1; no padding.
            max_new_tokens: where to stop rows that have not ended, at least 1.
            eos_id: ends a row; None goes on to the end.
            pad_id: fills a row that has ended.
            temperature: as in `txlib.generation.next_token_probabilities`; 0 is greedy.
            top_k: as there.
            top_p: as there.
            generator: where the draws come from, on the device of `tokens`; PyTorch's own if None.

        Returns:
            The new tokens alone: int64 (B, T_new), T_new at most `max_new_tokens`. After a row's
            EOS there is only PAD.

        Raises:
            ValueError: if an argument is out of its range, or all tokens together are more than
                learned positions reach.
        """
        _check_tokens(tokens)
        T = tokens.shape[1]
        if T < 1:
            raise ValueError(f"tokens must have T of at least 1, got {tuple(tokens.shape)}")
        reach = self.config.max_seq_len
        if self.config.positions == "learned" and T + max_new_tokens > reach:
            raise ValueError(
                f"tokens and max_new_tokens must together be at most max_seq_len={reach}, the rows "
                f"of the learned positions, got {T} and {max_new_tokens}"
            )

        def advance(before: Tensor, new: Tensor) -> tuple[Tensor, Tensor]:
            so_far = torch.cat((before, new), dim=1)
            return self.out_proj(self._read(so_far)[:, -1:]), so_far

        tokens = tokens.long()
        with evaluating(self):
            return sample_continue(
                advance,
                tokens[:, :-1],
                tokens[:, -1],
                eos_id=-1 if eos_id is None else eos_id,
                pad_id=pad_id,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                generator=generator,
            )

    def _read(self, tokens: Tensor) -> Tensor:
        """Ids (B, T) to the stream (B, T, C) after the last norm."""
        stream = self.dropout(self.positions(self.token_embedding(tokens)))
        for block in self.blocks:
            stream = block(stream, is_causal=True)
        return self.final_norm(stream)


def _check_tokens(tokens: Tensor) -> None:
    if tokens.ndim != 2 or tokens.dtype not in (torch.int64, torch.int32):
        raise ValueError(
            f"tokens must be integers (B, T), got {tokens.dtype} of {tuple(tokens.shape)}"
        )
