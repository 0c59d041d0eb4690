"""Decoding with and without a cache of keys and values: what a token costs, and what is held."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import traitlets

from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.validation import check_choice, check_integer, check_text, check_texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TOKENS, MOST_ACTIONS, MOST_BACK = 24, 48, 4
MOST_HEADS, MOST_LAYERS, LARGEST_HEAD = 256, 256, 1024
BYTES = (4, 2, 1)
SHAPE = ("num_heads", "num_kv_heads", "head_dim", "num_layers")


def _shape(num_heads: int, num_kv_heads: int, head_dim: int, num_layers: int) -> dict[str, int]:
    return dict(zip(SHAPE, (num_heads, num_kv_heads, head_dim, num_layers), strict=True))


PRESETS = {
    "GPT-2 small": _shape(12, 12, 64, 12),
    "Falcon 7B": _shape(71, 1, 64, 32),
    "Llama 2 7B": _shape(32, 32, 128, 32),
    "Llama 2 70B": _shape(64, 8, 128, 80),
    "Mistral 7B": _shape(32, 8, 128, 32),
}


class Cost(NamedTuple):
    """Keys and values computed, those read from the cache, and products of a query and a key."""

    computed: int
    read: int
    products: int


class CacheStepper(CourseWidget):
    """Writes a sentence token by token, twice: reading all of it anew each time, and with a cache.

    At each step the model reads the token that was written last. Without a cache it computes the
    keys and values of all tokens anew, and the scores of all queries: over T tokens T (T + 1) / 2
    projections and T (T + 1) (T + 2) / 6 products a head. With a cache it computes those of
    one token and reads the others: T projections and T (T + 1) / 2 products. Keys that stand behind
    their query are not counted.

    The reader can let the last tokens be taken back, as happens when a draft is refused: the cache
    forgets their slots, and what they cost is spent. With a sliding window a query sees the last
    `window` keys, its own included; older slots fall out, and cannot be taken back to.

    Args:
        tokens: 1 to 24 labels.
        num_heads: of queries, 1 to 256.
        num_kv_heads: of keys and values, a divisor of `num_heads`: all of them in multi-head
            attention, 1 in multi-query attention (Shazeer 2019), between in grouped-query attention
            (Ainslie et al. 2023).
        head_dim: numbers in a key, 1 to 1024.
        num_layers: 1 to 256.
        window: keys that a query sees, from 1 to the number of tokens; all when None.
        presets: shapes to choose from, besides the one given: by name, `num_heads`, `num_kv_heads`,
            `head_dim` and `num_layers`. Five real models when not given.
        bytes_per_number: 4, 2 or 1.

    Attributes:
        history: what was done so far: 1 for a token read, -k for k taken back; at most 48.

    Raises:
        ValueError: if a number is out of range, the heads do not share the keys evenly, or a preset
            lacks a number or has another.
    """

    _esm = bundle("steps.js", "caching.js", "decoding.js", "cache_stepper.js")
    _css = bundle("steps.css", "cache_stepper.css")
    _shown = ("tokens", *SHAPE, "window", "bytes_per_number")

    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    num_heads = traitlets.Int().tag(sync=True)
    num_kv_heads = traitlets.Int().tag(sync=True)
    head_dim = traitlets.Int().tag(sync=True)
    num_layers = traitlets.Int().tag(sync=True)
    window = traitlets.Int(None, allow_none=True).tag(sync=True)
    bytes_per_number = traitlets.Int().tag(sync=True)
    presets = traitlets.List(traitlets.Dict()).tag(sync=True)
    rollback = traitlets.Int(2).tag(sync=True)
    history = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        tokens: Sequence[str],
        *,
        num_heads: int,
        num_kv_heads: int,
        head_dim: int,
        num_layers: int,
        window: int | None = None,
        presets: Mapping[str, Mapping[str, int]] = PRESETS,
        bytes_per_number: int = 2,
    ) -> None:
        tokens = check_texts("tokens", tokens, least=1, most=MOST_TOKENS)
        own = _check_shape("", _shape(num_heads, num_kv_heads, head_dim, num_layers))
        if window is not None:
            window = check_integer("window", window, least=1, most=len(tokens))
        check_choice("bytes_per_number", bytes_per_number, BYTES)
        if not isinstance(presets, Mapping):
            raise ValueError(f"presets must map names to shapes, got {presets!r}")
        named = {check_text("presets", name): shape for name, shape in presets.items()}
        shapes = [{"name": n} | _check_shape(f"presets[{n!r}]: ", s) for n, s in named.items()]
        super().__init__(
            tokens=tokens,
            **own,
            window=window,
            presets=[{"name": "this example"} | own, *shapes],
            bytes_per_number=int(bytes_per_number),
        )

    @property
    def length(self) -> int:
        """Tokens that have been read and not taken back."""
        return sum(self.history)

    def costs(self) -> dict[str, Cost]:
        """What the steps so far cost in all layers and heads: "without" and "with" a cache."""
        length, lengths = 0, []
        for change in self.history:
            length += change
            if change > 0:
                lengths.append(length)
        return self._costs(lengths)

    def cache_bytes(self, num_tokens: int) -> int:
        """What the cache of one sequence of `num_tokens` holds, in all layers."""
        slots = num_tokens if self.window is None else min(num_tokens, self.window)
        numbers = 2 * self.num_layers * self.num_kv_heads * self.head_dim
        return numbers * self.bytes_per_number * slots

    @property
    def alt(self) -> str:
        """What all tokens cost in both ways, and what the cache holds then."""
        size = len(self.tokens)
        costs = self._costs(range(1, size + 1))
        seen = "" if self.window is None else f", window of {self.window}"
        return (
            f"Decoding {size} tokens in {self.num_layers} layers of {self.num_heads} heads, "
            f"{self.num_kv_heads} of them with keys and values of their own{seen}. Without a cache "
            f"{costs['without'].computed} keys and values are computed and "
            f"{costs['without'].products} products; with one {costs['with'].computed} and "
            f"{costs['with'].products}, and it holds {self.cache_bytes(size)} bytes at the end."
        )

    def fallback(self) -> "Figure":
        """Who computes which token in which step, both ways, and the cost of every step."""
        figure = picture.blank(7.4, 2.9, columns=3)
        without, cached, cost = figure.axes
        size = len(self.tokens)
        row, column = np.ogrid[:size, :size]
        reach = size if self.window is None else self.window
        _draw_steps(without, "Without a cache", column <= row, np.zeros((size, size), dtype=bool))
        read = (column < row) & (column > row - reach)
        _draw_steps(cached, "With a cache (○ read)", column == row, read)
        self._draw_costs(cost)
        return figure

    def _products(self, length: int) -> int:
        reach = length if self.window is None else self.window
        return sum(min(i, reach) for i in range(1, length + 1))

    def _costs(self, lengths: Sequence[int]) -> dict[str, Cost]:
        """Of steps at which there are `lengths` tokens, the new one included."""
        vectors = 2 * self.num_layers * self.num_kv_heads
        pairs = self.num_layers * self.num_heads
        seen = [length if self.window is None else min(length, self.window) for length in lengths]
        anew = sum(map(self._products, lengths))
        read = sum(seen) - len(seen)
        return {
            "without": Cost(vectors * sum(lengths), 0, pairs * anew),
            "with": Cost(vectors * len(seen), vectors * read, pairs * sum(seen)),
        }

    def _draw_costs(self, axes: "Axes") -> None:
        steps = np.arange(1, len(self.tokens) + 1)
        both = [self._costs([step]) for step in steps]
        pairs = self.num_layers * self.num_heads
        axes.set_axis_on()
        for name, style, color in (
            ("without", "o-", picture.PATH),
            ("with", "D--", picture.ACCENT),
        ):
            products = [one[name].products / pairs for one in both]
            axes.plot(steps, products, style, color=color, ms=3.5, lw=1.2, label=f"{name} a cache")
        axes.set_title("Products a step (one head)", fontsize=9, color=picture.INK)
        axes.set_xlabel("step", fontsize=8.5)
        axes.locator_params(integer=True)
        axes.tick_params(labelsize=8)
        axes.legend(fontsize=7, frameon=False)


def _check_shape(where: str, shape: Mapping[str, int]) -> dict[str, int]:
    if not isinstance(shape, Mapping) or set(shape) != set(SHAPE):
        raise ValueError(f"{where}a shape must name {', '.join(SHAPE)}, got {shape!r}")
    limits = (MOST_HEADS, MOST_HEADS, LARGEST_HEAD, MOST_LAYERS)
    checked = {
        name: check_integer(where + name, shape[name], least=1, most=most)
        for name, most in zip(SHAPE, limits, strict=True)
    }
    if checked["num_heads"] % checked["num_kv_heads"]:
        raise ValueError(
            f"{where}num_kv_heads must divide num_heads, got {checked['num_kv_heads']} and "
            f"{checked['num_heads']}"
        )
    return checked


def _draw_steps(axes: "Axes", title: str, computed: np.ndarray, read: np.ndarray) -> None:
    from matplotlib.colors import ListedColormap

    colors = ListedColormap(["#f3f5f8", picture.ACCENT])
    size = len(computed)
    axes.pcolormesh(computed, cmap=colors, vmin=0, vmax=1, ec="white", linewidth=1)
    rows, columns = np.nonzero(read)
    side = 3000 / size**2
    axes.scatter(columns + 0.5, rows + 0.5, s=side, facecolors="none", edgecolors=picture.ACCENT)
    axes.set(aspect="equal", xlim=(-0.05, size + 0.05), ylim=(size + 0.05, -0.05))
    count = int(computed.sum())
    title = f"{title}:\n{count} token{'s' if count > 1 else ''} computed"
    axes.set_title(title, fontsize=9, color=picture.INK)
