import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from txlib.recurrent import GRU, LSTM, RNN, LSTMCell

B, T, C, H, L = 3, 6, 4, 5, 2
LENGTHS = torch.tensor([4, 6, 1])  # unsorted, the longest in the middle
PAIRS = [(RNN, nn.RNN), (LSTM, nn.LSTM), (GRU, nn.GRU)]
KINDS = [ours for ours, _ in PAIRS]


def right_padded(lengths=LENGTHS, steps=T):
    return torch.arange(steps) < lengths[:, None]


def as_tuple(state):
    return state if isinstance(state, tuple) else (state,)


def initial_state(kind, *, num_layers=L, directions=1, batch=B, dtype=torch.float64):
    states = tuple(torch.randn(num_layers * directions, batch, H, dtype=dtype) for _ in range(2))
    return states if kind in (LSTM, nn.LSTM) else states[0]


def collect(run, module, x, state):
    """Outputs, final states and the gradients of all that went in."""
    leaves = [t.clone().requires_grad_() for t in (x, *as_tuple(state))]
    given = tuple(leaves[1:]) if isinstance(state, tuple) else leaves[1]
    module.zero_grad()
    output, final = run(module, leaves[0], given)
    results = [output, *as_tuple(final)]
    sum((r * torch.linspace(-1, 2, r.numel()).view_as(r)).sum() for r in results).backward()
    return [
        *results,
        *(leaf.grad for leaf in leaves),
        *(p.grad.clone() for p in module.parameters()),
    ]


def assert_all_close(mine, theirs):
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_two_steps_by_hand():
    rnn = RNN(1, 1).double()
    for parameter, value in zip(rnn.parameters(), (2.0, 3.0, 0.1, 0.0), strict=True):
        nn.init.constant_(parameter, value)
    h_1 = math.tanh(2 * 0.5 + 0.1)
    h_2 = math.tanh(2 * -1.0 + 3 * h_1 + 0.1)
    output, final = rnn(torch.tensor([[[0.5], [-1.0]]], dtype=torch.float64))
    torch.testing.assert_close(output, torch.tensor([[[h_1], [h_2]]], dtype=torch.float64))
    torch.testing.assert_close(final, torch.tensor([[[h_2]]], dtype=torch.float64))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_equals_torch_in_values_and_gradients(ours, theirs, bias, num_layers, bidirectional):
    options = {"bias": bias, "bidirectional": bidirectional}
    mine = ours(C, H, num_layers, **options).double()
    reference = theirs(C, H, num_layers, batch_first=True, **options).double()
    mine.load_state_dict(reference.state_dict())
    x = torch.randn(B, T, C).double()
    state = initial_state(ours, num_layers=num_layers, directions=1 + bidirectional)
    for module in (mine, reference):
        assert list(module.state_dict()) == list(reference.state_dict())
    assert_all_close(
        collect(lambda m, x, s: m(x, s), mine, x, state),
        collect(lambda m, x, s: m(x, s), reference, x, state),
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_mask_equals_packed_sequences(ours, theirs, bidirectional):
    mine = ours(C, H, L, bidirectional=bidirectional).double()
    reference = theirs(C, H, L, batch_first=True, bidirectional=bidirectional).double()
    reference.load_state_dict(mine.state_dict())

    def packed(module, x, state):
        sequence = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
        output, final = module(sequence, state)
        return pad_packed_sequence(output, batch_first=True)[0], final

    x = torch.randn(B, T, C).double()
    state = initial_state(ours, directions=1 + bidirectional)
    assert_all_close(
        collect(lambda m, x, s: m(x, s, mask=right_padded()), mine, x, state),
        collect(packed, reference, x, state),
    )


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_dropout_between_layers_is_torchs(ours, theirs):
    mine = ours(C, H, 3, dropout=0.5)
    reference = theirs(C, H, 3, batch_first=True, dropout=0.5)
    reference.load_state_dict(mine.state_dict())
    x = torch.randn(1, T, C)  # one row: the same draws fall on the same places in either layout
    for module in (mine, reference):
        torch.manual_seed(3)
        module.dropped = module(x)[0].detach()
    torch.testing.assert_close(mine.dropped, reference.dropped)
    assert not torch.allclose(mine.dropped, mine.eval()(x)[0])
    torch.testing.assert_close(mine.eval()(x)[0], reference.eval()(x)[0])


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.lists(st.booleans(), min_size=T, max_size=T), min_size=B, max_size=B))
def test_a_masked_step_is_as_good_as_absent(rows):
    torch.manual_seed(0)
    lstm = LSTM(C, H, L, bidirectional=True).double()
    x, mask = torch.randn(B, T, C).double(), torch.tensor(rows)
    output, (h, c) = lstm(x, mask=mask)
    assert output[~mask].eq(0).all()
    for b in range(B):
        if mask[b].any():
            alone, (h_alone, c_alone) = lstm(x[b : b + 1, mask[b]])
            torch.testing.assert_close(output[b, mask[b]], alone[0])
            torch.testing.assert_close(h[:, b], h_alone[:, 0])
            torch.testing.assert_close(c[:, b], c_alone[:, 0])


