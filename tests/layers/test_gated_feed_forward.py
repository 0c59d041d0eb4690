import copy
import math

import pytest
import torch
from torch import nn

from txlib.layers import FeedForward, GatedFeedForward

B, T, C, F = 2, 5, 3, 7  # all different: a swapped axis cannot pass


def formula(module, x):
    """Shazeer 2020, in whatever precision it is given."""
    W, V, W2 = (getattr(module, f"{name}_proj").weight.T for name in ("gate", "up", "down"))
    gate = x @ W
    return (gate * torch.sigmoid(gate) * (x @ V)) @ W2


def test_by_hand():
    module = GatedFeedForward(1, 1).double()
    values = {"gate_proj": math.log(3), "up_proj": 2.0, "down_proj": 10.0}
    for name, value in values.items():
        nn.init.constant_(getattr(module, name).weight, value)
    gate = math.log(3) * 0.75  # the sigmoid of ln 3 is 3/4
    out = module(torch.ones(1, 1, 1).double())
    assert out.item() == pytest.approx(gate * 2 * 10, abs=1e-14)


def test_equals_transformers_in_values_and_gradients(collect):
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    from transformers import LlamaConfig

    config = LlamaConfig(hidden_size=C, intermediate_size=F, num_attention_heads=1)
    theirs, ours = llama.LlamaMLP(config).double(), GatedFeedForward(C, F).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(B, T, C).double()
    names = [name for name, _ in ours.named_parameters()]
    mine, reference = (
        collect(module, x, parameters=[module.get_parameter(name) for name in names])
        for module in (ours, theirs)
    )
    for a, b in zip(mine, reference, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_equals_the_formula_in_values_and_gradients(bias, collect):
    module, x = GatedFeedForward(C, F, bias=bias).double(), torch.randn(B, T, C).double()
    linears = [module.gate_proj, module.up_proj, module.down_proj]
    assert all((linear.bias is not None) == bias for linear in linears)
    if bias:
        for linear in linears:
            nn.init.zeros_(linear.bias)
    parameters = [linear.weight for linear in linears]
    mine = collect(module, x, parameters=parameters)
    reference = collect(lambda x: formula(module, x), x, parameters=parameters)
    for a, b in zip(mine, reference, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_a_shut_gate_lets_nothing_through():
    module, x = GatedFeedForward(C, F), torch.randn(B, T, C)
    nn.init.zeros_(module.gate_proj.weight)
    assert module(x).eq(0).all()


def test_two_thirds_of_the_width_cost_as_much_as_two_matrices():
    gated, plain = GatedFeedForward(C, 8), FeedForward(C, 12, bias=False)
    count = [sum(p.numel() for p in module.parameters()) for module in (gated, plain)]
    assert count[0] == count[1]


def test_a_token_is_seen_by_itself():
    module, x = GatedFeedForward(C, F), torch.randn(B, T, C)
    alone = torch.stack([torch.stack([module(token) for token in row]) for row in x])
    torch.testing.assert_close(module(x), alone)


def test_dropout_falls_on_the_gated_features_and_only_in_training():
    module, x = GatedFeedForward(C, F, dropout=0.4), torch.randn(B, T, C)
    torch.manual_seed(1)
    trained = module(x)
    torch.manual_seed(1)
    kept = nn.functional.dropout(torch.ones(B, T, F), 0.4)
    hidden = nn.functional.silu(module.gate_proj(x)) * module.up_proj(x) * kept
    torch.testing.assert_close(trained, module.down_proj(hidden))
    torch.testing.assert_close(module.eval()(x), formula(module, x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_errs_at_most_twice_as_much_as_the_formula(dtype, collect):
    module, x = GatedFeedForward(24, 96).to(dtype), torch.randn(B, 33, 24).to(dtype)

    def run(call, module, x):
        return collect(lambda x: call(module, x), x, parameters=list(module.parameters()))

    exact = run(formula, copy.deepcopy(module).double(), x.double())
    mine, plain = run(lambda module, x: module(x), module, x), run(formula, module, x)
    for e, a, b in zip(exact, mine, plain, strict=True):
        assert a.dtype == dtype
        assert (a - e).abs().max() <= 2 * (b - e).abs().max()


def test_bad_arguments():
    with pytest.raises(ValueError, match="d_model must be at least 1, got 0"):
        GatedFeedForward(0, F)
    with pytest.raises(ValueError, match="d_ff must be at least 1, got 0"):
        GatedFeedForward(C, 0)
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\), got 1\.5"):
        GatedFeedForward(C, F, dropout=1.5)
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 3\), got \(3, 5\)"):
        GatedFeedForward(C, F)(torch.zeros(C, T))
