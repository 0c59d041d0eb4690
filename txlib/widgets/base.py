"""What every widget of the course shares on its Python side: bundling, text form, still picture."""

import base64
import reprlib
from abc import abstractmethod
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget

from txlib.widgets import picture
from txlib.widgets.colab import enable_custom_widgets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_BUNDLE_BYTES = 48_000


def bundle(*filenames: str) -> str:
    """A widget's browser source with the shared part of its kind before it.

    `shared.js` defines one constant, `kit`, and exports nothing, so the files in a row are a valid
    ES module. Indentation, blank lines and lines that hold only a comment are left out,
    since every notebook carries a copy: no template literal may span lines.

    Args:
        filenames: files of `txlib/widgets/static`, all `.js` or all `.css`: the widget's own last,
            before it parts that only some widgets need, such as `matrix.js`.
    """
    folder = files("txlib.widgets") / "static"
    kind = filenames[0].rpartition(".")[2]
    lines = []
    for part in (f"shared.{kind}", *filenames):
        lines += (folder / part).read_text(encoding="utf-8").splitlines()
    lines = [line.strip() for line in lines]
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*"))) + "\n"


@cache
def prepare_colab() -> bool:
    """Switch on Colab's manager of custom widgets, once, with the first widget."""
    return enable_custom_widgets()


class CourseWidget(anywidget.AnyWidget):
    """A figure that answers when touched, in a live kernel and on a page without one.

    A subclass declares its traits, sets `_esm = bundle("name.js")` and `_css = bundle("name.css")`,
    names in `_shown` the traits that tell two of its instances apart, and supplies `alt` and
    `fallback`. It validates in `__init__` and leaves everything else to the browser.
    """

    _shown: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **traits: Any) -> None:
        prepare_colab()
        super().__init__(**traits)

    @property
    @abstractmethod
    def alt(self) -> str:
        """The picture in words, for those who cannot see it."""

    @abstractmethod
    def fallback(self) -> "Figure":
        """The still picture that answers the widget's question where no script runs."""

    def __repr__(self) -> str:
        shown = (f"{name}={reprlib.repr(getattr(self, name))}" for name in self._shown)
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict] | None:
        bundled = super()._repr_mimebundle_(**kwargs)
        if bundled is None:
            return None
        data, metadata = bundled
        png = base64.b64encode(picture.to_png(self.fallback())).decode("ascii")
        data = data | {"text/plain": repr(self), "image/png": png}  # old anywidgets cut the text
        return data, metadata | {"image/png": {"alt": self.alt}}
