"""Positions as angles: waves and clocks, similarity by distance, RoPE's dial."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import traitlets

from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.validation import check_choice, check_integer, check_number, check_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = ("waves", "similarity", "dial")
CONTENTS = ("every pair", "fast pairs", "slow pairs")
SIZES = tuple(2**power for power in range(4, 10))  # 16 to 512
BASES = (100.0, 10_000.0, 500_000.0)
SLOPES = tuple(2.0**-power for power in range(1, 9))  # those of eight heads
SHOWN, MOST_SHOWN = 8, 4  # pairs of features to choose from, and at once
LAST, FAR = 64, 256  # the last position, and the longest distance, that a slider reaches


class PositionExplorer(CourseWidget):
    r"""Turns positions into angles, and shows that only their difference is left in a product.

    Feature pair $i$ of $d$ features turns by $\omega_i = \mathrm{base}^{-2i/d}$ radians a position:

    - waves: the sinusoidal encoding, $\sin p\omega_i$ and $\cos p\omega_i$ (Vaswani et al. 2017,
      section 3.5), over positions, and as the hand of a clock at positions p and p + k;
    - similarity: by distance k, the product of two encodings over its value at k = 0, the same for
      RoPE (Su et al. 2021) with q = k, and the penalty of ALiBi (Press et al. 2022), $-mk$;
    - dial: a query and a key that RoPE turns by their positions.

    Args:
        d_model: features, 16, 32, … 512; for RoPE, txlib's `head_dim`.
        base: from 2 to 1e9; the reader chooses between it and 100, 10 000 and 500 000.
        pairs: 1 to 4 of eight feature pairs, spread evenly: j stands for i = j d / 16, so that
            $\omega = \mathrm{base}^{-j/8}$ for every d.
        position: p, from 0 to 64.
        shift: k of the waves, from 0 to 64.
        distance: k of the similarity, from 0 to 256.
        content: which pairs of RoPE's q = k are not 0: "every pair", the "fast pairs" (the first
            half) or the "slow pairs".
        slope: of ALiBi, 1/2, 1/4, … 1/256.
        query: (2,), what the query holds in each shown pair, coordinates from -2 to 2.
        key: (2,), likewise.
        query_position: m, from 0 to 64.
        key_position: n, from 0 to 64.
        panel: "waves", "similarity" or "dial".

    Attributes:
        both: what is added to m and to n at once, from 0 to 64.

    Raises:
        ValueError: if an argument is out of its range.
    """

    _esm = bundle("turning.js", "position_explorer.js")
    _css = bundle("position_explorer.css")
    _shown = ("d_model", "base", "pairs", "position", "shift", "distance", "panel")

    d_model = traitlets.Int().tag(sync=True)
    base = traitlets.Float().tag(sync=True)
    bases = traitlets.List(traitlets.Float()).tag(sync=True)
    pairs = traitlets.List(traitlets.Int()).tag(sync=True)
    position = traitlets.Int().tag(sync=True)
    shift = traitlets.Int().tag(sync=True)
    distance = traitlets.Int().tag(sync=True)
    content = traitlets.Enum(CONTENTS).tag(sync=True)
    slope = traitlets.Float().tag(sync=True)
    query = traitlets.List(traitlets.Float()).tag(sync=True)
    key = traitlets.List(traitlets.Float()).tag(sync=True)
    query_position = traitlets.Int().tag(sync=True)
    key_position = traitlets.Int().tag(sync=True)
    both = traitlets.Int(0).tag(sync=True)
    panel = traitlets.Enum(PANELS).tag(sync=True)

    def __init__(
        self,
        d_model: int = 64,
        *,
        base: float = 10_000.0,
        pairs: Sequence[int] = (0, 1, 3),
        position: int = 10,
        shift: int = 3,
        distance: int = 16,
        content: str = "every pair",
        slope: float = 1 / 8,
        query: Sequence[float] = (1.0, 0.3),
        key: Sequence[float] = (0.6, -0.7),
        query_position: int = 12,
        key_position: int = 9,
        panel: str = "waves",
    ) -> None:
        base = check_number("base", base, least=2, most=1e9)
        super().__init__(
            d_model=int(check_choice("d_model", d_model, SIZES)),
            base=base,
            bases=sorted({*BASES, base}),
            pairs=_check_pairs(pairs),
            position=check_integer("position", position, least=0, most=LAST),
            shift=check_integer("shift", shift, least=0, most=LAST),
            distance=check_integer("distance", distance, least=0, most=FAR),
            content=check_choice("content", content, CONTENTS),
            slope=float(check_choice("slope", slope, SLOPES)),
            query=check_numbers("query", query, least=2, most=2, limit=2),
            key=check_numbers("key", key, least=2, most=2, limit=2),
            query_position=check_integer("query_position", query_position, least=0, most=LAST),
            key_position=check_integer("key_position", key_position, least=0, most=LAST),
            panel=check_choice("panel", panel, PANELS),
        )

    def frequencies(self) -> np.ndarray:
        """Radians a position, (d_model / 2,), falling from 1."""
        return self.base ** (-np.arange(0, self.d_model, 2) / self.d_model)

    def similarity(self, distance: int | np.ndarray, content: str = "every pair") -> np.ndarray:
        """Mean cosine of `distance` times frequency over the pairs in `content`; 1 at 0.

        It is the product of two sinusoidal encodings `distance` apart over that of one with itself,
        and RoPE's score where query and key hold the same unit vectors in these pairs.
        """
        half = self.d_model // 4
        some = {"fast pairs": slice(half), "slow pairs": slice(half, None)}.get(
            content, slice(None)
        )
        return np.cos(np.multiply.outer(distance, self.frequencies()[some])).mean(axis=-1)

    def scores(self) -> dict[int, float]:
        """RoPE's product of the turned query and the turned key, by shown pair."""
        query, key = complex(*self.query), complex(*self.key)
        angles = [(self.query_position - self.key_position) * w for _, w in self._shown_pairs()]
        turns = [complex(math.cos(angle), math.sin(angle)) for angle in angles]
        products = ((query * turn * key.conjugate()).real for turn in turns)
        return dict(zip(self.pairs, products, strict=True))

    @property
    def alt(self) -> str:
        """The numbers of all three panels."""
        angles = ", ".join(
            f"{self.shift * w:.3f} rad in pair {self._pair(j)}" for j, w in self._shown_pairs()
        )
        here = self.query_position + self.both, self.key_position + self.both
        return (
            f"Positions in {self.d_model} features, base {self.base:g}. Between positions "
            f"{self.position} and {self.position + self.shift} the clock hands turn by {angles}. "
            f"At distance {self.distance} the similarity of two sinusoidal encodings is "
            f"{self.similarity(self.distance):.3f}, that of RoPE's query and key "
            f"{self.similarity(self.distance, self.content):.3f}, and ALiBi adds "
            f"{-self.slope * self.distance:.3f} to the score. A query at position {here[0]} and a "
            f"key at {here[1]} score {sum(self.scores().values()):.3f} under RoPE."
        )

    def fallback(self) -> "Figure":
        """The slowest shown wave, similarity by distance for each base, and the slowest dial."""
        figure = picture.blank(7.4, 2.7, columns=3)
        waves, similarity, dial = figure.axes
        self._draw_wave(waves)
        self._draw_similarity(similarity)
        self._draw_dial(dial)
        return figure

    def _pair(self, j: int) -> int:
        return j * self.d_model // (2 * SHOWN)

    def _shown_pairs(self) -> list[tuple[int, float]]:
        return [(j, self.base ** (-j / SHOWN)) for j in self.pairs]

    def _draw_wave(self, axes: "Axes") -> None:
        j, frequency = self._shown_pairs()[-1]
        grid = np.linspace(0, LAST, 400)
        _prepare(axes, f"Pair {self._pair(j)}: — sin, ┈ cos", "position")
        axes.plot(grid, np.sin(frequency * grid), "-", color=picture.ACCENT)
        axes.plot(grid, np.cos(frequency * grid), ":", color=picture.QUIET)
        for name, at in (("p", self.position), ("p + k", self.position + self.shift)):
            axes.axvline(at, color=picture.PATH, lw=1)
            picture.write(axes, at, 1.08, name, ha="right" if name == "p" else "left", fontsize=8)
        axes.set(xlim=(0, LAST), ylim=(-1.15, 1.3))

    def _draw_similarity(self, axes: "Axes") -> None:
        distances = np.arange(FAR + 1)
        _prepare(axes, "Similarity by distance k and base", "k")
        styles = ("-", "--", ":", "-.")
        for base, style in zip(self.bases, styles, strict=False):
            powers = -np.arange(0, self.d_model, 2) / self.d_model
            curve = np.cos(np.multiply.outer(distances, base**powers)).mean(axis=-1)
            color = picture.ACCENT if base == self.base else picture.QUIET
            axes.plot(distances, curve, style, color=color, lw=1.2, label=f"{base:g}")
        axes.legend(fontsize=7, frameon=False, loc="upper right")
        axes.set(xlim=(0, FAR), ylim=(-0.4, 1.1))

    def _draw_dial(self, axes: "Axes") -> None:
        j, frequency = self._shown_pairs()[-1]
        for name, point, at, color in (
            ("q", self.query, self.query_position, picture.ACCENT),
            ("k", self.key, self.key_position, picture.PATH),
        ):
            turned = complex(*point) * np.exp(1j * frequency * (at + self.both))
            for end, style in ((complex(*point), ":"), (turned, "-")):
                axes.plot([0, end.real], [0, end.imag], style, color=color, lw=2)
            picture.write(axes, 1.15 * turned.real, 1.15 * turned.imag, name, ha="center")
        bound = 1.3 * max(math.hypot(*self.query), math.hypot(*self.key), 0.1)
        axes.set(xlim=(-bound, bound), ylim=(-bound, bound), aspect="equal")
        apart = self.query_position - self.key_position
        title = f"Pair {self._pair(j)}: q·k = {self.scores()[j]:.3f}, {apart} apart"
        axes.set_title(title, fontsize=9, color=picture.INK)


def _check_pairs(pairs: Sequence[int]) -> list[int]:
    listed = isinstance(pairs, Sequence) and not isinstance(pairs, str | bytes)
    chosen = {check_integer("pairs", p, least=0, most=SHOWN - 1) for p in pairs} if listed else ()
    if not 1 <= len(chosen) <= MOST_SHOWN:
        raise ValueError(f"pairs must hold 1 to {MOST_SHOWN} of 0 to {SHOWN - 1}, got {pairs!r}")
    return sorted(chosen)


def _prepare(axes: "Axes", title: str, xlabel: str) -> None:
    axes.set_axis_on()
    axes.set_title(title, fontsize=9, color=picture.INK)
    axes.set_xlabel(xlabel, fontsize=8.5)
    axes.tick_params(labelsize=8)
    axes.axhline(0, color=picture.FAINT, lw=0.8, zorder=0)
