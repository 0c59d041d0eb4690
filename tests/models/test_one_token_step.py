"""A step without modules is the step with them, and steps aside where somebody looks."""

import pytest
import torch
from torch import nn

from txlib.attention import silence_heads
from txlib.capture import capture_weights
from txlib.layers import EncoderBlock
from txlib.models import GPT, GPTConfig
from txlib.models.one_token_step import one_token_block
from txlib.positions import SCHEMES

B, T, V, C, H, L, F = 3, 7, 13, 16, 4, 2, 10
SIZES = {"vocab_size": V, "d_model": C, "num_heads": H, "num_layers": L, "d_ff": F}


def gpt(**options):
    model = GPT(GPTConfig(**SIZES, max_seq_len=24, **options)).double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model.requires_grad_(False)


@pytest.fixture
def tokens():
    return torch.randint(V, (B, T))


def calls(model, monkeypatch):
    """How many blocks are called as modules while one token is read."""
    step, seen = model.stepper(model.new_cache(B, max_len=T)), []

    def noted(block, *arguments, **options):
        seen.append(block)
        return forward(block, *arguments, **options)

    forward = EncoderBlock.forward
    with monkeypatch.context() as patched:
        patched.setattr(EncoderBlock, "forward", noted)
        step(torch.zeros(B, 1, dtype=torch.int64))
    return len(seen)


def check(model, tokens):
    expected = model(tokens)
    cache = model.new_cache(B, max_len=T)
    step = model.stepper(cache)
    steps = [step(tokens[:, t : t + 1]) for t in range(T)]
    torch.testing.assert_close(torch.cat(steps, dim=1), expected, rtol=0, atol=1e-10)
    assert all(kept.offset == T for kept in cache)


@pytest.mark.parametrize("num_kv_heads", [4, 2, 1])
@pytest.mark.parametrize("positions", SCHEMES)
def test_steps_equal_the_whole(tokens, positions, num_kv_heads, monkeypatch):
    model = gpt(positions=positions, num_kv_heads=num_kv_heads)
    check(model, tokens)
    assert calls(model, monkeypatch) == 0


@pytest.mark.parametrize("activation", ["relu", "gelu", "gelu_tanh", "swiglu"])
@pytest.mark.parametrize(("norm", "window"), [("layer", 3), ("rms", None)])
def test_steps_equal_the_whole_with_other_parts(tokens, activation, norm, window, monkeypatch):
    model = gpt(activation=activation, norm=norm, window=window, positions="rope")
    check(model, tokens)
    assert calls(model, monkeypatch) == 0


def test_norms_keep_their_epsilon(tokens):
    model = gpt(norm="rms")
    for block in model.blocks:
        block.attention_norm.eps = block.feed_forward_norm.eps = 0.7
    check(model, tokens)


def test_weights_may_change_in_place_meanwhile(tokens):
    model = gpt()
    step = model.stepper(model.new_cache(B, max_len=T))
    for parameter in model.parameters():
        parameter.mul_(1.5)
    torch.testing.assert_close(step(tokens[:, :1]), model(tokens[:, :1]), rtol=0, atol=1e-10)


def test_who_looks_sees_every_call(tokens, monkeypatch):
    model = gpt()
    with capture_weights(model) as weights:
        check(model, tokens)
    assert len(weights["blocks.1.attention"]) == T + 1
    with silence_heads(model.blocks[1].attention, [0, 2]):
        check(model, tokens)
    seen = []
    with model.blocks[0].feed_forward.activation.register_forward_hook(
        lambda module, arguments, out: seen.append(out.shape)
    ):
        model.generate(tokens, max_new_tokens=3)
        assert seen == [(B, T - 1, F)] + [(B, 1, F)] * 3
        assert calls(model, monkeypatch) == 1  # the other block is left alone


def test_what_is_unknown_is_called(tokens, monkeypatch):
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    model = gpt()
    proj = Doubled(C, C).double()
    model.blocks[1].attention.v_proj = proj.requires_grad_(False)
    check(model, tokens)
    assert calls(model, monkeypatch) == 1
    assert calls(gpt().train(), monkeypatch) == L
    with torch.autocast("cpu", torch.bfloat16):
        assert calls(gpt().float(), monkeypatch) == L


def test_rows_that_part_are_read_as_such(tokens):
    model = gpt(positions="rope")
    cache = model.new_cache(B, max_len=T)
    step = model.stepper(cache)
    for t in range(4):
        step(tokens[:, t : t + 1])
    for kept in cache:
        kept.rollback(torch.tensor([4, 1, 2]))
    found = step(tokens[:, 5:6])
    for row, length in enumerate([4, 1, 2]):
        text = torch.cat((tokens[row, :length], tokens[row, 5:6]))
        torch.testing.assert_close(found[row, 0], model(text[None])[0, -1], rtol=0, atol=1e-10)


def test_a_block_alone(tokens):
    model = gpt(positions="none")
    block, stream = model.blocks[0], torch.randn(B, T, C).double()
    step = one_token_block(block, model.new_cache(B, max_len=T)[0])
    steps = torch.stack([step(stream[:, t]) for t in range(T)], dim=1)
    torch.testing.assert_close(steps, block(stream, is_causal=True), rtol=0, atol=1e-10)


def test_half_precision_stays(tokens):
    model = gpt(positions="alibi", num_kv_heads=2)
    exact = model(tokens)
    model = model.bfloat16()
    step = model.stepper(model.new_cache(B, max_len=T))
    found = torch.cat([step(tokens[:, t : t + 1]) for t in range(T)], dim=1)
    assert found.dtype == torch.bfloat16
    errors = [(out.double() - exact).norm() for out in (found, model(tokens))]
    assert errors[0] <= 2 * errors[1]
