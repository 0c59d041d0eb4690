"""Who writes in the benchmark of decoding: our GPT, its twins, and an LSTM."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from txlib.interop import gpt2_config, load_gpt2
from txlib.models import GPT


class LSTMWriter(nn.Module):
    """As many layers and features as the GPT, and no memory but its state."""

    def __init__(self, sizes: dict[str, int]):
        super().__init__()
        V, C = sizes["vocab_size"], sizes["d_model"]
        self.embedding = nn.Embedding(V, C)
        self.layers = nn.LSTM(C, C, sizes["num_layers"], batch_first=True)
        self.out_proj = nn.Linear(C, V, bias=False)

    def forward(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        features, state = self.layers(self.embedding(tokens), state)
        return self.out_proj(features[:, -1]), state


def twins(sizes: dict[str, int], device: torch.device, *, reach: int) -> tuple[GPT, nn.Module]:
    """Our GPT and transformers' GPT-2 with the same weights, whose greedy tokens are no ties."""
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=sizes["vocab_size"],
        n_embd=sizes["d_model"],
        n_layer=sizes["num_layers"],
        n_head=sizes["num_heads"],
        n_positions=reach,
        initializer_range=0.1,
        attn_implementation="sdpa",
        bos_token_id=None,
        eos_token_id=None,
    )
    theirs = transformers.GPT2LMHeadModel(config).to(device).eval()
    ours = GPT(gpt2_config(config.to_dict())).to(device).eval()
    load_gpt2(ours, theirs)
    return ours, theirs


def writing(model: nn.Module, prompts: Tensor, new: int, **options: Any) -> Callable[[], Tensor]:
    """A call that writes `new` tokens after each prompt, greedily, and returns them."""
    if isinstance(model, GPT):
        return partial(model.generate, prompts, max_new_tokens=new, **options)
    settings = model.generation_config.__class__(
        max_new_tokens=new, do_sample=False, use_cache=True, pad_token_id=0, eos_token_id=None
    )
    seen = torch.ones_like(prompts)

    def write() -> Tensor:
        tokens = model.generate(prompts, attention_mask=seen, generation_config=settings)
        return tokens[:, prompts.shape[1] :]

    return write


@torch.inference_mode()
def write_bare(model: GPT, prompts: Tensor, new: int) -> Tensor:
    """Greedy tokens by a loop of bare operations: one product for query, key and value, no modules.

    Args:
        model: of GPT-2's kind: learned positions, LayerNorm, biases, tanh GELU, heads of their own.
        prompts: int64 (B, T).
        new: tokens to write.

    Returns:
        int64 (B, new), what `model.generate` writes.
    """
    B, C, H = len(prompts), model.config.d_model, model.config.num_heads
    table, places = model.token_embedding.weight, model.positions.table.weight
    weights = [_weights(block) for block in model.blocks]
    final, out = model.final_norm, model.out_proj.weight
    shape = len(weights), 2, B, H, prompts.shape[1] + new, C // H
    cache = torch.empty(shape, device=prompts.device)
    written, start, tokens = [], 0, prompts
    while len(written) < new:
        T = tokens.shape[1]
        end = start + T
        x = table[tokens] + places[start:end]
        for (norm, packed, back, second_norm, up, down), kept in zip(weights, cache, strict=True):
            heads = F.linear(F.layer_norm(x, (C,), *norm), *packed).view(B, T, 3, H, C // H)
            query, key, value = heads.permute(2, 0, 3, 1, 4)
            kept[0, :, :, start:end] = key
            kept[1, :, :, start:end] = value
            context = F.scaled_dot_product_attention(
                query, kept[0, :, :, :end], kept[1, :, :, :end], is_causal=T > 1
            )
            x = x + F.linear(context.transpose(1, 2).reshape(B, T, C), *back)
            hidden = F.linear(F.layer_norm(x, (C,), *second_norm), *up)
            x = x + F.linear(F.gelu(hidden, approximate="tanh"), *down)
        logits = F.linear(F.layer_norm(x[:, -1], (C,), final.weight, final.bias), out)
        tokens = logits.argmax(dim=-1, keepdim=True)
        written.append(tokens)
        start = end
    return torch.cat(written, dim=1)


def _weights(block: torch.nn.Module) -> tuple[tuple[Tensor, Tensor], ...]:
    """Weight and bias of what a block does, in order, its three projections as one."""
    attention, feed_forward = block.attention, block.feed_forward
    three = attention.q_proj, attention.k_proj, attention.v_proj
    packed = torch.cat([p.weight for p in three]), torch.cat([p.bias for p in three])
    norm, back, second_norm, up, down = (
        (module.weight, module.bias)
        for module in (
            block.attention_norm,
            attention.out_proj,
            block.feed_forward_norm,
            feed_forward.up_proj,
            feed_forward.down_proj,
        )
    )
    return norm, packed, back, second_norm, up, down
