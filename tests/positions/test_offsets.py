"""Pieces of text that do not begin at position 0, and rows that begin each elsewhere."""

import pytest
import torch
from torch import nn

from txlib.positions import (
    ALiBi,
    BucketedBias,
    LearnedEncoding,
    RelativeKeys,
    RotaryEmbedding,
    SinusoidalEncoding,
    positions_from,
    relative_distances,
)

B, H, T, C, D, T_K = 3, 2, 5, 8, 6, 12
OFFSETS = torch.tensor([4, 0, 7])
BIASES = {
    "alibi": lambda: ALiBi(H),
    "relative keys": lambda: RelativeKeys(D, 3),
    "buckets": lambda: BucketedBias(H, num_buckets=6, max_distance=9, bidirectional=False),
    "buckets, both sides": lambda: BucketedBias(
        H, num_buckets=6, max_distance=9, bidirectional=True
    ),
}


def randomized(module):
    for parameter in module.double().parameters():
        nn.init.normal_(parameter)
    return module


def test_positions_by_hand():
    assert positions_from(3, 4).tolist() == [3, 4, 5, 6]
    assert positions_from(torch.tensor([3, 0]), 2).tolist() == [[3, 4], [0, 1]]
    assert positions_from(0, 0).tolist() == []
    assert positions_from(torch.tensor([3, 0]), 0).shape == (2, 0)
    assert positions_from(1, 2, device="meta").device.type == "meta"


def test_distances_by_hand():
    assert relative_distances(2, 3, offset=0).tolist() == [[0, 1, 2], [-1, 0, 1]]
    rows = relative_distances(1, 3, offset=torch.tensor([0, 2]))
    assert rows.tolist() == [[[0, 1, 2]], [[-2, -1, 0]]]
    assert torch.equal(relative_distances(2, 5, offset=3), relative_distances(2, 5))


@pytest.mark.parametrize("encoding", [SinusoidalEncoding(C), LearnedEncoding(T_K, C)], ids=str)
def test_each_row_is_encoded_from_its_own_offset(encoding, collect):
    module, x = randomized(encoding), torch.randn(B, T, C).double()

    def row_by_row(x):
        rows = [module(x[row : row + 1], int(OFFSETS[row])) for row in range(B)]
        return torch.cat(rows)

    parameters = list(module.parameters())
    mine = collect(lambda x: module(x, OFFSETS), x, parameters=parameters)
    for a, b in zip(mine, collect(row_by_row, x, parameters=parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("pairing", ["half", "interleaved"])
@pytest.mark.parametrize("shape", [(B, H, T, D), (B, T, D), (B, 4, H, T, D)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_each_row_is_turned_from_its_own_offset(pairing, shape, dtype):
    module, x = RotaryEmbedding(D, pairing=pairing, interpolation=2.0), torch.randn(shape).to(dtype)
    expected = torch.cat([module(x[row : row + 1], int(OFFSETS[row])) for row in range(B)])
    found = module(x, OFFSETS)
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected, rtol=0, atol=0 if dtype == torch.bfloat16 else 1e-6)


@pytest.mark.parametrize("kind", BIASES)
def test_each_row_s_queries_stand_where_they_are_said_to(kind, collect):
    """Of a whole square of positions, each row gets its own part."""
    module, whole = randomized(BIASES[kind]()), torch.randn(B, H, T_K, D).double()
    rows = positions_from(OFFSETS, T)  # (B, T)

    def picked(whole):
        bias = module(whole, T_K).expand(B, H, T_K, T_K)
        return torch.stack([bias[row, :, rows[row]] for row in range(B)])

    def asked(whole):
        query = torch.stack([whole[row, :, rows[row]] for row in range(B)])
        found = module(query, T_K, OFFSETS)
        assert found.shape == (B, H, T, T_K)
        return found if found.requires_grad else found + 0 * whole.sum()

    if kind != "relative keys":  # those alone look at what the query says
        torch.testing.assert_close(asked(whole), picked(whole), rtol=0, atol=1e-12)
        return
    parameters = list(module.parameters())
    for a, b in zip(
        collect(asked, whole, parameters=parameters),
        collect(picked, whole, parameters=parameters),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", BIASES)
def test_one_offset_for_all_and_none_at_the_end(kind):
    module, query = randomized(BIASES[kind]()), torch.randn(B, H, T, D).double()
    torch.testing.assert_close(module(query, T_K, T_K - T), module(query, T_K))
    alike = module(query, T_K, torch.full((B,), 2))
    torch.testing.assert_close(module(query, T_K, 2).expand(B, -1, -1, -1), alike)
    assert module(query.bfloat16(), T_K, OFFSETS).dtype == torch.bfloat16


def test_refused():
    for offset in (torch.tensor([1.0, 2.0, 3.0]), torch.tensor(3), OFFSETS[None]):
        with pytest.raises(ValueError, match=r"offset must be an int or integers \(B,\), got"):
            positions_from(offset, 2)
    with pytest.raises(ValueError, match="offset must be at least 0, got -1"):
        positions_from(-1, 2)
    with pytest.raises(ValueError, match="offset must be at least 0, got -2"):
        LearnedEncoding(9, C)(torch.zeros(2, 1, C), torch.tensor([3, -2]))
    with pytest.raises(ValueError, match=r"max_seq_len=9,.*got 3 from 7 on, which ends at 9"):
        LearnedEncoding(9, C)(torch.zeros(2, 3, C), torch.tensor([0, 7]))
    with pytest.raises(ValueError, match="offset must be at least 0, got -1"):
        SinusoidalEncoding(C)(torch.zeros(2, 3, C), -1)
    with pytest.raises(ValueError, match="offset must be at least 0, got -1"):
        relative_distances(2, 3, offset=-1)
