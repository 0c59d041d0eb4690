"""Attention in the plane: one query, a few keys, and the weighted average of their values."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import traitlets

from txlib.checks import check_flag, shown
from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.softmax_dial import check_labels, entropy, jacobian_norm, softmax
from txlib.widgets.validation import check_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_KEYS = 8
COORDINATE_LIMIT = 10.0
SIZES = tuple(2**power for power in range(1, 10))  # 2 to 512


class QueryKeyValue2D(CourseWidget):
    r"""Lets the reader drag a query and its keys, and shows which values are averaged, and how.

    Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1) for one query in two
    dimensions, where scaling hardly matters. To show what it is for, the widget computes as if
    vectors had $d_k$ coordinates: dot products of independent coordinates of mean 0 and variance 1
    have standard deviation $\sqrt{d_k}$, so those of the two drawn coordinates are multiplied by
    $\sqrt{d_k / 2}$. This models how dot products grow, not the directions that dimensions add.

    Args:
        keys: (n, 2), 2 to 8 points, coordinates from -10 to 10.
        values: (n, 2), likewise; when not given, the corners of a regular polygon, so that three
            keys make their weights readable as a place in a triangle.
        query: (2,).
        scaled: whether scores are divided by $\sqrt{d_k}$ at the start.
        d_k: the number of coordinates to imagine, txlib's `head_dim`: 2, 4, 8, … 512.
        labels: a name for each key and its value; "a", "b", … when not given.

    Attributes:
        key_points: the keys; Jupyter's widgets use the name `keys` themselves.
        selected: the point that the arrow keys move: 0 for the query, i for the i-th key.

    Raises:
        ValueError: if points are not pairs of numbers in range, their counts differ, or `d_k` is
            not a power of two from 2 to 512.
    """

    _esm = bundle("softmax.js", "plane.js", "query_key_value_2d.js")
    _css = bundle("plane.css", "query_key_value_2d.css")
    _shown = ("key_points", "values", "query", "scaled", "d_k", "labels")

    key_points = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    values = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    query = traitlets.List(traitlets.Float()).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    scaled = traitlets.Bool().tag(sync=True)
    d_k = traitlets.Int().tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        keys: Sequence[Sequence[float]],
        values: Sequence[Sequence[float]] | None = None,
        query: Sequence[float] = (1.0, 0.5),
        scaled: bool = True,
        d_k: int = 2,
        labels: Sequence[str] | None = None,
    ) -> None:
        keys = _check_points("keys", keys)
        values = _polygon(len(keys)) if values is None else _check_points("values", values)
        if len(values) != len(keys):
            raise ValueError(f"values must be as many as keys, got {len(values)} and {len(keys)}")
        if isinstance(d_k, bool) or not isinstance(d_k, Real) or d_k not in SIZES:
            raise ValueError(f"d_k must be a power of two from 2 to 512, got {shown(d_k)}")
        check_flag("scaled", scaled)
        super().__init__(
            key_points=keys,
            values=values,
            query=check_numbers("query", query, least=2, most=2, limit=COORDINATE_LIMIT),
            labels=check_labels(labels, len(keys), "key"),
            scaled=bool(scaled),
            d_k=int(d_k),
        )

    def __repr__(self) -> str:
        return super().__repr__().replace("key_points=", "keys=", 1)

    def scores(self) -> np.ndarray:
        """What the softmax sees, (n,): the drawn dot products, grown, and shrunk when scaled."""
        return np.asarray(self.key_points) @ np.asarray(self.query) * _factor(self.d_k, self.scaled)

    def weights(self) -> np.ndarray:
        """The softmax of the scores, (n,)."""
        return softmax(self.scores())

    def context(self) -> np.ndarray:
        """The average of the values by weight, (2,): a point of their convex hull."""
        return self.weights() @ np.asarray(self.values)

    def entropy(self) -> float:
        """Entropy of the weights in nats."""
        return entropy(self.weights())

    def gradient_norm(self) -> float:
        """Frobenius norm of the weights' Jacobian with respect to the scores."""
        return jacobian_norm(self.weights())

    @property
    def alt(self) -> str:
        """Query, keys with score and weight, context, and whether scores are scaled."""
        rows = zip(self.labels, self.key_points, self.scores(), self.weights(), strict=True)
        told = "; ".join(f"{name} {_point(k)} {s:.3f}, {w:.3f}" for name, k, s, w in rows)
        division = "divided" if self.scaled else "not divided"
        return (
            f"A query at {_point(self.query)}, as if d_k = {self.d_k}, scores {division} by "
            f"the square root of d_k. Keys with score and weight: {told}. "
            f"Context {_point(self.context())}, entropy {self.entropy():.3f} nats."
        )

    def fallback(self) -> "Figure":
        """Query and keys, values and context, and the weights as d_k grows without scaling."""
        figure = picture.blank(7.4, 2.9, columns=3)
        self._draw_keys(figure.axes[0])
        self._draw_values(figure.axes[1])
        self._draw_growth(figure.axes[2])
        return figure

    def _draw_keys(self, axes: "Axes") -> None:
        _prepare(axes, [*self.key_points, self.query], "Query (◆) and keys (●)")
        for label, (x, y), weight in zip(self.labels, self.key_points, self.weights(), strict=True):
            axes.plot([0, x], [0, y], color=picture.ACCENT, lw=1 + 4 * weight)
            axes.plot([x], [y], "o", color=picture.ACCENT, ms=7)
            _name(axes, x, y, label)
        x, y = self.query
        axes.plot([0, x], [0, y], color=picture.PATH, lw=2)
        axes.plot([x], [y], "D", color=picture.PATH, ms=7)

    def _draw_values(self, axes: "Axes") -> None:
        _prepare(axes, self.values, f"Values, context (◆) {_point(self.context())}")
        x, y = self.context()
        for label, value, weight in zip(self.labels, self.values, self.weights(), strict=True):
            axes.plot([value[0], x], [value[1], y], color=picture.FAINT, lw=1 + 4 * weight)
            axes.plot(*value, "o", color=picture.ACCENT, ms=4 + 10 * math.sqrt(weight))
            _name(axes, *value, label)
        axes.plot([x], [y], "D", color=picture.PATH, ms=7)

    def _draw_growth(self, axes: "Axes") -> None:
        axes.set_axis_on()
        dots = np.asarray(self.key_points) @ np.asarray(self.query)
        for scaled, style in ((False, "-"), (True, ":")):
            weights = np.array([softmax(dots * _factor(size, scaled)) for size in SIZES])
            axes.semilogx(SIZES, weights, style, color=picture.QUIET if scaled else picture.ACCENT)
        for label, weight in zip(
            self.labels, softmax(dots * _factor(SIZES[-1], False)), strict=True
        ):
            if weight > 0.02:
                picture.write(axes, 560, weight, picture.shorten(label, 6), va="center", fontsize=8)
        axes.set_title("Weights: ┈ scaled, — not", fontsize=9, color=picture.INK)
        axes.set_xlabel("$d_k$", fontsize=8.5)
        axes.set(ylim=(-0.03, 1.03), xlim=(2, 512))
        axes.set_xticks([2, 16, 128, 512], ["2", "16", "128", "512"])
        axes.tick_params(labelsize=8)
        axes.minorticks_off()


