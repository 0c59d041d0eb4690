"""GPT goes on from kept keys and values, as if it read the whole text."""

import pytest
import torch
from torch import nn

from txlib.capture import capture_weights
from txlib.models import GPT, GPTConfig
from txlib.positions import SCHEMES

B, T, V, C, H, L = 3, 11, 13, 16, 4, 2
SIZES = {"vocab_size": V, "d_model": C, "num_heads": H, "num_layers": L, "max_seq_len": 24}
schemes = pytest.mark.parametrize("positions", SCHEMES)


def gpt(**options):
    model = GPT(GPTConfig(**{**SIZES, **options})).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model.requires_grad_(False)


@pytest.fixture
def tokens():
    return torch.randint(V, (B, T))


def test_bytes_by_hand():
    """Two numbers a position, feature of a head, head and layer; four bytes each."""
    caches = GPT(GPTConfig(**SIZES, num_kv_heads=2)).new_cache(5, max_len=7)
    assert len(caches) == L
    assert sum(kept.nbytes for kept in caches) == 2 * 7 * (C // H) * 2 * L * 5 * 4
    assert gpt().bfloat16().new_cache(5, max_len=7)[0].nbytes == 2 * 7 * C * 5 * 2
    assert gpt(window=2).new_cache(5, max_len=7)[0].nbytes == 2 * 4 * C * 5 * 8


def check_pieces(model, tokens):
    whole = model(tokens)
    for sizes in ([1] * T, [5, 1, 1, 4], [T]):
        cache = model.new_cache(B, max_len=T)
        pieces = [model(piece, cache=cache) for piece in tokens.split(sizes, dim=1)]
        torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=0, atol=1e-10)


@schemes
@pytest.mark.parametrize("window", [None, 4])
def test_pieces_equal_the_whole(tokens, positions, window):
    check_pieces(gpt(positions=positions, num_kv_heads=2, window=window), tokens)


@pytest.mark.parametrize(("num_kv_heads", "norm"), [(4, "rms"), (1, "layer")])
def test_pieces_equal_the_whole_with_other_heads_and_norms(tokens, num_kv_heads, norm):
    options = {"activation": "swiglu", "tie_embeddings": False, "positions": "rope"}
    check_pieces(gpt(num_kv_heads=num_kv_heads, norm=norm, **options), tokens)


@schemes
@pytest.mark.parametrize("window", [None, 3])
def test_rows_of_unequal_lengths_equal_each_row_alone(tokens, positions, window):
    model, lengths = gpt(positions=positions, num_kv_heads=2, window=window), [T, 1, 6]
    cache = model.new_cache(B, max_len=20)
    model(tokens, cache=cache, counts=torch.tensor(lengths))
    rows = [tokens[row, :length] for row, length in enumerate(lengths)]
    for size in (1, 3, 1, 1):
        new = torch.randint(V, (B, size))
        found = model(new, cache=cache)
        for row in range(B):
            rows[row] = torch.cat((rows[row], new[row]))
            expected = model(rows[row][None])[0, -size:]
            torch.testing.assert_close(found[row], expected, rtol=0, atol=1e-10)


@schemes
def test_rolled_back_is_never_having_been_there(tokens, positions):
    model, cache = gpt(positions=positions), None
    for drafted in (0, 4):
        cache = model.new_cache(B, max_len=T)
        model(tokens[:, :6], cache=cache)
        model(tokens.flip(1)[:, :drafted], cache=cache)
        for kept in cache:
            kept.rollback(6)
        found = model(tokens[:, 6:], cache=cache)
        torch.testing.assert_close(found, model(tokens)[:, 6:], rtol=0, atol=1e-10)
    for kept in cache:
        kept.rollback(torch.tensor([4, 9, 7]))
    found = model(tokens[:, :2], cache=cache)
    for row, length in enumerate([4, 9, 7]):
        text = torch.cat((tokens[row, :length], tokens[row, :2]))
        expected = model(text[None])[0, -2:]
        torch.testing.assert_close(found[row], expected, rtol=0, atol=1e-10)


def test_selected_rows_go_on_as_they_would_have(tokens):
    model, rows = gpt(positions="rope"), torch.tensor([2, 2, 0, 1])
    cache = model.new_cache(B, max_len=T)
    model(tokens[:, :6], cache=cache)
    chosen = tuple(kept.select(rows) for kept in cache)
    found = model(tokens[rows, 6:], cache=chosen)
    torch.testing.assert_close(found, model(tokens)[rows, 6:], rtol=0, atol=1e-10)
    assert cache[0].offset == 6


def test_a_window_hides_what_lies_behind_it(tokens):
    """Two layers of window 3 reach back 4 tokens: two for each."""
    model, other = gpt(positions="rope", window=3), tokens.clone()
    other[:, 5] = (other[:, 5] + 1) % V
    gone = (model(other) - model(tokens)).abs().amax(dim=(0, 2))
    assert gone.gt(1e-9).tolist() == [False] * 5 + [True] * 5 + [False]
    wide = gpt(positions="rope", window=T)
    wide.load_state_dict(model.state_dict())
    free = gpt(positions="rope")
    free.load_state_dict(model.state_dict())
    torch.testing.assert_close(wide(tokens), free(tokens))


def test_gradients_with_a_cache_equal_those_without(tokens):
    model = gpt(positions="rope", num_kv_heads=2).requires_grad_()
    weights, parameters = torch.randn(B, T, V).double(), list(model.parameters())
    expected = torch.autograd.grad((model(tokens) * weights).sum(), parameters)
    cache = model.new_cache(B, max_len=T)
    pieces = [model(piece, cache=cache) for piece in tokens.split([5, 1, 5], dim=1)]
    found = torch.autograd.grad((torch.cat(pieces, dim=1) * weights).sum(), parameters)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


def test_weights_are_captured_step_by_step(tokens):
    model, cache = gpt(), None
    cache = model.new_cache(B, max_len=T)
    with capture_weights(model) as weights:
        model(tokens[:, :4], cache=cache)
        model(tokens[:, 4:5], cache=cache)
    assert [call.shape for call in weights["blocks.1.attention"]] == [(B, H, 4, 4), (B, H, 1, 5)]


def test_autocast_keeps_the_cache_in_its_precision(tokens):
    model = gpt(positions="rope").float()
    with torch.autocast("cpu", torch.bfloat16):
        cache = model.new_cache(B, max_len=T)
        assert cache[0].nbytes == 2 * T * C * B * 2
        found = torch.cat([model(p, cache=cache) for p in tokens.split([7, 4], dim=1)], dim=1)
        whole = model(tokens)
    assert found.dtype == torch.bfloat16
    exact = model.double()(tokens)
    errors = [(out.double() - exact).norm() for out in (found, whole)]
    assert errors[0] <= 2 * errors[1]


def test_refused(tokens):
    model = gpt()
    with pytest.raises(ValueError, match=r"at most max_seq_len=24,.* got 25 and 0"):
        model.new_cache(B, max_len=25)
    with pytest.raises(ValueError, match="window must be at least 1, got 0"):
        gpt(window=0)
    cache = model.new_cache(B, max_len=T)
    model(tokens, cache=cache)
    with pytest.raises(ValueError, match="at most max_len=11 positions, got 1 more after 11"):
        model(tokens[:, :1], cache=cache)
    with pytest.raises(ValueError, match=r"got \(2, 4, 1, 4\)"):
        model(tokens[:2, :1], cache=model.new_cache(B, max_len=T))
