import pytest
import torch
from torch import nn
from torch.nn import functional as F

from txlib.positions import LearnedEncoding

B, T, C, ROWS = 2, 5, 6, 9  # all different: a swapped axis cannot pass


def test_encoding_by_hand():
    module = LearnedEncoding(3, 2)
    with torch.no_grad():
        module.table.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    x = torch.tensor([[[10.0, 20.0], [30.0, 40.0]]])
    torch.testing.assert_close(module(x), torch.tensor([[[11.0, 22.0], [33.0, 44.0]]]))
    torch.testing.assert_close(module(x, offset=1), torch.tensor([[[13.0, 24.0], [35.0, 46.0]]]))


@pytest.mark.parametrize("offset", [0, 3])
def test_equals_torch_s_embedding_in_values_and_gradients(offset, collect):
    module, x = LearnedEncoding(ROWS, C).double(), torch.randn(B, T, C).double()
    weight = module.table.weight
    ids = torch.arange(offset, offset + T)
    mine = collect(lambda x: module(x, offset), x, parameters=[weight])
    theirs = collect(lambda x: x + F.embedding(ids, weight), x, parameters=[weight])
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


def test_only_positions_that_were_there_learn():
    module = LearnedEncoding(ROWS, C)
    module(torch.randn(B, T, C), offset=2).sum().backward()
    assert module.table.weight.grad[2 : 2 + T].eq(B).all()
    assert module.table.weight.grad[:2].eq(0).all()
    assert module.table.weight.grad[2 + T :].eq(0).all()


def test_the_last_row_can_be_reached_and_no_further():
    module = LearnedEncoding(ROWS, C)
    assert module(torch.zeros(B, ROWS, C)).shape == (B, ROWS, C)
    last = module(torch.zeros(B, 1, C), offset=ROWS - 1)
    assert torch.equal(last[0, 0], module.table.weight[-1])
    with pytest.raises(ValueError, match=r"below max_seq_len=9.* got 10 from 0 on.* ends at 9"):
        module(torch.zeros(B, ROWS + 1, C))
    with pytest.raises(ValueError, match=r"below max_seq_len=9.* got 5 from 5 on.* ends at 9"):
        module(torch.zeros(B, T, C), offset=5)


def test_first_values_are_as_large_as_asked_for():
    assert LearnedEncoding(400, 50).table.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert LearnedEncoding(400, 50, std=0.5).table.weight.std().item() == pytest.approx(0.5, 0.05)
    assert LearnedEncoding(4, 5, std=0.0).table.weight.eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_follows_the_dtype_of_its_input_with_weights_as_they_are(dtype):
    module, x = LearnedEncoding(ROWS, C), torch.randn(B, T, C).to(dtype)
    out = module(x)
    out.sum().backward()
    assert out.dtype == dtype
    assert module.table.weight.grad.dtype == torch.float32
    exact = x.double() + module.table.weight[:T]
    plain = x + module.table.weight[:T].to(dtype)
    assert (out - exact).abs().max() <= 2 * (plain - exact).abs().max()


def test_the_table_is_an_embedding_that_is_saved_and_moves():
    module = LearnedEncoding(ROWS, C)
    assert isinstance(module.table, nn.Embedding)
    assert list(module.state_dict()) == ["table.weight"]
    assert module.to("meta")(torch.zeros(B, T, C, device="meta")).device.type == "meta"


def test_nothing_to_encode():
    assert LearnedEncoding(ROWS, C)(torch.zeros(B, 0, C), offset=ROWS).shape == (B, 0, C)


def test_errors():
    with pytest.raises(ValueError, match="max_seq_len must be at least 1, got 0"):
        LearnedEncoding(0, C)
    with pytest.raises(ValueError, match="d_model must be at least 1, got 0"):
        LearnedEncoding(ROWS, 0)
    with pytest.raises(ValueError, match=r"std must be at least 0, got -0.1"):
        LearnedEncoding(ROWS, C, std=-0.1)
    module = LearnedEncoding(ROWS, C)
    with pytest.raises(ValueError, match="offset must be at least 0, got -1"):
        module(torch.zeros(B, T, C), offset=-1)
    with pytest.raises(ValueError, match=r"x must have shape \(B, T, 6\), got \(2, 5, 7\)"):
        module(torch.zeros(B, T, 7))
