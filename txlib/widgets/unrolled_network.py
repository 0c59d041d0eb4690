"""A recurrence and an attention layer side by side: what waits for what, and how far apart."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import traitlets

from txlib.checks import check_flag
from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.validation import check_integer, check_texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TOKENS = 24
Edge = tuple[
    tuple[int, int], tuple[int, int]
]  # (position, row) to (position, row); inputs are row 0


class UnrolledNetwork(CourseWidget):
    """Steps a recurrence and an attention layer through a sequence, and lights paths in both.

    What does not wait for anything happens in one step: a recurrence takes one step a token, an
    attention layer one step in all, a stack of dilated causal convolutions one step a layer. A
    path's length is the number of edges between an input and an output, as in Vaswani et al. 2017,
    table 1.

    Args:
        tokens: 1 to 24 labels, or their number; `num_tokens` says the same by name.
        num_tokens: how many tokens, labelled x1, x2, …; 8 when nothing is said.
        kernel_size: inputs that each unit of the convolution sees, 2 to 5; dilations are its
            powers, and the layers as many as reach from the last token to the first.
        source: position of the input where the path starts, from 0. The first when not given.
        target: position of the output where it ends. The last when not given.
        show_convolution: whether the convolution is there from the start.

    Attributes:
        step: how many steps have been taken, from 0 to the number of tokens.

    Raises:
        ValueError: if a count or a position is out of range, a label is blank, or both `tokens`
            and `num_tokens` are given.
    """

    _esm = bundle("unrolled_network.js")
    _css = bundle("unrolled_network.css")
    _shown = ("tokens", "kernel_size", "source", "target", "show_convolution")

    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    kernel_size = traitlets.Int().tag(sync=True)
    source = traitlets.Int().tag(sync=True)
    target = traitlets.Int().tag(sync=True)
    show_convolution = traitlets.Bool().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        tokens: Sequence[str] | int | None = None,
        *,
        num_tokens: int | None = None,
        kernel_size: int = 3,
        source: int | None = None,
        target: int | None = None,
        show_convolution: bool = False,
    ) -> None:
        if tokens is not None and num_tokens is not None:
            raise ValueError(f"give tokens or num_tokens, not both, got {tokens!r}, {num_tokens!r}")
        if tokens is None or isinstance(tokens, int):
            count = tokens if tokens is not None else 8 if num_tokens is None else num_tokens
            count = check_integer("num_tokens", count, least=1, most=MOST_TOKENS)
            tokens = [f"x{i + 1}" for i in range(count)]
        tokens = check_texts("tokens", tokens, least=1, most=MOST_TOKENS)
        last = len(tokens) - 1
        check_flag("show_convolution", show_convolution)
        super().__init__(
            tokens=tokens,
            kernel_size=check_integer("kernel_size", kernel_size, least=2, most=5),
            source=0 if source is None else check_integer("source", source, least=0, most=last),
            target=last if target is None else check_integer("target", target, least=0, most=last),
            show_convolution=bool(show_convolution),
        )

    @property
    def num_layers(self) -> int:
        """Layers of the convolution: the least that reach over all tokens, at least one."""
        layers = 1
        while self.kernel_size**layers < len(self.tokens):
            layers += 1
        return layers

    def dependent_steps(self) -> dict[str, int]:
        """How many steps must wait for each other, by network."""
        return {"recurrence": len(self.tokens), "attention": 1, "convolution": self.num_layers}

    def path_lengths(self) -> dict[str, int | None]:
        """Edges from input `source` to output `target`, by network; None where no path leads."""
        return {name: edges and len(edges) for name, edges in self._paths().items()}

    @property
    def alt(self) -> str:
        """The networks that are shown, their dependent steps and their paths."""
        told = "; ".join(self._told(name) for name in self._networks())
        return (
            f"Unrolled networks over {_count(len(self.tokens), 'token')}, "
            f"from input {self.source + 1} to output {self.target + 1}. {told}."
        )

    def fallback(self) -> "Figure":
        """All networks with every step taken and the path drawn thick."""
        names = self._networks()
        figure = picture.blank(7.2, 2.3 * len(names), rows=len(names))
        for axes, name in zip(figure.axes, names, strict=True):
            self._draw(axes, name)
        return figure

    def _networks(self) -> list[str]:
        return ["recurrence", "attention"] + ["convolution"] * self.show_convolution

    def _edges(self, name: str) -> list[Edge]:
        positions = range(len(self.tokens))
        if name == "recurrence":
            return [((t, 0), (t, 1)) for t in positions] + [
                ((t - 1, 1), (t, 1)) for t in positions[1:]
            ]
        if name == "attention":
            return [((i, 0), (j, 1)) for i in positions for j in positions]
        reach = [(row, self.kernel_size**row) for row in range(self.num_layers)]
        return [
            ((j - tap * dilation, row), (j, row + 1))
            for row, dilation in reach
            for j in positions
            for tap in range(self.kernel_size)
            if j >= tap * dilation
        ]

    def _paths(self) -> dict[str, list[Edge] | None]:
        i, j = self.source, self.target
        attention = [((i, 0), (j, 1))]
        if i > j:  # the other two read left to right
            return {"recurrence": None, "attention": attention, "convolution": None}
        recurrence = [((i, 0), (i, 1)), *(((t, 1), (t + 1, 1)) for t in range(i, j))]
        here, convolution = i, []
        for row in range(self.num_layers):  # the distance, digit by digit in base kernel_size
            dilation = self.kernel_size**row
            there = here + (j - i) // dilation % self.kernel_size * dilation
            convolution.append(((here, row), (there, row + 1)))
            here = there
        return {"recurrence": recurrence, "attention": attention, "convolution": convolution}

    def _told(self, name: str) -> str:
        length = self.path_lengths()[name]
        path = f"path of {_count(length, 'edge')}" if length else "no path"
        return (
            f"{name.capitalize()}: {_count(self.dependent_steps()[name], 'dependent step')}, {path}"
        )

    def _draw(self, axes: "Axes", name: str) -> None:
        size, rows = len(self.tokens), self.num_layers if name == "convolution" else 1
        for (x0, y0), (x1, y1) in self._edges(name):
            axes.plot([x0, x1], [y0, y1], color=picture.FAINT, linewidth=0.8, zorder=1)
        for (x0, y0), (x1, y1) in self._paths()[name] or ():
            axes.plot([x0, x1], [y0, y1], color=picture.PATH, linewidth=3, zorder=2)
        for row in range(rows + 1):
            face = picture.ACCENT if row else "white"
            axes.scatter(range(size), [row] * size, s=46, c=face, ec=picture.ACCENT, zorder=3)
        for i, token in enumerate(self.tokens):
            label = picture.shorten(token, 14)
            tilt = {"rotation": 40, "ha": "right"} if size > 8 else {"ha": "center"}
            picture.write(axes, i, -0.18 * rows, label, va="top", fontsize=9, **tilt)
        axes.set_title(self._told(name), loc="left", fontsize=10, color=picture.INK)
        axes.set(xlim=(-0.7, size - 0.3), ylim=(-0.55 * rows, rows * 1.15))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
