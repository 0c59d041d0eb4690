import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from txlib.attention import OnlineSoftmax

B, T_Q, T_K, D_V = 2, 3, 7, 5  # all different: a swapped axis cannot pass
LOWEST = torch.finfo(torch.float64).min


@pytest.fixture
def tiles():
    return torch.randn(B, T_Q, T_K).double() * 3, torch.randn(B, T_K, D_V).double()


def empty(*shape, base=math.e):
    return OnlineSoftmax.empty(shape, base=base, dtype=torch.float64)


def seen(scores, values, *sizes):
    """The state after the keys in tiles of those sizes."""
    state = empty(*scores.shape[:-1], values.shape[-1])
    for tile in zip(scores.split(sizes, dim=-1), values.split(sizes, dim=-2), strict=True):
        state = state.update(*tile)
    return state


def assert_equal(a, b):
    for name in ("maximum", "total", "context"):
        torch.testing.assert_close(getattr(a, name), getattr(b, name))


def test_two_tiles_by_hand():
    first = torch.tensor([[0.0, math.log(2)]]).double()
    second = torch.tensor([[math.log(4), math.log(6)]]).double()
    state = empty(1, 1).update(first, torch.tensor([[1.0], [3.0]]).double())
    torch.testing.assert_close(state.maximum.item(), math.log(2))
    torch.testing.assert_close(state.total.item(), 1 / 2 + 1)
    torch.testing.assert_close(state.context.item(), 1 / 2 + 3)
    state = state.update(second, torch.tensor([[-2.0], [5.0]]).double())
    torch.testing.assert_close(state.maximum.item(), math.log(6))
    torch.testing.assert_close(state.total.item(), (1 + 2 + 4 + 6) / 6)  # 1.5 shrank by 2 / 6
    torch.testing.assert_close(state.context.item(), (1 + 6 - 8 + 30) / 6)
    torch.testing.assert_close(state.average().item(), 29 / 13)
    torch.testing.assert_close(state.logsumexp().item(), math.log(13))


def test_a_smaller_score_leaves_the_maximum_and_the_total_so_far():
    value = torch.ones(1, 1).double()
    state = empty(1, 1).update(torch.tensor([[math.log(8)]]).double(), value)
    state = state.update(torch.tensor([[math.log(2)]]).double(), 5 * value)
    torch.testing.assert_close(state.maximum.item(), math.log(8))
    torch.testing.assert_close(state.total.item(), 1 + 1 / 4)
    torch.testing.assert_close(state.context.item(), 1 + 5 / 4)


@pytest.mark.parametrize("sizes", [(7,), (1, 6), (3, 4), (1,) * 7, (2, 1, 4)])
def test_equals_softmax_over_all_keys(tiles, sizes):
    scores, values = tiles
    state = seen(scores, values, *sizes)
    torch.testing.assert_close(state.average(), scores.softmax(dim=-1) @ values)
    torch.testing.assert_close(state.logsumexp(), scores.logsumexp(dim=-1, keepdim=True))


@pytest.mark.parametrize("sizes", [(7,), (2, 1, 4)])
def test_base_two_gives_the_same_weights_of_scores_in_bits(tiles, sizes):
    scores, values = tiles
    state = empty(B, T_Q, D_V, base=2)
    for tile, piece in zip(scores.split(sizes, -1), values.split(sizes, -2), strict=True):
        state = state.update(tile * math.log2(math.e), piece)
    same = seen(scores, values, *sizes)
    torch.testing.assert_close(state.average(), same.average())
    torch.testing.assert_close(state.total, same.total)
    torch.testing.assert_close(state.logsumexp() * math.log(2), same.logsumexp())
    torch.testing.assert_close(state.merge(state).total, 2 * state.total)


def test_gradients_equal_those_of_softmax(tiles, collect):
    mine = collect(lambda *leaves: seen(*leaves, 3, 4).average(), *tiles)
    full = collect(lambda scores, values: scores.softmax(dim=-1) @ values, *tiles)
    for a, b in zip(mine, full, strict=True):
        torch.testing.assert_close(a, b)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_order_and_any_grouping_of_mergers(data):
    torch.manual_seed(data.draw(st.integers(0, 99), label="seed"))
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=6), label="sizes")
    scores = torch.randn(T_Q, sum(sizes)).double() * data.draw(st.sampled_from([0.1, 1, 100]))
    scores = scores.masked_fill(torch.rand(scores.shape) > 0.7, -torch.inf)
    values = torch.randn(sum(sizes), D_V).double()
    split = zip(scores.split(sizes, dim=-1), values.split(sizes), strict=True)
    parts = [empty(T_Q, D_V).update(*tile) for tile in split]
    while len(parts) > 1:
        a = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        b = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        parts.append(a.merge(b))
    assert_equal(parts[0], seen(scores, values, *sizes))


def test_the_empty_state_changes_nothing(tiles):
    state = seen(*tiles, T_K)
    nothing = empty(B, T_Q, D_V)
    assert_equal(state.merge(nothing), state)
    assert_equal(nothing.merge(state), state)
    assert_equal(nothing.merge(nothing), nothing)


def test_who_sees_nothing_averages_to_zero(tiles):
    scores, values = tiles
    scores = scores.clone()
    scores[:, 1] = -torch.inf
    scores[:, 2, :4] = -torch.inf  # its first tile is empty, its second is not
    state = seen(scores, values, 4, 3)
    assert state.average()[:, 1].eq(0).all()
    assert state.logsumexp()[:, 1].eq(LOWEST).all()
    torch.testing.assert_close(
        state.average()[:, 2:], scores[:, 2:, 4:].softmax(dim=-1) @ values[:, 4:]
    )


@pytest.mark.parametrize("shift", [-1e4, 1e4])
def test_scores_whose_exponential_is_no_number(tiles, shift):
    scores, values = tiles
    torch.testing.assert_close(
        seen(scores + shift, values, 2, 5).average(), scores.softmax(dim=-1) @ values
    )


def test_the_total_is_at_least_one_once_a_key_was_seen(tiles):
    scores, values = tiles
    for state in (seen(scores[..., :k], values[:, :k], k) for k in range(1, T_K + 1)):
        assert state.total.ge(1).all()


def test_update_leaves_state_and_scores_as_they_were(tiles):
    state = seen(*tiles, T_K)
    kept = [x.clone() for x in (state.maximum, state.total, state.context, *tiles)]
    state.update(*tiles)
    state.merge(state)
    now = (state.maximum, state.total, state.context, *tiles)
    assert all(torch.equal(a, b) for a, b in zip(kept, now, strict=True))


def test_out_receives_the_weights_and_may_be_the_scores(tiles):
    scores, values = tiles
    expected = empty(B, T_Q, D_V).update(scores, values)
    memory = scores.clone()
    assert_equal(empty(B, T_Q, D_V).update(memory, values, out=memory), expected)
    torch.testing.assert_close(memory, (scores - scores.amax(dim=-1, keepdim=True)).exp())


def test_empty_takes_dtype_and_device():
    state = OnlineSoftmax.empty((2, 3), dtype=torch.float32, device="meta")
    assert (state.total.shape, state.maximum.shape, state.context.shape) == ((2, 1), (2, 1), (2, 3))
    assert {x.dtype for x in (state.maximum, state.total, state.context)} == {torch.float32}
    assert state.maximum.device.type == "meta"


def test_another_base():
    with pytest.raises(ValueError, match="base must be e or 2, got 10"):
        empty(2, 3, base=10)
    with pytest.raises(ValueError, match=r"must share a base, got 2 and 2\.718"):
        empty(2, 3, base=2).merge(empty(2, 3))
