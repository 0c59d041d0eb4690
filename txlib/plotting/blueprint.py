"""The whole Transformer, with the shapes that one sentence has on its way through it."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from txlib.plotting.arguments import figure
from txlib.plotting.style import COLORS, PALETTE

STAGES = (
    "source",
    "encoder in",
    "memory",
    "target",
    "decoder in",
    "decoder out",
    "logits",
)
LEFT, RIGHT, LANE = 3.9, 10.4, 6.3  # where the two streams and the memory's way run
STEP = 1.7  # from one sub-layer to the next
FILLS = {"attention": PALETTE[5], "feed-forward": PALETTE[4], "map": "#E8E8E8"}


@figure
def blueprint(
    shapes: Mapping[str, Sequence[int]],
    *,
    source: Sequence[str],
    target: Sequence[str],
    num_layers: int,
) -> Figure:
    """Encoder on the left, decoder on the right; both are read from the bottom up.

    Each thick line is a stream. A sub-layer reads from it and adds to it; norms are not drawn.

    Args:
        shapes: what the model's tensors measure at each of `STAGES`.
        source: the tokens that the encoder reads.
        target: the tokens that the decoder is given.
        num_layers: how often either block is repeated; the paper's N.

    Returns:
        The figure.

    Raises:
        ValueError: if `shapes` has other stages, or `num_layers` is below 1.
    """
    if set(shapes) != set(STAGES):
        raise ValueError(f"shapes must have the stages {STAGES}, got {tuple(shapes)}")
    if num_layers < 1:
        raise ValueError(f"num_layers must be at least 1, got {num_layers}")
    figure = Figure(figsize=(6.4, 5.8))
    ax = figure.subplots()
    ax.set(xlim=(0.0, 13.0), ylim=(-1.2, 10.4), aspect="equal")
    ax.axis("off")
    _side(ax, LEFT, ("self-attention", "feed-forward"), num_layers, top=7.0)
    blocks = ("masked\nself-attention", "cross-attention", "feed-forward")
    _side(ax, RIGHT, blocks, num_layers, top=9.4)
    _line(ax, (LEFT, 7.0), (LANE, 7.0), COLORS["attention"])
    _line(ax, (LANE, 7.0), (LANE, 5.0), COLORS["attention"])
    _line(ax, (LANE, 5.0), (RIGHT - 3.45, 5.0), COLORS["attention"], head=True)
    ax.text(LANE + 0.1, 7.15, "keys and values\nfor cross-attention", ha="right", va="bottom")
    _box(ax, RIGHT, 8.5, "output projection", "map", width=3.3)
    places = {
        "source": (LEFT, 0.45),
        "encoder in": (LEFT, 1.95),
        "memory": (LEFT, 6.3),
        "target": (RIGHT, 0.45),
        "decoder in": (RIGHT, 1.95),
        "decoder out": (RIGHT, 7.78),
        "logits": (RIGHT, 9.25),
    }
    for stage, (x, y) in places.items():
        label = "(" + ", ".join(map(str, shapes[stage])) + ")"
        ax.text(x + 0.2, y, label, ha="left", va="center", family="DejaVu Sans Mono", gid=stage)
    for x, words in ((LEFT, source), (RIGHT, target)):
        ax.text(x, -0.1, _wrapped(words), ha="center", va="top", style="italic")
    ax.text(RIGHT, 9.55, "scores for each next word", ha="center", va="bottom")
    for text in ax.texts:
        text.set_fontsize(10.0)
    return figure


def _side(ax: Axes, x: float, names: Sequence[str], num_layers: int, *, top: float) -> None:
    """One stream with its embedding, its block and the loops through the sub-layers."""
    _line(ax, (x, 0.0), (x, top), COLORS["muted"], width=3.2, head=True)
    _box(ax, x, 1.2, "embedding + position", "map", width=3.9)
    height = STEP * len(names)
    frame = Rectangle((x - 3.75, 2.4), 4.25, height, fill=False, linestyle="--")
    frame.set(edgecolor=COLORS["muted"], linewidth=1.2, gid="block")
    ax.add_patch(frame)
    ax.text(x + 0.6, 2.45 + height / 2, rf"{num_layers} $\times$", va="center", fontweight="bold")
    for index, name in enumerate(names):
        y = 3.3 + STEP * index
        loop = [(x, y - 0.55), (x - 1.9, y - 0.55), (x - 1.9, y + 0.55), (x - 0.24, y + 0.55)]
        for start, end in pairwise(loop):
            _line(ax, start, end, COLORS["muted"], head=end is loop[-1])
        _plus(ax, x, y + 0.55)
        kind = "attention" if "attention" in name else "feed-forward"
        _box(ax, x - 1.9, y, name, kind, width=3.1)


def _box(ax: Axes, x: float, y: float, name: str, kind: str, *, width: float) -> None:
    corner = (x - width / 2, y - 0.36)
    shape = FancyBboxPatch(corner, width, 0.72, boxstyle="round,pad=0,rounding_size=0.12")
    shape.set(facecolor=FILLS[kind], edgecolor=COLORS["ink"], linewidth=1.2, zorder=3, gid=kind)
    ax.add_patch(shape)
    ax.text(x, y, name, ha="center", va="center", linespacing=0.95, zorder=4)


def _plus(ax: Axes, x: float, y: float) -> None:
    circle = Circle((x, y), 0.22, facecolor="#FFFFFF", edgecolor=COLORS["ink"], zorder=3, gid="sum")
    ax.add_patch(circle)
    ax.text(x, y, "+", ha="center", va="center_baseline", zorder=4)


def _line(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    color: str,
    *,
    width: float = 1.4,
    head: bool = False,
) -> None:
    style = {"arrowstyle": "-|>" if head else "-", "linewidth": width, "color": color}
    ax.annotate("", end, start, arrowprops=style | {"shrinkA": 0, "shrinkB": 0}, zorder=1)


def _wrapped(words: Sequence[str], most: int = 30) -> str:
    """The words in lines of about `most` letters."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) >= most:
            lines.append("")
        lines[-1] += f"{word} "
    return "\n".join(line.strip() for line in lines)
