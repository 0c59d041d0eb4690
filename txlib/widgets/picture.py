"""Drawing aids for the still pictures of widgets; matplotlib is imported when one is drawn."""

import io
import textwrap
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, ACCENT, PATH, FAINT = "#1c2127", "#57606b", "#1b56a8", "#b3400e", "#c9d0d8"
DPI, MOST_COLORS = 110, 40
WIDE_FONTS = ("Noto Sans CJK SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei")


def blank(width: float, height: float, *, rows: int = 1, columns: int = 1) -> "Figure":
    """A figure of `width` by `height` inches with bare axes, known to no global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    return figure


def write(axes: "Axes", x: float, y: float, text: str, **style: object) -> None:
    """Put `text` on `axes` literally: a dollar sign is no formula, a missing glyph is a box."""
    axes.text(x, y, text, parse_math=False, fontfamily=_families(), **{"color": INK} | style)


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns, where a CJK character counts two."""
    lines = []
    for line in textwrap.wrap(text.replace("`", ""), width, break_long_words=True) or [""]:
        while sum(1 + (ord(c) > 0x2E7F) for c in line) > width:
            lines.append(line[: width // 2])
            line = line[width // 2 :]
        lines.append(line)
    return lines


def shorten(text: str, most: int) -> str:
    """`text`, cut with an ellipsis to `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def to_png(figure: "Figure") -> bytes:
    """`figure` as a small PNG; equal figures give equal bytes on one matplotlib."""
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(drawn, format="png", dpi=DPI)
    pixels = Image.open(drawn).convert("RGB").quantize(MOST_COLORS)
    pixels.save(small, format="PNG", optimize=True)
    return small.getvalue()


def _families() -> list[str]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in WIDE_FONTS if name in installed)]
