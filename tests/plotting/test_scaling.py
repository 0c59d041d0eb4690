import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from txlib.plotting import fit_exponent, loglog_slope

N = np.array([16.0, 32.0, 64.0, 128.0, 256.0])
LABELS = {"xlabel": "n (words)", "ylabel": "time (s)"}


def test_exponent_by_hand():
    assert fit_exponent([1, 10, 100], [3, 300, 30000]) == pytest.approx(2.0)


@given(st.floats(-3, 3), st.floats(0.01, 100))
def test_any_power_law_is_found(exponent, constant):
    assert fit_exponent(N, constant * N**exponent) == pytest.approx(exponent, abs=1e-9)


def test_agrees_with_polyfit_on_noise():
    y = N**1.5 * np.exp(np.random.default_rng(0).normal(size=5))
    assert fit_exponent(N, y) == pytest.approx(np.polyfit(np.log(N), np.log(y), 1)[0])


def test_the_fit_lies_over_the_points_it_was_made_from():
    times = np.stack([1e-3 * N**2, 1e-3 * N**2, 5e-3 * N**2])
    times[:, :2] = 40.0  # overhead
    figure = loglog_slope(N, {"attention": times}, fit_from=64, title="grows", **LABELS)
    points, fit = figure.axes[0].lines
    np.testing.assert_array_equal(points.get_ydata(), np.median(times, axis=0))
    np.testing.assert_array_equal(fit.get_xdata(), N[2:])
    np.testing.assert_allclose(fit.get_ydata(), 1e-3 * N[2:] ** 2)
    (words,) = figure.legends[0].get_texts()
    assert words.get_text() == "attention: n$^{2.00}$"
    assert (figure.axes[0].get_xscale(), figure.axes[0].get_yscale()) == ("log", "log")
    assert len(figure.axes[0].collections) == 1


def test_fit_errors():
    with pytest.raises(ValueError, match="one length, got 5 and 4"):
        fit_exponent(N, N[:4])
    with pytest.raises(ValueError, match="y must be positive"):
        fit_exponent(N, N - 16)
    with pytest.raises(ValueError, match="at least two different values"):
        fit_exponent([2, 2], [1, 3])


def test_plot_errors():
    with pytest.raises(ValueError, match="fit_from must leave at least 2 points, got 200"):
        loglog_slope(N, {"a": N}, fit_from=200, **LABELS)
    with pytest.raises(ValueError, match="series 'a' must be positive"):
        loglog_slope(N, {"a": N - 16}, **LABELS)
