import math

import numpy as np
import pytest
import torch

from txlib.widgets import PositionExplorer
from txlib.widgets.position_explorer import BASES, FAR, SIZES, SLOPES


def encodings(positions: range, d_model: int, base: float) -> torch.Tensor:
    """Entry by entry as in the paper: sin in even features, cos in odd ones."""
    table = torch.zeros(len(positions), d_model, dtype=torch.float64)
    for row, position in enumerate(positions):
        for feature in range(d_model):
            angle = position / base ** (feature // 2 * 2 / d_model)
            table[row, feature] = math.cos(angle) if feature % 2 else math.sin(angle)
    return table


def turned(vector: list[float], angle: float) -> torch.Tensor:
    """`vector` turned by `angle`, through the exponential of a generator."""
    generator = torch.tensor([[0.0, -angle], [angle, 0.0]], dtype=torch.float64)
    return torch.matrix_exp(generator) @ torch.tensor(vector, dtype=torch.float64)


def test_numbers_by_hand():
    widget = PositionExplorer(
        16, base=2**8, pairs=(4, 0), position=5, shift=3, distance=8, slope=1 / 4,
        query=(2, 0), key=(0, 1), query_position=9, key_position=9,
    )  # fmt: skip
    assert widget.frequencies().tolist() == [2.0**-i for i in range(8)]
    assert widget.pairs == [0, 4]
    assert widget.scores() == {0: 0, 4: 0}  # at right angles wherever they stand together
    angles = [8 * 2.0**-i for i in range(8)]
    assert widget.similarity(8) == pytest.approx(sum(map(math.cos, angles)) / 8)
    assert widget.similarity(8, "slow pairs") == pytest.approx(sum(map(math.cos, angles[4:])) / 4)
    assert widget.alt == (
        "Positions in 16 features, base 256. Between positions 5 and 8 the clock hands turn by "
        "3.000 rad in pair 0, 0.188 rad in pair 4. At distance 8 the similarity of two sinusoidal "
        f"encodings is {widget.similarity(8):.3f}, that of RoPE's query and key "
        f"{widget.similarity(8):.3f}, and ALiBi adds -2.000 to the score. A query at position 9 "
        "and a key at 9 score 0.000 under RoPE."
    )


@pytest.mark.parametrize(("d_model", "base"), [(16, 100.0), (64, 10_000.0), (128, 777.0)])
def test_similarity_is_the_product_of_encodings_and_ropes_score(d_model, base):
    widget = PositionExplorer(d_model, base=base)
    table = encodings(range(30), d_model, base)
    products = table @ table.T / (d_model / 2)
    for p, k in [(0, 7), (12, 7), (22, 7), (3, 0), (1, 20)]:
        assert products[p, p + k].item() == pytest.approx(widget.similarity(k), abs=1e-12)
    half = d_model // 4
    for content, some in {"fast pairs": slice(half), "slow pairs": slice(half, None)}.items():
        one = [1.0, 0.0]
        scores = [turned(one, 9 * w) @ turned(one, 4 * w) for w in widget.frequencies()[some]]
        assert np.mean(scores) == pytest.approx(widget.similarity(5, content), abs=1e-12)


def test_dial_scores_turned_vectors_and_only_the_difference_counts():
    options = {"query": (1.5, 0.3), "key": (0.2, -0.9), "pairs": (1, 2, 7)}
    widget = PositionExplorer(query_position=31, key_position=6, **options)
    for pair, score in widget.scores().items():
        frequency = 10_000 ** (-pair / 8)
        wanted = turned([1.5, 0.3], 31 * frequency) @ turned([0.2, -0.9], 6 * frequency)
        assert score == pytest.approx(wanted.item())
    later = PositionExplorer(query_position=64, key_position=39, **options)
    assert later.scores() == pytest.approx(widget.scores())
    widget.both = 40
    assert widget.scores() == later.scores()
    assert "A query at position 71 and a key at 46 score" in widget.alt


def test_pairs_have_the_frequency_of_their_name_in_every_size():
    for d_model in SIZES:
        widget = PositionExplorer(d_model, pairs=range(3, 7))
        names = {j: widget._pair(j) for j in widget.pairs}
        assert names == {j: j * d_model // 16 for j in (3, 4, 5, 6)}
        for j, frequency in widget._shown_pairs():
            assert widget.frequencies()[names[j]] == pytest.approx(frequency)


def test_what_is_accepted():
    widget = PositionExplorer(
        np.int64(512), base=500, pairs=[3, 3], position=64, shift=0, distance=FAR, slope=SLOPES[-1],
        query=torch.tensor([1.0, 2.0]), key=np.array([0, -2]), panel="dial", content="fast pairs",
    )  # fmt: skip
    assert widget.bases == [100, 500, 10_000, 500_000]
    assert PositionExplorer().bases == list(BASES)
    assert (widget.query, widget.key, widget.pairs) == ([1, 2], [0, -2], [3])
    assert repr(PositionExplorer()) == (
        "PositionExplorer(d_model=64, base=10000.0, pairs=[0, 1, 3], position=10, shift=3, "
        "distance=16, panel='waves')"
    )


def test_picture_shows_wave_similarity_and_dial():
    widget = PositionExplorer(32, pairs=[2], position=7, shift=5, query=(0, 1), key_position=0)
    wave, similarity, dial = widget.fallback().axes
    assert wave.lines[1].get_ydata()[0] == 0  # after the line at zero
    assert [line.get_xdata()[0] for line in wave.lines[3:]] == [7, 12]
    for line, base in zip(similarity.lines[1:], BASES, strict=True):
        wanted = PositionExplorer(32, base=base).similarity(np.arange(FAR + 1))
        np.testing.assert_allclose(line.get_ydata(), wanted)
    arrow = dial.lines[1].get_xydata()[1]
    assert arrow == pytest.approx(turned([0, 1], 12 * 0.1).numpy())
    assert dial.lines[3].get_xydata()[1] == pytest.approx(widget.key)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"d_model": 48}, r"d_model must be one of \(16, 32, 64, 128, 256, 512\), got 48"),
        ({"d_model": True}, "d_model must be one of .* got True"),
        ({"base": 1}, "base must be a number from 2 to 1e\\+09, got 1"),
        ({"base": math.nan}, "base must be a number from 2 .* got nan"),
        ({"pairs": []}, r"pairs must hold 1 to 4 of 0 to 7, got \[\]"),
        ({"pairs": range(5)}, r"pairs must hold 1 to 4 of 0 to 7, got range\(0, 5\)"),
        ({"pairs": 3}, "pairs must hold 1 to 4 of 0 to 7, got 3"),
        ({"pairs": [8]}, "pairs must be a whole number from 0 to 7, got 8"),
        ({"position": 65}, "position must be a whole number from 0 to 64, got 65"),
        ({"shift": -1}, "shift must be a whole number from 0 to 64, got -1"),
        ({"distance": 257}, "distance must be a whole number from 0 to 256, got 257"),
        ({"content": "half"}, "content must be one of .* got 'half'"),
        ({"slope": 1}, r"slope must be one of \(0.5, .* got 1"),
        ({"query": [1]}, "query must hold 2 numbers, got 1"),
        ({"key": [0, 2.5]}, r"key\[1\] must be a number from -2 to 2, got 2.5"),
        ({"query_position": 1.5}, "query_position must be a whole number from 0 to 64, got 1.5"),
        ({"key_position": 65}, "key_position must be a whole number from 0 to 64, got 65"),
        ({"panel": "clock"}, "panel must be one of .* got 'clock'"),
    ],
)  # fmt: skip
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        PositionExplorer(**arguments)
