import itertools

import numpy as np
import pytest

from txlib.plotting import grouped_bars

GROUPS = ["4-10", "11-20", "21-30"]
LSTM = np.array([[60.0, 40.0, 12.0], [64.0, 45.0, 11.0]])
GRU = np.array([50.0, 30.0, 5.0])
LABELS = {"xlabel": "source length (words)", "ylabel": "BLEU"}


def test_bars_and_whiskers_hold_the_data():
    ax = grouped_bars(GROUPS, {"LSTM": LSTM, "GRU": GRU}, center="mean", **LABELS).axes[0]
    lstm, whisker, gru = ax.containers
    assert [bar.get_height() for bar in lstm] == [62.0, 42.5, 11.5]
    assert [bar.get_height() for bar in gru] == GRU.tolist()
    ends = np.array(whisker.lines[2][0].get_segments())[:, :, 1]
    np.testing.assert_allclose(ends, np.stack([LSTM.min(axis=0), LSTM.max(axis=0)], axis=1))
    assert lstm[0].get_hatch() != gru[0].get_hatch()


def test_clusters_stand_over_their_names_and_do_not_overlap():
    ax = grouped_bars(GROUPS, {"LSTM": LSTM, "GRU": GRU}, counts=[7, 8, 9], **LABELS).axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == [
        "4-10\nn = 7",
        "11-20\nn = 8",
        "21-30\nn = 9",
    ]
    edges = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(edges))
    for center, (left, right) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        assert (left[0] + right[1]) / 2 == pytest.approx(center)
    assert ax.get_ylim()[0] == 0
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("source length (words)", "BLEU")


def test_few_bars_carry_their_value():
    assert [t.get_text() for t in grouped_bars(GROUPS, {"GRU": GRU}, **LABELS).axes[0].texts] == [
        "50",
        "30",
        "5",
    ]
    many = {name: GRU for name in ("LSTM", "GRU", "RNN")}
    assert not grouped_bars(GROUPS, many, **LABELS).axes[0].texts


def test_limits():
    ax = grouped_bars(GROUPS, {"GRU": GRU}, y_limits=(0, 100), **LABELS).axes[0]
    assert ax.get_ylim() == (0, 100)


def test_errors():
    with pytest.raises(ValueError, match=r"series 'GRU' .* with 3 points"):
        grouped_bars(GROUPS, {"GRU": GRU[:2]}, **LABELS)
    with pytest.raises(ValueError, match="counts must be one per group: 3, got 2"):
        grouped_bars(GROUPS, {"GRU": GRU}, counts=[1, 2], **LABELS)
