"""One look for every figure: a palette that colour-blind readers can tell apart, and marks besides.

The colours are those of Okabe and Ito (2008, *Color Universal Design*). Each thing that the course
compares keeps its colour, marker and line from chapter to chapter, and no two things differ by
colour alone. Figures are drawn on white; a dark page inverts them and turns the hue back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.colors import Colormap, LinearSegmentedColormap

from txlib.checks import check_sequence, check_text

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")

COLORS = {
    "lstm": "#0072B2",
    "attention": "#D55E00",
    "gru": "#009E73",
    "rnn": "#CC79A7",
    "gold": "#E69F00",
    "transformer": "#56B4E9",
    "convolution": "#000000",
    "highlight": "#D55E00",
    "muted": "#8C8C8C",
    "faint": "#D9D9D9",
    "ink": "#222222",
}

WEIGHTS_CMAP: Colormap = LinearSegmentedColormap.from_list(
    "txlib_weights", ["#FFFFFF", "#9CCBE6", "#0072B2", "#00263D"]
)
SIGNED_CMAP: Colormap = LinearSegmentedColormap.from_list(
    "txlib_signed", ["#7A2E00", "#D55E00", "#FFFFFF", "#0072B2", "#00304D"]
)

STYLE = {
    "figure.figsize": (6.4, 3.6),
    "figure.dpi": 144,
    "savefig.dpi": 144,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.family": ["DejaVu Sans"],
    "font.size": 13.0,
    "axes.titlesize": 13.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 13.0,
    "xtick.labelsize": 12.0,
    "ytick.labelsize": 12.0,
    "legend.fontsize": 12.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#595959",
    "axes.labelcolor": "#222222",
    "text.color": "#222222",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.2,
    "lines.markersize": 7.0,
    "hatch.linewidth": 1.0,
    "axes.prop_cycle": mpl.cycler(color=PALETTE[:7]),
}


@dataclass(frozen=True)
class SeriesStyle:
    """How one series is drawn: colour, and what tells it apart without colour."""

    color: str
    marker: str
    linestyle: str | tuple[int, tuple[int, ...]]
    hatch: str


DASHES = ("-", (0, (5, 2)), (0, (1, 1)), (0, (6, 2, 1, 2)), (0, (3, 1)), (0, (8, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
HATCHES = ("", "//", "\\\\", "xx", "..", "--", "++", "||", "oo", "**")

_KNOWN = {
    "lstm": SeriesStyle(COLORS["lstm"], "o", DASHES[0], ""),
    "attention": SeriesStyle(COLORS["attention"], "D", DASHES[1], "//"),
    "gru": SeriesStyle(COLORS["gru"], "s", DASHES[3], "\\\\"),
    "rnn": SeriesStyle(COLORS["rnn"], "^", DASHES[2], "xx"),
    "convolution": SeriesStyle(COLORS["convolution"], "v", DASHES[4], ".."),
    "transformer": SeriesStyle(COLORS["transformer"], "P", DASHES[5], "--"),
}


def use_style() -> None:
    """Give the reader's own figures the book's look (sets matplotlib's rcParams).

    The functions of `txlib.plotting` draw in this style whether or not it has been called.
    """
    mpl.rcParams.update(STYLE)


def series_styles(names: Sequence[str]) -> list[SeriesStyle]:
    """One style per name; no two share a marker, a colour with a line, or a hatch.

    A name that contains a known model ("LSTM, forget bias 1") takes that model's style; the second
    of its kind keeps the colour and changes the marks. Other names take what is left.

    Args:
        names: what the legend will say, at most 10.

    Raises:
        ValueError: for more names than there are markers.
    """
    check_sequence("names", names, "strings")
    for name in names:
        check_text("names", name)
    if len(names) > len(MARKERS):
        raise ValueError(f"names: at most {len(MARKERS)} series fit one figure, got {len(names)}")
    known = [_known_style(name) for name in names]
    reserved = {style.color for style in known if style}
    colors = iter([c for c in PALETTE[:7] if c not in reserved] + [COLORS["muted"]] * len(names))
    markers_left = [m for m in MARKERS if m not in {style.marker for style in known if style}]
    hatches_left = [h for h in HATCHES if h not in {style.hatch for style in known if style}]
    styles: list[SeriesStyle] = []
    for style in known:
        if style is None or style in styles:
            color = next(colors) if style is None else style.color
            used = [s.linestyle for s in styles if s.color == color]
            line = next((d for d in DASHES if d not in used), DASHES[0])
            style = SeriesStyle(color, markers_left.pop(0), line, hatches_left.pop(0))
        styles.append(style)
    return styles


def _known_style(name: str) -> SeriesStyle | None:
    """The style of the model that comes first in `name`, if any does."""
    found = [(name.lower().find(key), style) for key, style in _KNOWN.items()]
    found = [item for item in found if item[0] >= 0]
    return min(found, key=lambda item: item[0])[1] if found else None
