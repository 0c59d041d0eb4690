import pytest
import torch
from torch import nn

from txlib.layers import FeedForward, GatedFeedForward, LayerNorm, RMSNorm
from txlib.layers.residual_block import ResidualBlock, new_feed_forward, new_norm

B, T, C, F = 2, 5, 3, 7  # all different: a swapped axis cannot pass


class Doubling(ResidualBlock):
    """Twice what it sees, whose norm takes 1 away."""

    def forward(self, x):
        return self.add(x, lambda x: 2 * x, lambda x: x - 1)

    def residual_projections(self):
        return []


def test_both_orders_by_hand():
    x = torch.tensor([[[5.0]]])
    assert Doubling(1, "pre", 0.0)(x).item() == 5 + 2 * (5 - 1)
    assert Doubling(1, "post", 0.0)(x).item() == (5 + 2 * 5) - 1


@pytest.mark.parametrize("norm_order", ["pre", "post"])
def test_dropout_falls_on_what_is_added_not_on_the_stream(norm_order):
    block, x = Doubling(C, norm_order, 0.25), torch.full((B, T, C), 5.0)
    out, added = block(x), 8 if norm_order == "pre" else 10
    stream = 5 if norm_order == "pre" else 4  # what is left where the addition was dropped
    full = stream + added / 0.75
    dropped = out.eq(stream)
    assert 0 < dropped.sum() < out.numel()
    torch.testing.assert_close(out[~dropped], torch.full_like(out[~dropped], full))
    torch.testing.assert_close(block.eval()(x), torch.full_like(x, stream + added))


def test_before_the_norm_the_stream_has_a_way_past_everything():
    """With post-norm every gradient goes through the norms; with pre-norm one part does not."""
    grads = {}
    for norm_order in ("pre", "post"):
        block, x = Doubling(C, norm_order, 0.0), torch.ones(B, T, C).requires_grad_()
        out = x
        for _ in range(4):
            out = block.add(out, torch.zeros_like, lambda x: x / 10)
        out.sum().backward()
        grads[norm_order] = x.grad
    torch.testing.assert_close(grads["pre"], torch.ones(B, T, C), rtol=0, atol=0)
    torch.testing.assert_close(grads["post"], torch.full((B, T, C), 1e-4))


def test_parts_by_name():
    layer, plain, rms = (
        new_norm("layer", C, bias=True),
        new_norm("layer", C, bias=False),
        new_norm("rms", C, bias=True),
    )
    assert isinstance(layer, LayerNorm)
    assert layer.bias is not None
    assert plain.bias is None
    assert isinstance(rms, RMSNorm)
    for activation in ("relu", "gelu", "gelu_tanh"):
        made = new_feed_forward(activation, C, F, dropout=0.2, bias=False)
        expected = FeedForward(C, F, activation=activation, dropout=0.2, bias=False)
        assert str(made) == str(expected)
    made = new_feed_forward("swiglu", C, F, dropout=0.2, bias=True)
    assert str(made) == str(GatedFeedForward(C, F, dropout=0.2, bias=True))


def test_bad_arguments():
    with pytest.raises(ValueError, match="d_model must be at least 1, got 0"):
        Doubling(0, "pre", 0.0)
    with pytest.raises(ValueError, match=r"x must have shape \(B, T, 3\), got \(2, 5, 4\)"):
        Doubling(C, "pre", 0.0).check_stream(torch.zeros(B, T, C + 1))
    with pytest.raises(ValueError, match=r"norm_order must be one of \('pre', 'post'\), got 'mid'"):
        Doubling(C, "mid", 0.0)
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\), got 1\.0"):
        Doubling(C, "pre", 1.0)
    with pytest.raises(ValueError, match=r"norm must be one of \('layer', 'rms'\), got 'batch'"):
        new_norm("batch", C, bias=True)
    with pytest.raises(ValueError, match=r"activation must be .* 'swiglu'\), got 'tanh'"):
        new_feed_forward("tanh", C, F, dropout=0.0, bias=True)


def test_a_block_must_say_what_it_adds():
    class Silent(ResidualBlock):
        forward = nn.Identity.forward

    with pytest.raises(TypeError, match=r"abstract method '?residual_projections"):
        Silent(C, "pre", 0.0)
