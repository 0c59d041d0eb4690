"""Figures that answer when touched: in Jupyter, on Colab, and on a page with no kernel at all.

Each widget is one Python class (traits, validation, text form, still picture) and one browser
module of the same name. To add `Thing`:

1. `static/thing.js`: `function render(context) { … } export default { render };`. The constant
   `kit` of `static/shared.js` stands before it: start with `kit.mount(context, "thing", label)`,
   draw from `watch([traits], draw)`, change traits with `save({ … })`, tell screen readers with
   `say(text)`, and return `cleanup`. No template literal may span lines.
2. `static/thing.css`: every rule under `.tx.tx-thing` (so that no later copy of `shared.css`
   outweighs it), colours only from the variables in `shared.css`.
3. `thing.py`: a `CourseWidget` with `_esm = bundle("thing.js")`, `_css = bundle("thing.css")`,
   `alt`, `fallback` (draw with `txlib.widgets.picture`) and arguments checked by
   `txlib.widgets.validation`. Large arrays travel as `traitlets.Bytes` (`check_array(…).tobytes()`)
   and are read by `kit.floats`.
4. Name it below, in `tests/widgets/test_thing.py` and in the page of `tests/site/test_widgets.py`.
"""

from txlib.widgets.attention_explorer import AttentionExplorer
from txlib.widgets.cache_stepper import CacheStepper
from txlib.widgets.gradient_flow import GradientFlow
from txlib.widgets.mask_maker import MaskMaker
from txlib.widgets.position_explorer import PositionExplorer
from txlib.widgets.predict_first import PredictFirst
from txlib.widgets.query_key_value_2d import QueryKeyValue2D
from txlib.widgets.softmax_dial import SoftmaxDial
from txlib.widgets.tiling_stepper import TilingStepper
from txlib.widgets.translator_explorer import TranslatorExplorer
from txlib.widgets.unrolled_network import UnrolledNetwork

__all__ = [
    "AttentionExplorer",
    "CacheStepper",
    "GradientFlow",
    "MaskMaker",
    "PositionExplorer",
    "PredictFirst",
    "QueryKeyValue2D",
    "SoftmaxDial",
    "TilingStepper",
    "TranslatorExplorer",
    "UnrolledNetwork",
]
