"""Every module of the library's core that is differentiated, tiny, with what it is called with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from txlib import attention, layers, models, positions, recurrent

C, H, T = 8, 2, 5
WORDS = 11
MASK = torch.tensor([[True] * 5, [True, True, True, False, False]])


@dataclass(frozen=True)
class Case:
    """A module and its arguments; those that are floats are differentiated too."""

    name: str
    new: Callable[[], nn.Module]
    arguments: Callable[[], tuple[Any, ...]]


class Calls(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor], **options: Any):
        super().__init__()
        self.function, self.options = function, options

    def forward(self, *arguments: Tensor) -> Tensor:
        return self.function(*arguments, **self.options)


def x() -> tuple[Tensor]:
    return (torch.randn(2, T, C),)


def heads() -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(2, 4, 3, 4), torch.randn(2, 2, T, 4), torch.randn(2, 2, T, 4)


def masked() -> tuple[Tensor, ...]:
    hidden = torch.rand(2, 1, 3, T) < 0.5  # some rows may attend to nothing
    return *heads(), hidden


def looking() -> tuple[Tensor, ...]:
    return torch.randn(2, 3, C), torch.randn(2, T, 6), MASK[:, None]


def tokens() -> tuple[Tensor]:
    return (torch.randint(WORDS, (2, T)),)


def sentences() -> tuple[Tensor, ...]:
    ids = (torch.randint(3, WORDS, (2, n)) for n in (T, 4))  # padding has no gradient, by design
    return next(ids), MASK, next(ids)


def shaw() -> tuple[Tensor, ...]:
    query, key, value = (torch.randn(2, 2, n, 4) for n in (3, T, T))
    return query, key, value, torch.randn(5, 4), torch.randn(7, 4)


def online(scores: Tensor, values: Tensor) -> Tensor:
    state = attention.OnlineSoftmax.empty((2, 3, 4), dtype=scores.dtype)
    for some in (slice(0, 2), slice(2, T)):
        state = state.update(scores[..., some], values[:, some])
    return state.average()


def with_scheme(name: str) -> Callable[[], nn.Module]:
    sizes = {"d_model": C, "head_dim": C // H, "num_heads": H, "max_seq_len": 9}

    def new() -> nn.Module:
        scheme = positions.position_scheme(name, **sizes)
        parts = {"rotary": scheme.rotary, "score_bias": scheme.make_score_bias()}
        looked = attention.MultiHeadAttention(C, H, **parts)
        return nn.Sequential(scheme.encoding or nn.Identity(), looked)

    return new


def translator(kind: type, config: type, **sizes: Any) -> Callable[[], nn.Module]:
    vocabularies = {"source_vocab_size": WORDS, "target_vocab_size": WORDS}
    return lambda: kind(config(**vocabularies, **sizes))


SMALL = {"d_embedding": 6, "hidden_size": 4}
STACK = {"d_model": C, "num_heads": H, "num_layers": 1, "d_ff": 12}
MODELS = [
    *(
        Case(
            f"GPT, {scheme}",
            lambda scheme=scheme: models.GPT(
                models.GPTConfig(vocab_size=WORDS, max_seq_len=9, positions=scheme, **STACK)
            ),
            tokens,
        )
        for scheme in positions.SCHEMES
    ),
    *(
        Case(
            f"Transformer, {order}",
            translator(models.Transformer, models.TransformerConfig, norm_order=order, **STACK),
            sentences,
        )
        for order in ("pre", "post")
    ),
    Case(
        "AttentionOnlyTranslator",
        translator(
            models.AttentionOnlyTranslator, models.AttentionOnlyConfig, d_model=C, num_heads=H
        ),
        sentences,
    ),
    Case(
        "LSTMTranslator",
        translator(recurrent.LSTMTranslator, recurrent.Seq2SeqConfig, bidirectional=True, **SMALL),
        sentences,
    ),
    *(
        Case(
            f"AttentionTranslator, {look} {score}",
            translator(
                recurrent.AttentionTranslator,
                recurrent.AttentionTranslatorConfig,
                look=look,
                score=score,
                d_attention=5,
                **SMALL,
            ),
            sentences,
        )
        for look, score in (("before", "additive"), ("after", "scaled_dot"))
    ),
]
MODULES = [
    Case("AdditiveAttention", lambda: attention.AdditiveAttention(C, 6, 5), looking),
    Case("SingleHeadAttention", lambda: attention.SingleHeadAttention(C, 6, 5), looking),
    Case(
        "MultiHeadAttention",
        lambda: attention.MultiHeadAttention(
            C, 4, num_kv_heads=2, memory_size=6, bias=True, qk_norm=True
        ),
        looking,
    ),
    Case("sdpa", lambda: Calls(attention.scaled_dot_product_attention), masked),
    Case("fused", lambda: Calls(attention.fused_attention), masked),
    Case("tiled", lambda: Calls(attention.tiled_attention, tile_q=2, tile_k=2), heads),
    Case("standard", lambda: Calls(attention.standard_attention, is_causal=True), heads),
    Case("masked_softmax", lambda: Calls(attention.masked_softmax), lambda: (masked()[3] * 2.0,)),
    Case(
        "OnlineSoftmax", lambda: Calls(online), lambda: (torch.randn(2, 3, T), torch.randn(2, T, 4))
    ),
    Case("relative_attention", lambda: Calls(positions.relative_attention), shaw),
    *(Case(f"positions: {name}", with_scheme(name), x) for name in positions.SCHEMES),
    Case(
        "RotaryEmbedding, interleaved",
        lambda: positions.RotaryEmbedding(C, pairing="interleaved"),
        x,
    ),
    *(
        Case(
            f"FeedForward, {bend}", lambda bend=bend: layers.FeedForward(C, 12, activation=bend), x
        )
        for bend in ("relu", "gelu", "gelu_tanh")
    ),
    Case("GatedFeedForward", lambda: layers.GatedFeedForward(C, 12), x),
    Case("LayerNorm", lambda: layers.LayerNorm(C), x),
    Case("RMSNorm", lambda: layers.RMSNorm(C), x),
    Case("layer_norm", lambda: Calls(layers.layer_norm), x),
    Case("rms_norm", lambda: Calls(layers.rms_norm), x),
    *(
        Case(
            f"EncoderBlock, {order}",
            lambda order=order: layers.EncoderBlock(C, H, 12, norm_order=order),
            lambda: (*x(), MASK[:, None]),
        )
        for order in ("pre", "post")
    ),
    Case(
        "DecoderBlock",
        lambda: layers.DecoderBlock(C, H, 12, norm="rms", activation="swiglu"),
        lambda: (*x(), torch.randn(2, 4, C)),
    ),
    *(
        Case(kind.__name__, lambda kind=kind: kind(C, 3), lambda: (torch.randn(2, C),))
        for kind in (recurrent.RNNCell, recurrent.LSTMCell, recurrent.GRUCell)
    ),
    *(
        Case(
            kind.__name__,
            lambda kind=kind: kind(C, 3, 2, bidirectional=True),
            x,
        )
        for kind in (recurrent.RNN, recurrent.LSTM, recurrent.GRU)
    ),
]
