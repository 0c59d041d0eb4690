import numpy as np
import pytest
import torch

from txlib.plotting.series import as_axis, check_positive, describe_band, summarise

RUNS = np.array([[1.0, 5.0, 2.0], [2.0, 4.0, 9.0], [6.0, 0.0, 4.0], [7.0, 1.0, 3.0]])


def test_median_and_extremes_by_hand():
    (s,) = summarise({"LSTM": RUNS}, 3)
    np.testing.assert_array_equal(s.center, [4.0, 2.5, 3.5])
    np.testing.assert_array_equal(s.low, [1.0, 0.0, 2.0])
    np.testing.assert_array_equal(s.high, [7.0, 5.0, 9.0])
    assert s.num_runs == 4


def test_mean_and_percentiles():
    (s,) = summarise({"LSTM": torch.tensor(RUNS)}, 3, center="mean", percentiles=(25, 75))
    np.testing.assert_array_equal(s.center, RUNS.mean(axis=0))
    np.testing.assert_array_equal(s.high, np.percentile(RUNS, 75, axis=0))


def test_one_run_is_its_own_band():
    (s,) = summarise({"LSTM": [3, 1, 2]}, 3)
    assert s.num_runs == 1
    np.testing.assert_array_equal(s.low, s.high)


def test_band_in_words():
    several = summarise({"a": RUNS, "b": RUNS[:3], "c": RUNS[0]}, 3)
    assert describe_band(several, "median", (0, 100), "band") == (
        "median of 3 to 4 seeds; band: smallest to largest"
    )
    assert describe_band(several[:1], "mean", (10, 90), "whisker") == (
        "mean of 4 seeds; whisker: 10th to 90th percentile"
    )
    assert describe_band(several[2:], "mean", (10, 90), "band") == ""


@pytest.mark.parametrize(
    ("series", "options", "message"),
    [
        ({}, {}, "at least one name"),
        ({"a": RUNS.T}, {}, r"series 'a' must be .* with 3 points, got shape \(3, 4\)"),
        ({"a": RUNS[None]}, {}, "series 'a' must be"),
        ({"a": np.zeros((0, 3))}, {}, "series 'a' must be"),
        ({"a": [1, np.inf, 2]}, {}, "series 'a' must be finite, got inf"),
        ({"a": RUNS}, {"center": "mode"}, "must be 'median' or 'mean', got 'mode'"),
        ({"a": RUNS}, {"percentiles": (90, 10)}, r"got \(90, 10\)"),
    ],
)
def test_errors(series, options, message):
    with pytest.raises(ValueError, match=message):
        summarise(series, 3, **options)


def test_axis_errors():
    with pytest.raises(ValueError, match="x must be one row"):
        as_axis("x", RUNS)
    with pytest.raises(ValueError, match="x must be finite, got nan"):
        as_axis("x", [1, np.nan])
    with pytest.raises(ValueError, match="x must be positive on a log axis, got 0"):
        check_positive("x", np.array([0.0, 1.0]))
