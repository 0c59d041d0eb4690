"""Tokens as tick labels: short, drawable in the fonts at hand, and never read as mathematics."""

from collections.abc import Sequence
from functools import cache

from matplotlib.axis import Axis
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

MAX_LENGTH = 14
BASE_FONT = "DejaVu Sans"
FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Arial Unicode MS",
    "Microsoft YaHei",
)
_VISIBLE = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "↵"}


def shorten(token: str, limit: int = MAX_LENGTH) -> str:
    """The token in at most `limit` characters, white space made visible, the cut marked by "…"."""
    text = "".join(_VISIBLE.get(c, c if c.isprintable() else "□") for c in token)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def drawable(text: str) -> str:
    """The text with "□" for each character that no installed font of ours can draw."""
    return "".join(c if _has_glyph(c) else "□" for c in text)


def label_tokens(axis: Axis, tokens: Sequence[str], *, size: float, rotation: float = 0.0) -> None:
    """Write the tokens along an axis, one per whole number from 0."""
    axis.set_ticks(range(len(tokens)), [drawable(shorten(token)) for token in tokens])
    axis.set_tick_params(length=0)
    for label in axis.get_ticklabels():
        label.set(fontsize=size, fontfamily=[BASE_FONT, *_fallbacks()], parse_math=False)
        if rotation:
            label.set(rotation=rotation, ha="right" if rotation < 90 else "center")
            label.set_rotation_mode("anchor" if rotation < 90 else "default")


@cache
def _fallbacks() -> tuple[str, ...]:
    """The fallback fonts that this machine has."""
    installed = {font.name for font in fontManager.ttflist}
    return tuple(name for name in FALLBACK_FONTS if name in installed)


@cache
def _has_glyph(character: str) -> bool:
    fonts = (findfont(FontProperties(family=name)) for name in (BASE_FONT, *_fallbacks()))
    return any(get_font(path).get_char_index(ord(character)) for path in fonts)
