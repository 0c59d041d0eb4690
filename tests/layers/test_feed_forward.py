import copy
import math

import pytest
import torch
from torch import nn

from txlib.layers import FeedForward

B, T, C, F = 2, 5, 3, 7  # all different: a swapped axis cannot pass
BENDS = {"relu": nn.ReLU(), "gelu": nn.GELU(), "gelu_tanh": nn.GELU(approximate="tanh")}
activations = pytest.mark.parametrize("activation", BENDS)


def test_by_hand():
    module = FeedForward(1, 2)
    values = {
        "up_proj.weight": [[2.0], [-1.0]],
        "up_proj.bias": [1.0, 1.0],
        "down_proj.weight": [[10.0, 100.0]],
        "down_proj.bias": [0.5],
    }
    module.load_state_dict({name: torch.tensor(value) for name, value in values.items()})
    x = torch.tensor([[[3.0], [-2.0]]])  # hidden (7, -2) and (-3, 3) before the bend
    torch.testing.assert_close(module(x), torch.tensor([[[70.5], [300.5]]]))


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", 1.0),
        ("gelu", 0.5 * (1 + math.erf(math.sqrt(0.5)))),
        ("gelu_tanh", 0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * 1.044715))),
    ],
)
def test_activations_at_one_by_hand(activation, expected):
    module = FeedForward(1, 1, activation=activation, bias=False).double()
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    out = module(torch.ones(1, 1, 1).double())
    assert out.item() == pytest.approx(expected, abs=1e-14)


@activations
@pytest.mark.parametrize("bias", [True, False])
def test_equals_a_sequence_in_values_and_gradients(activation, bias, collect):
    ours = FeedForward(C, F, activation=activation, bias=bias).double()
    theirs = nn.Sequential(
        nn.Linear(C, F, bias=bias), BENDS[activation], nn.Linear(F, C, bias=bias)
    ).double()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(B, T, C).double()
    mine = collect(ours, x, parameters=list(ours.parameters()))
    reference = collect(theirs, x, parameters=list(theirs.parameters()))
    assert len(mine) == (6 if bias else 4)
    for a, b in zip(mine, reference, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@activations
def test_a_token_is_seen_by_itself(activation):
    module, x = FeedForward(C, F, activation=activation), torch.randn(B, T, C)
    alone = torch.stack([torch.stack([module(token) for token in row]) for row in x])
    torch.testing.assert_close(module(x), alone)


def test_without_the_bend_it_is_one_linear_map():
    """Of which C x C numbers are all there is: the hidden width buys nothing."""
    module = FeedForward(C, F).double()
    module.activation = nn.Identity()
    x = torch.randn(B, T, C).double()
    W = module.down_proj.weight @ module.up_proj.weight
    b = module.down_proj.weight @ module.up_proj.bias + module.down_proj.bias
    torch.testing.assert_close(module(x), x @ W.T + b)


def test_dropout_falls_on_the_hidden_activations_and_only_in_training():
    module, x = FeedForward(C, F, dropout=0.4), torch.randn(B, T, C)
    torch.manual_seed(1)
    trained = module(x)
    torch.manual_seed(1)
    kept = nn.functional.dropout(torch.ones(B, T, F), 0.4)
    hidden = module.up_proj(x).relu() * kept
    torch.testing.assert_close(trained, module.down_proj(hidden))
    assert not module(x).allclose(trained)
    module.eval()
    torch.testing.assert_close(module(x), module.down_proj(module.up_proj(x).relu()))
    torch.testing.assert_close(module(x), module(x), rtol=0, atol=0)


def test_a_hook_on_the_activation_reads_the_hidden_features():
    module, x, kept = FeedForward(C, F), torch.randn(B, T, C), []
    module.activation.register_forward_hook(lambda _, arguments, hidden: kept.append(hidden))
    module(x)
    torch.testing.assert_close(kept[0], module.up_proj(x).relu())


@activations
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_errs_at_most_twice_as_much_as_the_formula(activation, dtype, collect):
    module = FeedForward(24, 96, activation=activation).to(dtype)
    x = torch.randn(B, 33, 24).to(dtype)

    def formula(module, x):
        up, down = module.up_proj, module.down_proj
        return BENDS[activation](x @ up.weight.T + up.bias) @ down.weight.T + down.bias

    def run(call, module, x):
        return collect(lambda x: call(module, x), x, parameters=list(module.parameters()))

    exact = run(formula, copy.deepcopy(module).double(), x.double())
    mine, plain = run(lambda module, x: module(x), module, x), run(formula, module, x)
    for e, a, b in zip(exact, mine, plain, strict=True):
        assert a.dtype == dtype
        assert (a - e).abs().max() <= 2 * (b - e).abs().max()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, F), {}, "d_model must be at least 1, got 0"),
        ((C, -1), {}, "d_ff must be at least 1, got -1"),
        ((C, F), {"activation": "tanh"}, r"activation must be one of \('relu', .*, got 'tanh'"),
        ((C, F), {"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1\.0"),
        ((C, F), {"dropout": -0.1}, r"dropout must be in \[0, 1\), got -0\.1"),
    ],
)
def test_bad_arguments(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        FeedForward(*arguments, **options)


def test_bad_input():
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 3\), got \(2, 3, 5\)"):
        FeedForward(C, F)(torch.zeros(B, C, T))
