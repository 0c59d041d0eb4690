"""Attention tile by tile: the scores that exist at once, the running sums, the numbers moved."""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import traitlets

from txlib.checks import check_flag
from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.validation import check_array, check_integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POSITIONS, MOST_FEATURES = 16, 8


class Tile(NamedTuple):
    """Queries `top` to `end` with keys `left` to `right`, both ends excluded."""

    top: int
    end: int
    left: int
    right: int


class Moved(NamedTuple):
    """Numbers read from and written to slow memory, and the most scores that exist at once."""

    read: int
    written: int
    scores: int

    @property
    def total(self) -> int:
        """All numbers that moved."""
        return self.read + self.written


class TilingStepper(CourseWidget):
    r"""Steps one head of attention through its tiles in the order of FlashAttention-2.

    For a tile of queries come all tiles of keys and values, one after the other (Dao 2023,
    algorithm 1). Of the scores of a tile nothing is kept but, for each query, their running maximum
    $m$, the sum $\ell$ of $e^{s - m}$, and the values' sum with these weights; both sums are
    multiplied by $e^{m_\mathrm{old} - m_\mathrm{new}}$ when the maximum rises. Divided by $\ell$ at
    the end, the sum is the context of $\mathrm{softmax}(QK^\top / \sqrt{D})V$, to rounding.

    Shown beside it: the numbers that were read from and written to slow memory so far (tiles of
    query, key and value in; context and one logsumexp a row out), what the standard way moves,
    which writes its scores and its weights and reads them back, and the most scores at once.

    Args:
        query: (T_q, D), at most 16 x 8, as array, tensor or nested sequence.
        key: (T_k, D).
        value: (T_k, D_v).
        tile_q: queries in a tile, 1 to T_q; the last tile may be smaller. No more than T_q if more
            is asked for.
        tile_k: keys in a tile, likewise.
        is_causal: whether query i sees only keys j <= i + T_k - T_q. Keys that no query of a tile
            sees are left out, and with them whole tiles.

    Attributes:
        step: how many steps have been taken; a tile is one, and writing a tile of rows is one.

    Raises:
        ValueError: if an array is empty, too large, not finite, or does not fit the others, or a
            tile has no rows.
    """

    _esm = bundle("steps.js", "tiling.js", "tiling_stepper.js")
    _css = bundle("steps.css", "tiling_stepper.css")
    _shown = ("shape", "tile_q", "tile_k", "is_causal")

    query = traitlets.Bytes().tag(sync=True)
    key = traitlets.Bytes().tag(sync=True)
    value = traitlets.Bytes().tag(sync=True)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    tile_q = traitlets.Int().tag(sync=True)
    tile_k = traitlets.Int().tag(sync=True)
    is_causal = traitlets.Bool().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        query: object,
        key: object,
        value: object,
        *,
        tile_q: int = 4,
        tile_k: int = 4,
        is_causal: bool = False,
    ) -> None:
        check_flag("is_causal", is_causal)
        query = _check_head("query", query)
        key = _check_head("key", key)
        value = _check_head("value", value)
        if query.shape[1] != key.shape[1]:
            shared = f"got {query.shape[1]} and {key.shape[1]}"
            raise ValueError(f"query and key must share their features, {shared}")
        if len(key) != len(value):
            raise ValueError(f"there must be one value a key, got {len(value)} for {len(key)}")
        super().__init__(
            query=query.tobytes(),
            key=key.tobytes(),
            value=value.tobytes(),
            shape=[len(query), len(key), query.shape[1], value.shape[1]],
            tile_q=min(check_integer("tile_q", tile_q, least=1, most=2**31), len(query)),
            tile_k=min(check_integer("tile_k", tile_k, least=1, most=2**31), len(key)),
            is_causal=bool(is_causal),
        )

    def scores(self) -> np.ndarray:
        """All scores, float64 (T_q, T_k); -inf where the causal mask forbids."""
        rows, columns, features, _ = self.shape
        query = np.frombuffer(self.query, np.float32).reshape(rows, features)
        key = np.frombuffer(self.key, np.float32).reshape(columns, features)
        scores = query.astype(np.float64) @ key.T.astype(np.float64) / math.sqrt(features)
        allowed = np.tri(rows, columns, columns - rows, dtype=bool)
        return np.where(allowed, scores, -np.inf) if self.is_causal else scores

    def context(self) -> np.ndarray:
        """The exact answer, float64 (T_q, D_v); 0 for a query that sees no key."""
        value = np.frombuffer(self.value, np.float32).reshape(self.shape[1], self.shape[3])
        _, powers = self._powers(self.scores())
        return powers @ value / np.where(powers.any(-1), powers.sum(-1), 1)[:, None]

    def tiles(self) -> list[Tile]:
        """The tiles that are computed, in order: none beyond the last key that its queries see."""
        cut = ((tile, min(tile.right, self._last_seen(tile))) for tile in self._tiles())
        return [tile._replace(right=right) for tile, right in cut if tile.left < right]

    def moved(self) -> Moved:
        """What computing the context by tiles moves in all."""
        rows, _, features, values = self.shape
        tiles = self.tiles()
        loaded = sum((tile.right - tile.left) * (features + values) for tile in tiles)
        largest = max((_area(tile) for tile in tiles), default=0)
        return Moved(rows * features + loaded, rows * (values + 1), largest)

    def moved_by_standard(self) -> Moved:
        """What the standard way moves: scores and weights are written once and read once each."""
        rows, columns, features, values = self.shape
        area = rows * columns
        read = (rows + columns) * features + 2 * area + columns * values
        return Moved(read, 2 * area + rows * values, area)

    @property
    def alt(self) -> str:
        """The tiles, the numbers that they and the standard way move, and the last row's sums."""
        rows, columns = self.shape[:2]
        ours, standard = self.moved(), self.moved_by_standard()
        maxima, sums = self._running(rows - 1)
        skipped = len(self._tiles()) - len(self.tiles())
        causal = f", {skipped} skipped under the causal mask" if self.is_causal else ""
        return (
            f"Attention of {rows} queries and {columns} keys in tiles of {self.tile_q} by "
            f"{self.tile_k}: {len(self.tiles())} tiles{causal}. Numbers moved: {ours.total} by "
            f"tiles, {standard.total} in the standard way; scores at once: {ours.scores} and "
            f"{standard.scores}. The last query's running maximum after each tile: "
            f"{_listed(maxima)}; its sum: {_listed(sums)}."
        )

    def fallback(self) -> "Figure":
        """The order of the tiles, the last query's running sums, and the numbers moved."""
        figure = picture.blank(7.4, 2.9, columns=3)
        order, running, moved = figure.axes
        self._draw_order(order)
        self._draw_running(running)
        self._draw_moved(moved)
        return figure

    def _tiles(self) -> list[Tile]:
        rows, columns = self.shape[:2]
        return [
            Tile(top, min(top + self.tile_q, rows), left, min(left + self.tile_k, columns))
            for top in range(0, rows, self.tile_q)
            for left in range(0, columns, self.tile_k)
        ]

    def _last_seen(self, tile: Tile) -> int:
        rows, columns = self.shape[:2]
        return tile.end + columns - rows if self.is_causal else columns

    @staticmethod
    def _powers(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        top = scores.max(axis=-1, keepdims=True)
        return top, np.exp(scores - np.where(np.isfinite(top), top, 0))

    def _running(self, row: int) -> tuple[list[float], list[float]]:
        """Maximum and sum of query `row` after each tile of keys that it meets."""
        ends = [tile.right for tile in self.tiles() if tile.top <= row < tile.end]
        seen = [self._powers(self.scores()[row, :end]) for end in ends]
        return [float(top[0]) for top, _ in seen], [float(powers.sum()) for _, powers in seen]

    def _draw_order(self, axes: "Axes") -> None:
        rows, columns = self.shape[:2]
        axes.add_patch(_rectangle(Tile(0, rows, 0, columns), fc="#eef0f3", ec=picture.FAINT))
        for number, tile in enumerate(self.tiles(), 1):
            axes.add_patch(_rectangle(tile, fc="white", ec=picture.ACCENT))
            at = (tile.left + tile.right) / 2, (tile.top + tile.end) / 2
            picture.write(axes, *at, str(number), ha="center", va="center", fontsize=9)
        axes.set(xlim=(-0.1, columns + 0.1), ylim=(rows + 0.1, -0.1), aspect="equal")
        axes.set_title("Order of the tiles", fontsize=9, color=picture.INK)

    def _draw_running(self, axes: "Axes") -> None:
        maxima, sums = self._running(self.shape[0] - 1)
        axes.set_axis_on()
        at = range(1, len(maxima) + 1)
        axes.plot(at, maxima, "o-", color=picture.ACCENT, label="maximum m")
        axes.plot(at, sums, "s--", color=picture.PATH, label="sum of exp(s - m)")
        axes.set_title("Kept of the last query", fontsize=9, color=picture.INK)
        axes.set_xlabel("tiles of keys seen", fontsize=8.5)
        axes.set_xticks(list(at))
        axes.tick_params(labelsize=8)
        axes.legend(fontsize=7, frameon=False)

    def _draw_moved(self, axes: "Axes") -> None:
        both = {"by tiles": self.moved(), "standard": self.moved_by_standard()}
        for row, (name, one) in enumerate(both.items()):
            axes.barh(row, one.total, 0.4, color=(picture.ACCENT, picture.FAINT)[row])
            note = f"{name}: {one.total} moved, {one.scores} scores at once"
            picture.write(axes, 0, row - 0.28, note, va="bottom", fontsize=8)
        axes.set(ylim=(1.6, -0.9))
        axes.set_title("Numbers moved", fontsize=9, color=picture.INK)


def _check_head(name: str, values: object) -> np.ndarray:
    array = check_array(name, values, ("positions", "features"))
    if len(array) > MOST_POSITIONS or array.shape[1] > MOST_FEATURES:
        most = f"{MOST_POSITIONS} positions x {MOST_FEATURES} features"
        raise ValueError(f"{name} must have at most {most}, got shape {array.shape}")
    return array


def _rectangle(tile: Tile, **style: object) -> object:
    from matplotlib.patches import Rectangle

    return Rectangle((tile.left, tile.top), tile.right - tile.left, tile.end - tile.top, **style)


def _area(tile: Tile) -> int:
    return (tile.end - tile.top) * (tile.right - tile.left)


def _listed(numbers: list[float]) -> str:
    return ", ".join(f"{number:.2f}" for number in numbers)
