import math

import numpy as np
import pytest
import torch

from txlib.widgets import SoftmaxDial
from txlib.widgets.softmax_dial import COLDEST, HOTTEST, entropy, jacobian_norm, softmax

SCORES = [2.0, -1.5, 0.3, 0.3, 7.0]


def test_numbers_by_hand():
    dial = SoftmaxDial([math.log(3), 0.0])
    assert dial.weights() == pytest.approx([0.75, 0.25])
    assert dial.entropy() == pytest.approx(2 * math.log(2) - 0.75 * math.log(3))
    # the Jacobian is 3/16 times [[1, -1], [-1, 1]]
    assert dial.gradient_norm() == pytest.approx(3 / 8)
    colder = SoftmaxDial([math.log(3), 0.0], temperature=0.5)
    assert colder.weights() == pytest.approx([0.9, 0.1])
    assert colder.gradient_norm() == pytest.approx(2 * 0.09 / 0.5)
    assert dial.alt == (
        "Softmax at temperature 1. Weight by label (score): a (1.09861) 0.750, b (0) 0.250. "
        "Entropy 0.562 of at most 0.693 nats, gradient norm 0.375. "
        "Towards temperature 0: all weight on a; towards infinity: 0.500 each."
    )


@pytest.mark.parametrize("temperature", [COLDEST, 0.7, 1.0, HOTTEST])
def test_agrees_with_torch(temperature):
    dial = SoftmaxDial(SCORES, temperature=temperature)
    scores = torch.tensor(SCORES, dtype=torch.float64)
    weights = (scores / temperature).softmax(dim=0)
    jacobian = torch.autograd.functional.jacobian(lambda s: (s / temperature).softmax(0), scores)
    assert dial.weights() == pytest.approx(weights.numpy())
    assert dial.entropy() == pytest.approx(
        torch.distributions.Categorical(weights).entropy().item()
    )
    assert dial.gradient_norm() == pytest.approx(jacobian.norm().item())


def test_limits_are_what_extreme_temperatures_approach():
    tied = SoftmaxDial([1.0, 4.0, -2.0, 4.0])
    cold, hot = tied.limits()
    assert cold.tolist() == [0, 0.5, 0, 0.5]
    assert hot.tolist() == [0.25] * 4
    assert softmax(tied.scores, 1e-3) == pytest.approx(cold)
    assert softmax(tied.scores, 1e6) == pytest.approx(hot, abs=1e-5)
    assert entropy(cold) == pytest.approx(math.log(2))
    assert entropy(hot) == pytest.approx(math.log(4))
    assert "Towards temperature 0: shared by b, d;" in tied.alt


def test_gradient_vanishes_in_both_limits_unless_scores_tie():
    def norm(scores, temperature):
        return jacobian_norm(softmax(scores, temperature), temperature)

    assert norm([1, 2, 4], 0.05) < 1e-6 < norm([1, 2, 4], 1)
    assert norm([1, 2, 4], 1e4) < 1e-4
    assert norm([1, 4, 4], 0.05) == pytest.approx(0.5 / 0.05)


def test_entropy_of_certainty_is_zero():
    assert str(entropy(np.array([1.0, 0.0]))) == "0.0"
    assert SoftmaxDial([100, -100], temperature=COLDEST).entropy() == 0


def test_what_is_accepted():
    for scores in ([1, 2.5], (1, 2.5), np.array([1, 2.5]), torch.tensor([1, 2.5])):
        assert SoftmaxDial(scores).scores == [1.0, 2.5]
    assert SoftmaxDial([0] * 12).labels[-1] == "l"
    assert repr(SoftmaxDial([1, 2], ["x", "y"], 0.5)) == (
        "SoftmaxDial(scores=[1.0, 2.0], labels=['x', 'y'], temperature=0.5)"
    )


def test_picture_shows_weights_and_curves():
    dial = SoftmaxDial(SCORES, temperature=0.5)
    bars, uncertainty, slope = dial.fallback().axes
    assert [bar.get_width() for bar in bars.patches] == pytest.approx(dial.weights())
    assert uncertainty.get_title() == f"Entropy (nats): {dial.entropy():.3f}"
    assert slope.get_title() == f"Gradient norm: {dial.gradient_norm():.3f}"
    temperatures, norms = slope.lines[0].get_data()
    assert temperatures[[0, -1]] == pytest.approx([COLDEST, HOTTEST])
    assert norms[-1] == pytest.approx(SoftmaxDial(SCORES, temperature=HOTTEST).gradient_norm())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scores": [1]}, "scores must hold 2 to 12 numbers, got 1"),
        ({"scores": [0] * 13}, "scores must hold 2 to 12 numbers, got 13"),
        ({"scores": "12"}, "scores must be a sequence of numbers, got '12'"),
        ({"scores": [1, math.nan]}, r"scores\[1\] must be a number from -100 to 100, got nan"),
        ({"scores": [101, 1]}, r"scores\[0\] must be a number from -100 to 100, got 101"),
        ({"scores": [[1, 2], [3, 4]]}, r"scores\[0\] must be a number from -100 to 100, got \[1"),
        ({"temperature": 0}, "temperature must be a number from 0.05 to 20, got 0"),
        ({"temperature": 21}, "temperature must be a number from 0.05 to 20, got 21"),
        ({"labels": ["a"]}, "labels must name each score: 2 of them, got 1"),
        ({"labels": ["a", "b", "c"]}, "labels must name each score: 2 of them, got 3"),
        ({"labels": "ab"}, "labels must be a sequence of strings, got 'ab'"),
        ({"labels": 7}, "labels must be a sequence of strings, got 7"),
        ({"labels": ["a", " "]}, r"labels\[1\] must be a string that is not blank, got ' '"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxDial(**({"scores": [1, 2]} | arguments))
