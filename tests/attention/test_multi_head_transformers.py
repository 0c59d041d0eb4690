"""The same weights in the attention of Llama and of Qwen3: grouped, rotated, normalised."""

from functools import partial

import pytest
import torch
from torch import nn

from txlib.attention import MultiHeadAttention
from txlib.positions import RotaryEmbedding

B, T, C, H, H_KV, D = 2, 7, 12, 6, 3, 4  # all different: a swapped axis cannot pass
BASE = 500.0


@pytest.fixture(params=["llama", "llama with bias", "qwen3"])
def pair(request):
    """Ours, theirs as a function of x, and parameters of both in the same order."""
    transformers = pytest.importorskip("transformers")
    family = request.param.split()[0]
    modeling = pytest.importorskip(f"transformers.models.{family}.modeling_{family}")
    name = {"llama": "Llama", "qwen3": "Qwen3"}[family]
    config = getattr(transformers, f"{name}Config")(
        hidden_size=C,
        num_attention_heads=H,
        num_key_value_heads=H_KV,
        head_dim=D,
        attention_bias="bias" in request.param,
        rope_parameters={"rope_type": "default", "rope_theta": BASE},
        rms_norm_eps=1e-6,
        attn_implementation="eager",
    )
    reference = getattr(modeling, f"{name}Attention")(config, layer_idx=0)
    rotary = getattr(modeling, f"{name}RotaryEmbedding")(config)
    for parameter in reference.parameters():
        nn.init.normal_(parameter, std=0.5)
    ours = MultiHeadAttention(
        C,
        H,
        num_kv_heads=H_KV,
        head_dim=D,
        bias="bias" in request.param,
        qk_norm=family == "qwen3",
        rotary=RotaryEmbedding(D, base=BASE, pairing="half"),
    )
    state = {name.replace("o_proj", "out_proj"): x for name, x in reference.state_dict().items()}
    ours.load_state_dict(state)
    future = torch.full((T, T), -torch.inf).triu(1)[None, None]

    def theirs(x):
        angles = rotary(x, torch.arange(T)[None])
        return reference(x, position_embeddings=angles, attention_mask=future)[0]

    mine, others = dict(ours.named_parameters()), dict(reference.named_parameters())
    names = [name.replace("out_proj", "o_proj") for name in mine]
    return ours, theirs, list(mine.values()), [others[name] for name in names]


def test_values_and_gradients_are_the_same(pair, listen, collect):
    ours, theirs, mine, others = pair
    x = torch.randn(B, T, C)
    a = collect(partial(listen(ours), is_causal=True), x, parameters=mine)
    b = collect(theirs, x, parameters=others)
    assert len(a) == 2 + len(mine)
    for left, right in zip(a, b, strict=True):  # their norm and angles are in float32
        torch.testing.assert_close(left, right, rtol=1e-4, atol=2e-5)
