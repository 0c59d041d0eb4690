import math

import numpy as np
import pytest
import torch

from txlib.attention import count_traffic, standard_attention, tiled_attention
from txlib.widgets import TilingStepper
from txlib.widgets.tiling_stepper import MOST_FEATURES, MOST_POSITIONS, Tile

T_Q, T_K, D, D_V = 5, 7, 3, 2


def head(*sizes: tuple[int, int]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(size, generator=generator) for size in sizes]


@pytest.fixture
def qkv() -> list[torch.Tensor]:
    return head((T_Q, D), (T_K, D), (T_K, D_V))


def test_numbers_by_hand():
    log3 = 2 * math.log(3)  # divided by sqrt(4) it is ln 3
    query = [[log3, 0, 0, 0], [0, 0, 0, 0]]
    key = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    widget = TilingStepper(query, key, [[4.0], [8.0], [4.0]], tile_q=1, tile_k=2)
    assert widget.scores() == pytest.approx(np.array([[0, math.log(3), 0], [0, 0, 0]]))
    assert widget.context() == pytest.approx(np.array([[(4 + 3 * 8 + 4) / 5], [16 / 3]]))
    assert widget.tiles() == [
        Tile(0, 1, 0, 2),
        Tile(0, 1, 2, 3),
        Tile(1, 2, 0, 2),
        Tile(1, 2, 2, 3),
    ]
    moved = widget.moved()
    assert (moved.read, moved.written, moved.scores) == (2 * 4 + 2 * 3 * (4 + 1), 2 * (1 + 1), 2)
    standard = widget.moved_by_standard()
    assert (standard.read, standard.written) == (2 * 4 + 3 * 4 + 6 + 6 + 3, 6 + 6 + 2)
    assert (standard.scores, standard.total) == (6, 49)
    assert widget.alt == (
        "Attention of 2 queries and 3 keys in tiles of 1 by 2: 4 tiles. Numbers moved: 42 by "
        "tiles, 49 in the standard way; scores at once: 2 and 6. The last query's running maximum "
        "after each tile: 0.00, 0.00; its sum: 2.00, 3.00."
    )


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(T_Q, T_K), (T_K, T_Q), (6, 6), (1, 1)])
def test_counts_and_context_are_those_of_the_library(rows, columns, is_causal):
    query, key, value = head((rows, D), (columns, D), (columns, D_V))
    four = [tensor[None, None] for tensor in (query, key, value)]
    for tile_q in range(1, rows + 1):
        for tile_k in range(1, columns + 1):
            tiles = {"tile_q": tile_q, "tile_k": tile_k, "is_causal": is_causal}
            widget = TilingStepper(query, key, value, **tiles)
            with count_traffic() as traffic:
                context = tiled_attention(*four, **tiles)
            moved = widget.moved()
            assert (moved.read, moved.written) == (traffic.read, traffic.written)
            assert widget.context() == pytest.approx(context[0, 0].numpy(), abs=1e-6)
    with count_traffic() as traffic:
        standard_attention(*four, is_causal=is_causal)
    standard = widget.moved_by_standard()
    assert (standard.read, standard.written) == (traffic.read, traffic.written)


def test_running_sums_end_in_the_softmax(qkv):
    for is_causal in (False, True):
        widget = TilingStepper(*qkv, tile_q=2, tile_k=3, is_causal=is_causal)
        scores = torch.from_numpy(widget.scores())
        for row in range(T_Q):
            maxima, sums = widget._running(row)
            assert maxima == sorted(maxima)
            assert maxima[-1] == pytest.approx(scores[row].max().item())
            logsumexp = scores[row].logsumexp(-1).item()
            assert maxima[-1] + math.log(sums[-1]) == pytest.approx(logsumexp)


def test_query_that_sees_nothing_gets_zero():
    query, key, value = head((4, D), (2, D), (2, D_V))
    widget = TilingStepper(query, key, value, tile_q=2, tile_k=1, is_causal=True)
    assert np.array_equal(widget.context()[:2], np.zeros((2, D_V)))
    assert widget.tiles() == [Tile(2, 4, 0, 1), Tile(2, 4, 1, 2)]
    assert widget._repr_mimebundle_()[0]["image/png"]
    blind = TilingStepper(query[:3], key[:1], value[:1], tile_q=2, is_causal=True)
    assert [tile.top for tile in blind.tiles()] == [2]


def test_tiles_no_larger_than_the_matrix(qkv):
    widget = TilingStepper(*qkv, tile_q=100, tile_k=100)
    assert (widget.tile_q, widget.tile_k) == (T_Q, T_K)
    assert widget.moved().scores == widget.moved_by_standard().scores == T_Q * T_K


def test_inputs_are_kept_as_they_are(qkv, tiling):
    before = [tensor.clone() for tensor in qkv]
    widget = TilingStepper(*(tensor.requires_grad_() for tensor in qkv))
    assert np.frombuffer(widget.value, np.float32).tolist() == before[2].flatten().tolist()
    assert all(torch.equal(a, b) for a, b in zip(before, qkv, strict=True))
    assert "7 tiles, 2 skipped under the causal mask" in tiling.alt


def test_sizes_at_the_limit_can_be_drawn():
    shape = (MOST_POSITIONS, MOST_FEATURES)
    widget = TilingStepper(*head(shape, shape, shape), tile_q=1, tile_k=1, is_causal=True)
    assert widget._repr_mimebundle_()[0]["image/png"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": torch.ones(17, 3)}, "query must have at most 16 positions x 8 features, got"),
        ({"key": torch.ones(7, 9)}, r"key must have at most .*, got shape \(7, 9\)"),
        ({"value": torch.ones(7)}, r"value must be positions x features, .* got shape \(7,\)"),
        ({"query": torch.ones(5, 4)}, "query and key must share their features, got 4 and 3"),
        ({"value": torch.ones(6, 2)}, "there must be one value a key, got 6 for 7"),
        ({"key": torch.full((7, 3), torch.inf)}, "key must be finite, got inf"),
        ({"tile_q": 0}, "tile_q must be a whole number from 1 to .*, got 0"),
        ({"tile_k": 1.5}, "tile_k must be a whole number from 1 to .*, got 1.5"),
    ],
)
def test_errors(qkv, change, message):
    arguments = dict(zip(("query", "key", "value"), qkv, strict=True)) | change
    with pytest.raises(ValueError, match=message):
        TilingStepper(**arguments)