def test_first_outputs_do_not_see_later_inputs():
    gru, x = GRU(C, H, L), torch.randn(B, T, C)
    changed = x.clone()
    changed[:, 3:] += 1
    before, after = gru(x)[0], gru(changed)[0]
    torch.testing.assert_close(before[:, :3], after[:, :3], rtol=0, atol=0)
    assert not torch.isclose(before[:, 3:], after[:, 3:]).any()


def test_one_step_is_the_cell():
    lstm, cell = LSTM(C, H), LSTMCell(C, H)
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in lstm.state_dict().items()})
    x, (h, c) = torch.randn(1, 1, C), (torch.randn(1, H), torch.randn(1, H))
    output, final = lstm(x, (h[None], c[None]))
    expected = cell(x[:, 0], (h, c))
    torch.testing.assert_close(output[:, 0], expected[0])
    torch.testing.assert_close(torch.stack(final)[:, 0], torch.stack(expected))


@pytest.mark.parametrize("kind", KINDS)
def test_row_without_tokens_keeps_its_state_and_passes_no_nan(kind):
    module = kind(C, H, L, bidirectional=True).double()
    x = torch.randn(B, T, C).double()
    mask = right_padded(torch.tensor([4, 0, 6]))
    x[~mask] = torch.nan
    state = initial_state(kind, directions=2)
    output, *rest = collect(lambda m, x, s: m(x, s, mask=mask), module, x, state)
    assert output[1].eq(0).all()
    for initial, final in zip(as_tuple(state), rest, strict=False):
        torch.testing.assert_close(final[:, 1], initial[:, 1], rtol=0, atol=0)
    assert all(tensor.isfinite().all() for tensor in (output, *rest))
    assert all(s[:, 1].eq(0).all() for s in as_tuple(module(x, mask=mask)[1]))


def test_arguments_are_left_alone():
    lstm, x, mask = LSTM(C, H), torch.randn(B, T, C), right_padded()
    state = initial_state(LSTM, num_layers=1, dtype=torch.float32)
    copies = [t.clone() for t in (x, mask, *state)]
    lstm(x, state, mask=mask)
    assert all(torch.equal(a, b) for a, b in zip((x, mask, *state), copies, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_keeps_the_dtype(kind, dtype):
    x = torch.randn(B, T, C, dtype=dtype)
    output, final = kind(C, H, L).to(dtype)(x, mask=right_padded())
    assert {output.dtype, *(s.dtype for s in as_tuple(final))} == {dtype}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_autocast_errs_at_most_twice_as_much_as_torch(ours, theirs, dtype):
    mine = ours(C, H, L, bidirectional=True)
    reference = theirs(C, H, L, batch_first=True, bidirectional=True)
    reference.load_state_dict(mine.state_dict())
    x = torch.randn(B, T, C)
    with torch.autocast("cpu", dtype):
        low, plain = mine(x)[0], reference(x)[0]
        masked = mine(x, mask=right_padded())[0]
    exact = mine.double()(x.double())[0]
    assert (low - exact).abs().max() <= 2 * (plain - exact).abs().max()
    assert masked.isfinite().all()


def test_bad_constructor_arguments():
    with pytest.raises(ValueError, match="num_layers must be at least 1, got 0"):
        LSTM(C, H, 0)
    with pytest.raises(ValueError, match="hidden_size must be at least 1, got 0"):
        GRU(C, 0)
    with pytest.raises(ValueError, match="input_size must be at least 1, got -1"):
        RNN(-1, H)
    for dropout in (1.0, -0.1):
        with pytest.raises(ValueError, match=rf"dropout must be in \[0, 1\), got {dropout}"):
            LSTM(C, H, dropout=dropout)


@pytest.mark.parametrize("shape", [(T, C), (B, T, C + 1), (B, 0, C), (B, T, C, 1)])
def test_bad_input(shape):
    with pytest.raises(ValueError, match=r"input must have shape \(B, T >= 1, input_size=4\), got"):
        LSTM(C, H)(torch.zeros(shape))


def test_bad_mask():
    gru, x = GRU(C, H), torch.zeros(B, T, C)
    with pytest.raises(ValueError, match=r"mask must have shape \(B, T\) = \(3, 6\), got \(6, 3\)"):
        gru(x, mask=right_padded().T)
    with pytest.raises(ValueError, match=r"mask must be bool .*, got torch.int64"):
        gru(x, mask=right_padded().long())


def test_bad_state():
    x = torch.zeros(B, T, C)
    with pytest.raises(ValueError, match=r"LSTMCell must be 2 tensor.* of shape \(2, 3, 5\)"):
        LSTM(C, H, L)(x, torch.zeros(L, B, H))
    with pytest.raises(ValueError, match=r"of shape \(4, 3, 5\), got \[\(2, 3, 5\)\]"):
        GRU(C, H, L, bidirectional=True)(x, torch.zeros(L, B, H))