def _factor(d_k: int, scaled: bool) -> float:
    return math.sqrt(d_k / 2) / (math.sqrt(d_k) if scaled else 1.0)


def _check_points(name: str, points: object) -> list[list[float]]:
    points = points.tolist() if hasattr(points, "tolist") else points
    if isinstance(points, str) or not isinstance(points, Sequence):
        raise ValueError(f"{name} must be a sequence of pairs of numbers, got {points!r}")
    if not 2 <= len(points) <= MOST_KEYS:
        raise ValueError(f"{name} must hold 2 to {MOST_KEYS} points, got {len(points)}")
    limits = {"least": 2, "most": 2, "limit": COORDINATE_LIMIT}
    return [check_numbers(f"{name}[{i}]", point, **limits) for i, point in enumerate(points)]


def _polygon(corners: int) -> list[list[float]]:
    turns = [math.pi / 2 - 2 * math.pi * i / corners for i in range(corners)]
    return [[round(math.cos(turn), 3) + 0.0, round(math.sin(turn), 3) + 0.0] for turn in turns]


def _point(point: Sequence[float]) -> str:
    return f"({point[0]:.2f}, {point[1]:.2f})"


def _prepare(axes: "Axes", points: Sequence[Sequence[float]], title: str) -> None:
    bound = 1.4 * max(1e-9, max(abs(c) for point in points for c in point))
    axes.set(xlim=(-bound, bound), ylim=(-bound, bound), aspect="equal")
    axes.axhline(0, color=picture.FAINT, lw=0.8, zorder=0)
    axes.axvline(0, color=picture.FAINT, lw=0.8, zorder=0)
    axes.set_title(title, fontsize=9, color=picture.INK)


def _name(axes: "Axes", x: float, y: float, label: str) -> None:
    length, bound = math.hypot(x, y), axes.get_ylim()[1]
    right, up = (x / length, y / length) if length else (0.0, 1.0)
    style = {"ha": "center", "va": "center", "fontsize": 9}
    label = picture.shorten(label, 10)
    aside = 0.12 + 0.025 * len(label)  # beyond the point, seen from the origin
    picture.write(axes, x + aside * bound * right, y + 0.15 * bound * up, label, **style)
