from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from txlib.attention import causal_mask, padding_mask
from txlib.attention.tile_grid import TileGrid


def spans(tiles):
    return [(tile.start, tile.stop) for tile in tiles]


def visible(grid, rows, cols, B=1):
    """What `hide` leaves of a tile, (B, t_q, t_k)."""
    scores = torch.zeros(B, 1, rows.stop - rows.start, cols.stop - cols.start)
    grid.hide(scores, rows, cols)
    return scores[:, 0] == 0


def paint(grid, B, pairs):
    """How often each pair of a query and a key is visited and visible, (B, T_q, T_k)."""
    painted = torch.zeros(B, grid.T_q, grid.T_k, dtype=torch.int64)
    for rows, cols in pairs:
        painted[:, rows, cols] += visible(grid, rows, cols, B)
    return painted


def by_queries(grid):
    return [(r, c) for r in grid.query_tiles() for c in grid.key_tiles_seen_by(r)]


def by_keys(grid):
    return [(r, c) for c in grid.key_tiles() for r in grid.query_tiles_that_see(c)]


def test_tiles_by_hand():
    grid = TileGrid(T_q=5, T_k=7, tile_q=2, tile_k=3, is_causal=True)
    assert spans(grid.query_tiles()) == [(0, 2), (2, 4), (4, 5)]
    assert spans(grid.key_tiles()) == [(0, 3), (3, 6), (6, 7)]
    assert spans(grid.key_tiles_seen_by(slice(0, 2))) == [(0, 3), (3, 4)]  # query 1 sees key 3
    assert spans(grid.key_tiles_seen_by(slice(4, 5))) == [(0, 3), (3, 6), (6, 7)]
    assert spans(grid.query_tiles_that_see(slice(3, 6))) == [(1, 3), (3, 5)]
    assert visible(grid, slice(0, 2), slice(0, 3)).all()
    assert visible(grid, slice(0, 2), slice(3, 4)).tolist() == [[[False], [True]]]


def test_key_lengths_by_hand():
    lengths = torch.tensor([5, 2])
    grid = TileGrid(T_q=4, T_k=7, tile_q=4, tile_k=2, key_lengths=lengths)
    rows = slice(0, 4)
    assert spans(grid.key_tiles_seen_by(rows)) == [(0, 2), (2, 4), (4, 5)]
    assert spans(grid.query_tiles_that_see(slice(4, 6))) == [(0, 4)]
    assert spans(grid.query_tiles_that_see(slice(6, 7))) == []
    assert visible(grid, rows, slice(0, 2), B=2).all()
    assert visible(grid, rows, slice(3, 5), B=2)[:, 1].tolist() == [[True, True], [False, False]]


def test_half_of_the_tiles_of_a_causal_square_are_skipped_and_the_diagonal_masked():
    grid = TileGrid(T_q=64, T_k=64, tile_q=8, tile_k=8, is_causal=True)
    for pairs in (by_queries(grid), by_keys(grid)):
        assert len(pairs) == 8 * 9 // 2
        assert sum(not visible(grid, *pair).all() for pair in pairs) == 8


def test_only_keys_that_somebody_may_not_see_are_written(monkeypatch):
    written = []
    fill = torch.Tensor.masked_fill_
    monkeypatch.setattr(
        torch.Tensor, "masked_fill_", lambda x, *rest: written.append(x.shape[-1]) or fill(x, *rest)
    )
    lengths = torch.tensor([9, 7])
    grid = TileGrid(T_q=10, T_k=10, tile_q=4, tile_k=8, is_causal=True, key_lengths=lengths)
    for cols, counts in ((slice(0, 3), []), (slice(0, 6), [1]), (slice(3, 8), [3, 1])):
        written.clear()
        grid.hide(torch.zeros(2, 1, 4, cols.stop - cols.start), slice(4, 8), cols)
        assert written == counts


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_either_order_meets_each_visible_pair_once(data):
    T_q, T_k = (data.draw(st.integers(0, 20), label=name) for name in ("T_q", "T_k"))
    tile_q, tile_k = (data.draw(st.integers(1, 24), label=name) for name in ("tile_q", "tile_k"))
    is_causal = data.draw(st.booleans(), label="is_causal")
    lengths = data.draw(st.lists(st.integers(0, T_k), min_size=1, max_size=3), label="lengths")
    lengths = data.draw(st.sampled_from([None, torch.tensor(lengths)]))
    B = 1 if lengths is None else len(lengths)
    expected = torch.ones(B, T_q, T_k, dtype=torch.bool)
    if is_causal:
        expected &= causal_mask(T_q, T_k)
    if lengths is not None:
        expected &= padding_mask(lengths, T_k)[:, None]
    grid = TileGrid(
        T_q=T_q, T_k=T_k, tile_q=tile_q, tile_k=tile_k, is_causal=is_causal, key_lengths=lengths
    )
    for pairs in (by_queries(grid), by_keys(grid)):
        assert torch.equal(paint(grid, B, pairs), expected.long())
        for rows, cols in pairs:
            assert 0 < rows.stop - rows.start <= tile_q
            assert 0 < cols.stop - cols.start <= tile_k
            assert expected[:, rows, cols].any()


def test_tiles_follow_one_another_without_gap_or_overlap():
    grid = TileGrid(T_q=113, T_k=257, tile_q=16, tile_k=33)
    for tiles, end in ((grid.query_tiles(), 113), (grid.key_tiles(), 257)):
        tiles = spans(tiles)
        assert tiles[0][0] == 0
        assert tiles[-1][1] == end
        assert all(left[1] == right[0] for left, right in pairwise(tiles))


def test_a_batch_of_none_has_no_lengths_to_read():
    grid = TileGrid(T_q=3, T_k=5, tile_q=2, tile_k=2, key_lengths=torch.zeros(0).long())
    assert len(by_queries(grid)) == 6


def test_masks_are_made_on_the_device():
    grid = TileGrid(T_q=4, T_k=4, tile_q=2, tile_k=2, is_causal=True, device="meta")
    scores = torch.zeros(1, 1, 2, 2, device="meta")
    grid.hide(scores, slice(0, 2), slice(0, 2))  # fails if scores and mask lie apart


@pytest.mark.parametrize("name", ["tile_q", "tile_k"])
def test_tile_of_nothing(name):
    sizes = {"T_q": 3, "T_k": 5, "tile_q": 2, "tile_k": 2} | {name: 0}
    with pytest.raises(ValueError, match=rf"^{name} must be at least 1, got 0$"):
        TileGrid(**sizes)
