"""Softmax under the reader's hand: scores and temperature in, weights and their sharpness out."""

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import traitlets

from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.validation import check_number, check_numbers, check_texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SCORES = 12
SCORE_LIMIT = 100.0
COLDEST, HOTTEST = 0.05, 20.0


def softmax(scores: Sequence[float], temperature: float = 1.0) -> np.ndarray:
    """Weights that rise with `scores`, evenly at high temperature: float64, (n,), of sum 1."""
    scores = np.asarray(scores, dtype=np.float64)
    powers = np.exp((scores - scores.max()) / temperature)
    return powers / powers.sum()


def entropy(weights: np.ndarray) -> float:
    """-sum w ln w in nats: 0 where one weight is 1, ln n where all n are equal."""
    some = weights[weights > 0]
    return float(-(some * np.log(some)).sum()) + 0.0


def jacobian_norm(weights: np.ndarray, temperature: float = 1.0) -> float:
    r"""How strongly the scores move the weights: $\|\partial w / \partial s\|_F$.

    For $w = \mathrm{softmax}(s / \tau)$ the Jacobian is $(\mathrm{diag}(w) - w w^\top) / \tau$.
    """
    return float(np.linalg.norm(np.diag(weights) - np.outer(weights, weights)) / temperature)


class SoftmaxDial(CourseWidget):
    r"""Turns scores into weights $\mathrm{softmax}(s / \tau)$ while the reader drags both.

    Shown with the weights: their entropy in nats, between 0 and $\ln n$, and the Frobenius norm of
    their Jacobian $(\mathrm{diag}(w) - w w^\top) / \tau$ with respect to the scores, both also as
    curves over the temperature. The two limits are marked: as $\tau \to 0$ the greatest score takes
    all the weight (equal greatest scores share it), as $\tau \to \infty$ each weight is $1/n$.

    Args:
        scores: 2 to 12 numbers from -100 to 100, as sequence, array or tensor.
        labels: a name for each score; "a", "b", … when not given.
        temperature: $\tau$, from 0.05 to 20.

    Raises:
        ValueError: if a number is out of range or not finite, their count is, or the labels are
            blank or not as many as the scores.
    """

    _esm = bundle("softmax.js", "softmax_dial.js")
    _css = bundle("softmax_dial.css")
    _shown = ("scores", "labels", "temperature")

    scores = traitlets.List(traitlets.Float()).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        scores: Sequence[float],
        labels: Sequence[str] | None = None,
        temperature: float = 1.0,
    ) -> None:
        scores = check_numbers("scores", scores, least=2, most=MOST_SCORES, limit=SCORE_LIMIT)
        super().__init__(
            scores=scores,
            labels=check_labels(labels, len(scores), "score"),
            temperature=check_number("temperature", temperature, least=COLDEST, most=HOTTEST),
        )

    def weights(self) -> np.ndarray:
        """The weights at the current temperature, (n,)."""
        return softmax(self.scores, self.temperature)

    def entropy(self) -> float:
        """Entropy of the weights in nats."""
        return entropy(self.weights())

    def gradient_norm(self) -> float:
        """Frobenius norm of the weights' Jacobian with respect to the scores."""
        return jacobian_norm(self.weights(), self.temperature)

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """The weights as the temperature goes to 0 (greatest scores share) and to infinity."""
        greatest = np.asarray(self.scores) == max(self.scores)
        return greatest / greatest.sum(), np.full(len(self.scores), 1 / len(self.scores))

    @property
    def alt(self) -> str:
        """Scores, weights, entropy, gradient norm, and the limits."""
        pairs = zip(self.labels, self.scores, self.weights(), strict=True)
        told = ", ".join(f"{label} ({score:g}) {weight:.3f}" for label, score, weight in pairs)
        names = [label for label, w in zip(self.labels, self.limits()[0], strict=True) if w > 0]
        cold = f"all weight on {names[0]}" if len(names) == 1 else f"shared by {', '.join(names)}"
        return (
            f"Softmax at temperature {self.temperature:g}. Weight by label (score): {told}. "
            f"Entropy {self.entropy():.3f} of at most {math.log(len(self.scores)):.3f} nats, "
            f"gradient norm {self.gradient_norm():.3f}. "
            f"Towards temperature 0: {cold}; towards infinity: {1 / len(self.scores):.3f} each."
        )

    def fallback(self) -> "Figure":
        """The weights between their limits, and entropy and gradient norm over temperature."""
        figure = picture.blank(7.4, 2.5 + 0.12 * len(self.scores), columns=3)
        bars, *curves = figure.axes
        self._draw_weights(bars)
        grid = np.geomspace(COLDEST, HOTTEST, 161)
        along = [softmax(self.scores, temperature) for temperature in grid]
        self._draw_curve(curves[0], "Entropy (nats)", self.entropy(), grid, map(entropy, along))
        curves[0].axhline(math.log(len(self.scores)), color=picture.QUIET, ls=":", lw=1)
        curves[0].axhline(0, color=picture.QUIET, ls=":", lw=1)
        norms = map(jacobian_norm, along, grid)
        self._draw_curve(curves[1], "Gradient norm", self.gradient_norm(), grid, norms)
        return figure

    def _draw_weights(self, axes: "Axes") -> None:
        rows, (cold, hot) = np.arange(len(self.scores)), self.limits()
        axes.barh(rows, self.weights(), color=picture.ACCENT, height=0.62)
        axes.scatter(cold, rows, s=34, facecolors="white", edgecolors=picture.PATH, zorder=3)
        axes.axvline(hot[0], color=picture.QUIET, ls=":", lw=1)
        for row, weight in enumerate(self.weights()):
            label = f"{picture.shorten(self.labels[row], 8)} ({self.scores[row]:g})"
            picture.write(axes, -0.05, row, label, ha="right", va="center", fontsize=8)
            picture.write(axes, 1.08, row, f"{weight:.3f}", va="center", fontsize=8)
        axes.set(xlim=(-0.75, 1.45), ylim=(len(rows) - 0.4, -0.6))
        axes.set_title(f"Weights at τ = {self.temperature:g}", fontsize=9.5, color=picture.INK)
        note = "○ limit τ → 0     ┊ limit τ → ∞"
        picture.write(axes, -0.75, len(rows) - 0.2, note, va="top", fontsize=8)

    def _draw_curve(
        self, axes: "Axes", name: str, now: float, grid: np.ndarray, values: object
    ) -> None:
        axes.set_axis_on()
        axes.semilogx(grid, list(values), color=picture.ACCENT)
        axes.axvline(self.temperature, color=picture.FAINT, lw=1)
        axes.plot([self.temperature], [now], "o", color=picture.PATH)
        axes.set_title(f"{name}: {now:.3f}", fontsize=9.5, color=picture.INK)
        axes.set_xlabel("temperature τ", fontsize=8.5)
        axes.set_xticks([COLDEST, 1, HOTTEST], [f"{COLDEST:g}", "1", f"{HOTTEST:g}"])
        axes.tick_params(labelsize=8)
        axes.minorticks_off()


def check_labels(labels: Sequence[str] | None, count: int, noun: str) -> list[str]:
    """`labels`, one for each of `count` things called `noun`; "a", "b", … where None.

    Raises:
        ValueError: if they are blank, or more or fewer.
    """
    if labels is None:
        return [chr(ord("a") + i) for i in range(count)]
    labels = check_texts("labels", labels, least=0, most=sys.maxsize)
    if len(labels) != count:
        raise ValueError(f"labels must name each {noun}: {count} of them, got {len(labels)}")
    return labels
