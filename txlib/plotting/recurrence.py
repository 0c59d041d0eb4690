"""Pictures of how far a signal must travel: recurrence, attention, convolution, gates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from txlib.plotting.arguments import figure, to_array
from txlib.plotting.style import COLORS, SIGNED_CMAP, WEIGHTS_CMAP
from txlib.plotting.tokens import label_tokens

MAX_STEPS = 10
MAX_POSITIONS = 40


@figure
def unrolled_graph(num_steps: int) -> Figure:
    """Recurrence and attention as graphs; the way from the first input to the last output is lit.

    The lit way is the longest that any input must travel to any output: `num_steps` edges through
    the states of a recurrence, one edge through attention.

    Args:
        num_steps: how many words there are, 2 to 10.

    Returns:
        A figure with two axes: the recurrence, the attention layer.

    Raises:
        ValueError: if `num_steps` is outside 2 to 10.
    """
    if not 2 <= num_steps <= MAX_STEPS:
        raise ValueError(f"num_steps must be from 2 to {MAX_STEPS}, got {num_steps}")
    figure = Figure(figsize=(6.4, 2.9))
    recurrence, attention = figure.subplots(1, 2)
    positions = range(num_steps)
    last = num_steps - 1
    along = [((t, 1), (t + 1, 1)) for t in range(last)]
    up = [((t, 0), (t, 1)) for t in positions]
    _graph(recurrence, num_steps, "h", [*up, *along], [up[0], *along])
    every_pair = [((i, 0), (j, 1)) for i in positions for j in positions]
    _graph(attention, num_steps, "y", every_pair, [((0, 0), (last, 1))])
    recurrence.set_title(f"recurrence: {num_steps} edges")
    attention.set_title("attention: 1 edge")
    return figure


@figure
def receptive_field(kernel_size: int, dilations: Sequence[int]) -> Figure:
    """A stack of causal convolutions; what reaches the last output is filled in.

    Args:
        kernel_size: taps of each layer, at least 1.
        dilations: one per layer, from the input up, each at least 1.

    Returns:
        A figure with a row per layer above the input row; filled cells reach the last output.

    Raises:
        ValueError: for a kernel size or a dilation below 1, no layers, or a reach that does not
            fit the picture (more than 38 positions).
    """
    if kernel_size < 1 or not dilations or min(dilations) < 1:
        raise ValueError(
            "kernel_size and every dilation must be at least 1, with at least one layer, "
            f"got {kernel_size} and {list(dilations)}"
        )
    reach = 1 + (kernel_size - 1) * sum(dilations)
    length = reach + 2
    if length > MAX_POSITIONS:
        raise ValueError(f"the reach must be at most {MAX_POSITIONS - 2} positions, got {reach}")
    depth = len(dilations)
    lit = [{length - 1}]
    edges = []
    for layer in range(depth, 0, -1):
        taps = [(t, t - k * dilations[layer - 1]) for t in lit[-1] for k in range(kernel_size)]
        edges += [((below, layer - 1), (t, layer)) for t, below in taps]
        lit.append({below for _, below in taps})
    figure = Figure(figsize=(6.4, 1.3 + 0.62 * (depth + 1)))
    ax = figure.subplots()
    _edges(ax, sorted(set(edges)), COLORS["muted"], 1.2)
    for layer, reached in enumerate(reversed(lit)):
        dark = sorted(reached)
        pale = [t for t in range(length) if t not in reached]
        size = min(150.0, (280.0 / length) ** 2)
        edge = COLORS["muted"]
        ax.scatter(pale, [layer] * len(pale), size, c="white", edgecolors=edge, zorder=3)
        ax.scatter(dark, [layer] * len(dark), size, c=COLORS["lstm"], zorder=3, gid=f"lit-{layer}")
    names = [f"layer {i} (dilation {d})" for i, d in enumerate(dilations, start=1)]
    ax.set_yticks(range(depth + 1), ["input", *names])
    ax.set_xticks([length - reach, length - 1], [f"{reach - 1} back" if reach > 1 else "", "now"])
    _bare(ax)
    ax.set(ylim=(-0.5, depth + 0.5), xlabel="position")
    ax.set_title(f"the last output sees {reach} position{'s' if reach > 1 else ''}")
    return figure


@figure
def gate_traces(tokens: Sequence[str], gates: Mapping[str, Any]) -> Figure:
    """How open each gate is at each word: one small map per gate, units down, words across.

    Args:
        tokens: T words.
        gates: name to (T, H). Where all are from 0 to 1 the scale is white to dark; a gate with
            negative values (a candidate, a cell state) gets a scale with white at zero.

    Returns:
        A figure with one map and one colour bar per gate.

    Raises:
        ValueError: for no gates, or one that is not (T, H) or not finite.
    """
    if not gates:
        raise ValueError("gates must hold at least one name, got none")
    arrays = {name: _as_gate(name, values, len(tokens)) for name, values in gates.items()}
    figure = Figure(figsize=(6.4, min(9.0, 1.1 + 1.25 * len(arrays))))
    panels = figure.subplots(len(arrays), 1, sharex=True, squeeze=False)[:, 0]
    for ax, (name, values) in zip(panels, arrays.items(), strict=True):
        top = max(1.0, float(np.abs(values).max()))
        signed = values.min() < 0
        look = {"cmap": SIGNED_CMAP, "vmin": -top} if signed else {"cmap": WEIGHTS_CMAP, "vmin": 0}
        image = ax.imshow(values.T, aspect="auto", vmax=top, interpolation="nearest", **look)
        bar = figure.colorbar(image, ax=ax, pad=0.01, aspect=8, ticks=[look["vmin"], top])
        bar.ax.set_yticklabels([f"{look['vmin']:.2g}", f"{top:.2g}"])
        bar.outline.set_visible(False)
        ax.grid(visible=False)
        ax.set_title(f"{name} ({values.shape[1]} units)", fontsize=12, fontweight="normal")
        ax.set_yticks([])
        label_tokens(ax.xaxis, tokens, size=max(7.0, min(12.0, 330 / len(tokens))), rotation=60)
    figure.supylabel("unit", fontsize=13)
    return figure


def _as_gate(name: str, values: Any, num_tokens: int) -> np.ndarray:
    array = to_array(f"gate {name!r}", values)
    if array.ndim != 2 or len(array) != num_tokens or array.size == 0:
        raise ValueError(f"gate {name!r} must be (T, H) with T = {num_tokens}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"gate {name!r} must be finite, got {array[~np.isfinite(array)][0]}")
    return array


def _graph(ax: Axes, num_steps: int, upper: str, edges: list, longest: list) -> None:
    """Two rows of nodes, inputs below, with all edges thin and the longest way thick."""
    _edges(ax, [edge for edge in edges if edge not in longest], "#A6A6A6", 1.0)
    _edges(ax, longest, COLORS["highlight"], 3.2, gid="longest")
    for row, (letter, side) in enumerate((("x", -1), (upper, 1))):
        for t in range(num_steps):
            ends = (t, row) in ((0, 0), (num_steps - 1, 1))
            face = COLORS["highlight"] if ends else "white"
            ax.scatter(t, row, 150, c=face, edgecolors=COLORS["ink"], linewidths=1.2, zorder=3)
            if num_steps <= 6 or t in (0, num_steps - 1):
                words = f"${letter}_{{{t + 1}}}$"
                ax.text(t, row + 0.12 * side, words, ha="center", va="center", fontsize=14)
    ax.set(xlim=(-0.5, num_steps - 0.5), ylim=(-0.25, 1.25), yticks=[], xticks=[])
    _bare(ax)


def _edges(ax: Axes, edges: list, color: str, width: float, gid: str | None = None) -> None:
    for (x0, y0), (x1, y1) in edges:
        ax.plot([x0, x1], [y0, y1], color=color, linewidth=width, zorder=1, gid=gid)


def _bare(ax: Axes) -> None:
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
