import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from txlib.recurrent import GRU, LSTM, RNN, run_fused

B, T, C, H, L = 4, 6, 3, 5, 2
PAIRS = [(RNN, nn.RNN), (LSTM, nn.LSTM), (GRU, nn.GRU)]
MASKS = {
    "none": None,
    "full": torch.ones(B, T, dtype=torch.bool),
    "right": torch.arange(T) < torch.tensor([4, 6, 1, 3])[:, None],
    "left": torch.arange(T) >= torch.tensor([4, 0, 1, 3])[:, None],
    "short": torch.arange(T) < torch.tensor([2, 4, 0, 3])[:, None],
    "empty": torch.zeros(B, T, dtype=torch.bool),
}


def as_tuple(state):
    return state if isinstance(state, tuple) else (state,)


def twins(ours, theirs, *, directions=1, dtype=torch.float64):
    readable = ours(C, H, L, bidirectional=directions == 2).to(dtype)
    fused = theirs(C, H, L, batch_first=True, bidirectional=directions == 2).to(dtype)
    fused.load_state_dict(readable.state_dict())
    return readable, fused


def initial_state(kind, directions):
    states = tuple(torch.randn(L * directions, B, H).double() for _ in range(2))
    return states if kind is LSTM else states[0]


def collect(run, x, state, parameters):
    leaves = [t.clone().requires_grad_() for t in (x, *([] if state is None else as_tuple(state)))]
    given = None
    if state is not None:
        given = tuple(leaves[1:]) if isinstance(state, tuple) else leaves[1]
    output, final = run(leaves[0], given)
    results = [output, *as_tuple(final)]
    loss = sum((r * torch.linspace(-1, 2, r.numel()).view_as(r)).sum() for r in results)
    return results + list(torch.autograd.grad(loss, [*leaves, *parameters]))


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_readable_equals_fused_in_values_and_gradients(ours, theirs, directions, with_state, mask):
    readable, fused = twins(ours, theirs, directions=directions)
    x = torch.randn(B, T, C).double()
    state = initial_state(ours, directions) if with_state else None
    mine = collect(lambda x, s: readable(x, s, mask=mask), x, state, readable.parameters())
    torchs = collect(lambda x, s: run_fused(fused, x, s, mask=mask), x, state, fused.parameters())
    for a, b in zip(mine, torchs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.lists(st.booleans(), min_size=T, max_size=T), min_size=B, max_size=B))
def test_readable_equals_fused_for_any_mask(rows):
    torch.manual_seed(0)
    readable, fused = twins(LSTM, nn.LSTM, directions=2)
    x, mask = torch.randn(B, T, C).double(), torch.tensor(rows)
    mine, torchs = readable(x, mask=mask), run_fused(fused, x, mask=mask)
    for a, b in zip((mine[0], *mine[1]), (torchs[0], *torchs[1]), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_what_stands_at_masked_positions_does_not_matter():
    fused, mask = nn.LSTM(C, H, batch_first=True), MASKS["short"]
    x = torch.randn(B, T, C)
    expected = run_fused(fused, x, mask=mask)
    x[~mask] = torch.nan
    x.requires_grad_()
    output, (h, c) = run_fused(fused, x, mask=mask)
    torch.testing.assert_close((output, (h, c)), expected, rtol=0, atol=0)
    (output.sum() + h.sum() + c.sum()).backward()
    assert x.grad.isfinite().all()
    assert x.grad[~mask].eq(0).all()


def test_one_step_of_one_row():
    readable, fused = twins(GRU, nn.GRU)
    x, mask = torch.randn(1, 1, C).double(), torch.tensor([[True]])
    torch.testing.assert_close(run_fused(fused, x, mask=mask), readable(x, mask=mask))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["none", "right", "left"])
def test_autocast_errs_at_most_twice_as_much_as_the_readable_path(name, dtype):
    readable, fused = twins(LSTM, nn.LSTM, directions=2, dtype=torch.float32)
    x, mask = torch.randn(B, T, C), MASKS[name]
    exact = copy.deepcopy(readable).double()(x.double(), mask=mask)[0]
    with torch.autocast("cpu", dtype):
        low, _ = run_fused(fused, x, mask=mask)
        plain, _ = readable(x, mask=mask)
    assert (low - exact).abs().max() <= 2 * (plain - exact).abs().max()
    low.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in fused.parameters())


def test_needs_batch_first():
    with pytest.raises(ValueError, match="batch_first=True, got batch_first=False"):
        run_fused(nn.LSTM(C, H), torch.zeros(B, T, C))


def test_bad_input():
    fused = nn.LSTM(C, H, batch_first=True)
    with pytest.raises(ValueError, match=r"input must have shape .*size=3\), got \(4, 6, 2\)"):
        run_fused(fused, torch.zeros(B, T, C - 1))
    with pytest.raises(ValueError, match=r"input must have shape .* got \(6, 3\)"):
        run_fused(fused, torch.zeros(T, C))
    with pytest.raises(ValueError, match=r"mask must have shape \(B, T\) = \(4, 6\), got \(4, 5\)"):
        run_fused(fused, torch.zeros(B, T, C), mask=MASKS["full"][:, :5])
    with pytest.raises(ValueError, match=r"mask must be bool .*, got torch.float32"):
        run_fused(fused, torch.zeros(B, T, C), mask=MASKS["full"].float())
