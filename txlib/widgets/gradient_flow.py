"""Gradients by layer at initialisation, for stacks that differ in norm and residual."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import traitlets

from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.validation import check_choice, check_integer, check_names_of, check_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ARMS, MOST_DEPTHS, MOST_LAYERS = 8, 16, 128
EVEN = 10.0  # first and last layer within this factor of each other count as even
DIGITS = 4  # significant ones, on their way to the browser
STYLES = ("o-", "D--", "s:", "^-.", "v-", "P--", "X:", "*-.")
COLORS = (picture.ACCENT, picture.PATH, "#11693a", "#a32a1c")  # as in the browser


def verdict(norms: Sequence[float]) -> str:
    """What became of the gradient between the last layer and the first, in a word or two."""
    if not all(map(math.isfinite, norms)):
        return "overflowed"
    if 0 in norms:
        return "vanished"
    ratio = norms[0] / norms[-1]
    if 1 / EVEN <= ratio <= EVEN:
        return "even"
    return "fades towards the input" if ratio < 1 else "grows towards the input"


class GradientFlow(CourseWidget):
    """Shows how much gradient reaches each layer of stacks of several kinds and depths.

    Nothing is trained or differentiated here: the numbers are measured beforehand, by a cell or a
    recorded run.

    Args:
        gradients: for each kind of stack (an arm, such as "residual, pre-norm"), by depth, one norm
            a layer, the layer nearest to the input first. 1 to 8 arms, 1 to 16 depths from 1 to
            128; an arm may lack a depth. Norms are not negative; 0, inf and NaN are shown as
            vanished and overflowed.
        depth: which depth is shown first; the greatest when not given.
        shown: names of the arms that are shown first; all when not given.
        measure: what the numbers are.

    Raises:
        ValueError: if names are blank, an arm is empty, a list is not as long as its depth, a norm
            is negative, or `depth` or `shown` names what is not there.
    """

    _esm = bundle("gradient_flow.js")
    _css = bundle("gradient_flow.css")
    _shown = ("arms", "depths", "depth", "shown")

    arms = traitlets.List(traitlets.Unicode()).tag(sync=True)
    depths = traitlets.List(traitlets.Int()).tag(sync=True)
    norms = traitlets.List(traitlets.List()).tag(sync=True)
    depth = traitlets.Int().tag(sync=True)
    shown = traitlets.List(traitlets.Int()).tag(sync=True)
    measure = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        gradients: Mapping[str, Mapping[int, Sequence[float]]],
        *,
        depth: int | None = None,
        shown: Sequence[str] | None = None,
        measure: str = "gradient norm",
    ) -> None:
        checked = _check_gradients(gradients)
        arms, depths = [*checked], sorted({d for by_depth in checked.values() for d in by_depth})
        if len(depths) > MOST_DEPTHS:
            raise ValueError(f"gradients must hold at most {MOST_DEPTHS} depths, got {depths}")
        depth = depths[-1] if depth is None else depth
        check_choice("depth", depth, depths)
        names = check_names_of("shown", arms if shown is None else shown, arms)
        super().__init__(
            arms=arms,
            depths=depths,
            norms=[[_pack(checked[arm].get(d)) for d in depths] for arm in arms],
            depth=int(depth),
            shown=[arms.index(arm) for arm in arms if arm in names],
            measure=check_text("measure", measure),
        )

    def of(self, arm: str, depth: int) -> list[float]:
        """The norms of one arm at one depth, as they are shown; empty where it lacks the depth."""
        packed = self.norms[self.arms.index(arm)][self.depths.index(depth)]
        return [float(norm) for norm in packed or ()]

    def ratio(self, arm: str, depth: int) -> float:
        """First layer's norm over the last one's; NaN where it has none."""
        norms = self.of(arm, depth)
        finite = norms and all(map(math.isfinite, norms)) and norms[-1] > 0
        return norms[0] / norms[-1] if finite else math.nan

    @property
    def alt(self) -> str:
        """Each shown arm at the shown depth: first layer over last, and what became of it."""
        told = []
        for arm in (self.arms[i] for i in self.shown):
            norms = self.of(arm, self.depth)
            ratio = self.ratio(arm, self.depth)
            number = "" if math.isnan(ratio) else f"{ratio:.2g}, "
            word = verdict(norms) if norms else "not measured"
            told.append(f"{picture.shorten(arm, 40)}: {number}{word}")
        return (
            f"{self.measure.capitalize()} by layer in stacks of {self.depth} layers, the layer "
            f"nearest to the input first. First layer over last: {'; '.join(told) or 'none shown'}."
        )

    def fallback(self) -> "Figure":
        """Norm by layer on a log axis, a line for each arm."""
        figure = picture.blank(7.2, 3.4)
        axes = figure.axes[0]
        axes.set_axis_on()
        axes.set_yscale("log")
        axes.set_xlabel("layer, from the input", fontsize=9)
        axes.set_ylabel(picture.shorten(self.measure, 40), fontsize=9, parse_math=False)
        axes.tick_params(labelsize=8)
        for i in self.shown:
            norms = self.of(self.arms[i], self.depth)
            label = f"{picture.shorten(self.arms[i], 30)}: {verdict(norms) if norms else 'none'}"
            seen = [(n, x) for n, x in enumerate(norms, 1) if 0 < x < math.inf]
            style = {"color": COLORS[i % len(COLORS)], "ms": 4, "lw": 1.3}
            axes.plot(*(zip(*seen, strict=True) if seen else ([], [])), STYLES[i], **style)
            axes.lines[-1].set_label(label.replace("$", r"\$").lstrip("_"))
        if self.shown:
            axes.legend(fontsize=7.5, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        axes.set_title(f"{self.depth} layers", fontsize=9.5, color=picture.INK)
        return figure


def _check_gradients(gradients: object) -> dict[str, dict[int, list[float]]]:
    if not isinstance(gradients, Mapping) or not 1 <= len(gradients) <= MOST_ARMS:
        raise ValueError(
            f"gradients must map 1 to {MOST_ARMS} names to norms by depth, got {gradients!r:.200}"
        )
    checked: dict[str, dict[int, list[float]]] = {}
    for arm, by_depth in gradients.items():
        check_text("gradients' names", arm)
        if not isinstance(by_depth, Mapping) or not by_depth:
            raise ValueError(f"gradients[{arm!r}] must map depths to norms, got {by_depth!r:.200}")
        checked[arm] = {}
        for depth, norms in by_depth.items():
            name = f"gradients[{arm!r}][{depth!r}]"
            depth = check_integer(f"{name}'s depth", depth, least=1, most=MOST_LAYERS)
            listed = norms.tolist() if hasattr(norms, "tolist") else list(norms)
            if len(listed) != depth:
                raise ValueError(f"{name} must hold one norm a layer, {depth}, got {len(listed)}")
            if any(isinstance(x, (str, bool)) or x < 0 for x in listed):
                raise ValueError(f"{name} must hold norms, not negative, got {listed!r:.200}")
            checked[arm][depth] = [float(x) for x in listed]
    return checked


def _pack(norms: list[float] | None) -> list[float | str] | None:
    """`norms` as JSON can hold them: rounded, "inf" and "nan" as text."""
    if norms is None:
        return None
    return [float(f"{x:.{DIGITS}g}") if math.isfinite(x) else str(x) for x in norms]
