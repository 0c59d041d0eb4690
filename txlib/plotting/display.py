"""Put a figure on the page: the same bytes each time, and words for those who cannot see it."""

import base64
import io
import re
import sys
import warnings

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from txlib.checks import check_text, shown
from txlib.plotting.style import STYLE

MIN_ALT_LENGTH = 25
CSS_PIXELS_PER_INCH = 96


def show(fig: Figure, *, alt: str, caption: str | None = None) -> None:
    """Show a figure with its alternative text, then its caption; the figure is closed after.

    In a notebook the output holds the PNG, its width and `alt` (as output metadata under
    `image/png`, and as the plain-text form). Outside of one nothing is shown.

    Args:
        fig: any matplotlib figure.
        alt: what the picture shows, for a reader who does not see it: at least 25 characters, the
            axes and the shape of what they hold rather than the caption over again.
        caption: one sentence that states the finding; Markdown.

    Raises:
        ValueError: if `alt` is too short, opens with "image of" or the like, or repeats `caption`.
    """
    check_alt(alt, caption)
    data = to_png(fig)
    _display(data, alt.strip(), round(fig.get_figwidth() * CSS_PIXELS_PER_INCH), caption)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(fig)  # else the inline backend would show it a second time


def to_png(fig: Figure) -> bytes:
    """The figure as PNG: no date, no version, so that equal figures give equal bytes.

    The layout is settled on the first call and kept. Colours are reduced to 255, which an eye does
    not see and which halves the file.
    """
    if not isinstance(fig, Figure):
        raise ValueError(f"fig must be a matplotlib figure, got {shown(fig)}")
    drawn = fig.canvas
    canvas = FigureCanvasAgg(fig)
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        fig.set_dpi(STYLE["savefig.dpi"])
        fig.draw_without_rendering()
        fig.set_layout_engine("none")  # laid out again, it would move by a fraction of a pixel
        canvas.draw()
    fig.set_canvas(drawn)
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    buffer = io.BytesIO()
    reduced = pixels.quantize(255, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    reduced.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def check_alt(alt: str, caption: str | None = None) -> None:
    """Refuse alternative text that would not help anybody.

    Raises:
        ValueError: naming the rule that is broken.
    """
    check_text("alt", alt)
    if caption is not None:
        check_text("caption", caption)
    words = " ".join(alt.split())
    if len(words) < MIN_ALT_LENGTH:
        raise ValueError(
            f"alt must describe the picture in at least {MIN_ALT_LENGTH} characters, got {alt!r}"
        )
    if re.match(r"(an?\s|the\s)?(image|figure|picture) of\b", words, re.IGNORECASE):
        raise ValueError(
            f"alt must not open with 'image of' or 'figure of': a screen reader says that it is "
            f"an image; got {alt!r}"
        )
    if caption is not None and words.casefold() == " ".join(caption.split()).casefold():
        raise ValueError(f"alt must say what is drawn, not repeat the caption, got {alt!r} twice")


def _display(data: bytes, alt: str, width: int, caption: str | None) -> None:
    """Hand the outputs to the notebook, if there is one."""
    try:
        from IPython import get_ipython
        from IPython.display import Markdown, display
    except ImportError:
        return
    if get_ipython() is None:
        return
    bundle = {"image/png": base64.b64encode(data).decode("ascii"), "text/plain": alt}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt, "width": width}})
    if caption is not None:
        display(Markdown(f"_{caption.strip()}_"))
