"""Masks by rule: who may attend to whom, and what that leaves to compute."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import traitlets

from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.validation import check_choice, check_integer, check_names_of, check_texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TOKENS = 32
KINDS = ("causal", "length", "window", "prefix", "global", "block")
EXTRAS = ("causal", "length")


class MaskMaker(CourseWidget):
    """Lets the reader choose a mask, and shows it, what one query sees, and what it saves.

    Query i may attend to key j, both counted from 0, by kind:

    - "causal": j <= i.
    - "length": j < `length`; the keys behind are padding. Rows of padding are left as they are.
    - "window": |i - j| < `window`, on both sides.
    - "prefix": j <= i or j < `prefix`.
    - "global": |i - j| < `window`, or i < `num_global`, or j < `num_global`.
    - "block": i and j lie in the same block of `block_size`; the last block may be shorter.

    Rules in `also` must hold besides. Parameters larger than the number of tokens count as it.

    Args:
        tokens: 1 to 32 labels; the reader cannot change their number then.
        num_tokens: how many tokens, labelled x1, x2, …; 12 when nothing is said.
        kind: the rule that is shown first.
        also: of "causal" and "length", those that must hold as well.
        length: real tokens; two thirds of the tokens when not given.
        window: one more than how far a query sees; 4 when not given.
        prefix: tokens that all see; 4 when not given.
        num_global: tokens that see all and that all see; 2 when not given.
        block_size: tokens in a block; 4 when not given.
        query: position of the query that is picked first.

    Raises:
        ValueError: if a rule is unknown, a number out of range, or a label blank, or if both
            `tokens` and `num_tokens` are given.
    """

    _esm = bundle("matrix.js", "mask_maker.js")
    _css = bundle("matrix.css", "mask_maker.css")
    _shown = (
        "num_tokens",
        "kind",
        "also",
        "length",
        "window",
        "prefix",
        "num_global",
        "block_size",
    )

    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    num_tokens = traitlets.Int().tag(sync=True)
    most_tokens = traitlets.Int(MOST_TOKENS).tag(sync=True)
    kind = traitlets.Enum(KINDS).tag(sync=True)
    also = traitlets.List(traitlets.Unicode()).tag(sync=True)
    length = traitlets.Int().tag(sync=True)
    window = traitlets.Int().tag(sync=True)
    prefix = traitlets.Int().tag(sync=True)
    num_global = traitlets.Int().tag(sync=True)
    block_size = traitlets.Int().tag(sync=True)
    query = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        tokens: Sequence[str] | None = None,
        *,
        num_tokens: int | None = None,
        kind: str = "causal",
        also: Sequence[str] = (),
        length: int | None = None,
        window: int | None = None,
        prefix: int | None = None,
        num_global: int | None = None,
        block_size: int | None = None,
        query: int = 0,
    ) -> None:
        if tokens is not None and num_tokens is not None:
            raise ValueError(f"give tokens or num_tokens, not both, got {tokens!r}, {num_tokens!r}")
        if isinstance(tokens, int):
            tokens, num_tokens = None, tokens
        if tokens is not None:
            tokens = check_texts("tokens", tokens, least=1, most=MOST_TOKENS)
            size = len(tokens)
        else:
            size = 12 if num_tokens is None else num_tokens
            size = check_integer("num_tokens", size, least=1, most=MOST_TOKENS)
        check_choice("kind", kind, KINDS)
        also = check_names_of("also", also, EXTRAS, "rules")

        def positions(name: str, value: int | None, default: int) -> int:
            value = min(default, size) if value is None else value
            return check_integer(name, value, least=1, most=size)

        super().__init__(
            tokens=tokens or [],
            num_tokens=size,
            kind=kind,
            also=also,
            length=positions("length", length, size - size // 3),
            window=positions("window", window, 4),
            prefix=positions("prefix", prefix, 4),
            num_global=positions("num_global", num_global, 2),
            block_size=positions("block_size", block_size, 4),
            query=check_integer("query", query, least=0, most=size - 1),
        )

    def mask(self) -> np.ndarray:
        """The mask that is chosen now: bool (T, T), True = may attend, queries are rows."""
        return self._mask(self.kind)

    def num_scores(self) -> int:
        """How many pairs may attend: the scores that are left to compute, of T squared."""
        return int(self.mask().sum())

    @property
    def alt(self) -> str:
        """The chosen mask in numbers, and the share that each kind allows."""
        mask, size = self.mask(), self.num_tokens
        shares = ", ".join(f"{self._name(kind)} {_share(self._mask(kind))}" for kind in KINDS)
        return (
            f"Attention mask over {size} tokens, {self._name(self.kind)}: "
            f"{self.num_scores()} of {size**2} pairs allowed, {_share(mask)}. Query "
            f"{self.query + 1} sees {int(mask[self.query].sum())} keys. Shares: {shares}."
        )

    def fallback(self) -> "Figure":
        """All kinds with the present numbers, the chosen one first."""
        kinds = [self.kind, *(kind for kind in KINDS if kind != self.kind)]
        figure = picture.blank(7.2, 5.0, rows=2, columns=3)
        for axes, kind in zip(figure.axes, kinds, strict=True):
            self._draw(axes, kind)
        return figure

    def _mask(self, kind: str) -> np.ndarray:
        query, key = np.ogrid[: self.num_tokens, : self.num_tokens]
        near = abs(query - key) < self.window
        rules = {
            "causal": key <= query,
            "length": np.broadcast_to(key < self.length, near.shape),
            "window": near,
            "prefix": (key <= query) | (key < self.prefix),
            "global": near | (query < self.num_global) | (key < self.num_global),
            "block": query // self.block_size == key // self.block_size,
        }
        return np.logical_and.reduce([rules[name] for name in (kind, *self.also)])

    def _name(self, kind: str) -> str:
        return " and ".join(dict.fromkeys([kind, *self.also]))

    def _draw(self, axes: "Axes", kind: str) -> None:
        from matplotlib.colors import ListedColormap

        mask, size = self._mask(kind), self.num_tokens
        colors = ListedColormap(["white", picture.ACCENT])
        axes.pcolormesh(mask, cmap=colors, vmin=0, vmax=1, ec=picture.FAINT, linewidth=0.5)
        axes.set(aspect="equal", xlim=(-0.05, size + 0.05), ylim=(size + 0.05, -0.05))
        chosen = kind == self.kind
        title = f"{self._name(kind)}: {_share(mask)}"
        style = {"fontweight": "bold"} if chosen else {"color": picture.QUIET}
        axes.set_title(title, loc="left", fontsize=9.5, **style)
        if chosen:
            row = [0, size, size, 0, 0], [self.query + y for y in (0, 0, 1, 1, 0)]
            axes.plot(*row, color=picture.PATH, linewidth=1.8, clip_on=False)


def _share(mask: np.ndarray) -> str:
    """The allowed share in percent, halves rounded up as the browser does."""
    tenths = (2000 * int(mask.sum()) + mask.size) // (2 * mask.size)
    return f"{tenths // 10}.{tenths % 10} %"
