import numpy as np
import pytest

from txlib.widgets.weights import COARSE, FINE, check_pairs, check_weights, from_bytes, to_bytes

LAYERS, HEADS, QUERIES, KEYS = 2, 3, 5, 4


@pytest.mark.parametrize(("levels", "each"), [(COARSE, 1), (FINE, 2)])
def test_bytes_by_hand_and_back(levels, each):
    weights = np.array([[0.2, 0.8, 0.0], [1.0, 0, 0]])
    data = to_bytes(weights, levels)
    assert len(data) == each * weights.size
    assert np.frombuffer(data, f"<u{each}")[:4].tolist() == [
        levels // 5,
        levels // 5 * 4,
        0,
        levels,
    ]
    np.testing.assert_allclose(from_bytes(data, levels, (2, 3)), weights, atol=0.5 / levels)


def test_missing_axes_are_added():
    weights = np.random.default_rng(0).dirichlet(np.ones(KEYS), (LAYERS, HEADS, QUERIES))
    for lost in range(3):
        shape = (1,) * lost + (LAYERS, HEADS, QUERIES, KEYS)[lost:]
        assert check_weights("w", weights[(0,) * lost], QUERIES, KEYS).shape == shape


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"cross must have a row per query .* got shape \(1, 2\)"):
        check_weights("cross", [[0.5, 0.5]], 2, 2)
    with pytest.raises(ValueError, match=r"cross must sum to 1 .* got 0.7 at .* \(0, 0, 1\)"):
        check_weights("cross", [[0.5, 0.5], [0.5, 0.2]], 2, 2)
    with pytest.raises(ValueError, match=r"links must hold pairs .* within \(2, 3\), got \(2, 0\)"):
        check_pairs("links", [(0, 2), (2, 0)], (2, 3))
