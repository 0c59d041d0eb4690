"""Every figure of the book: one style, drawn from plain data (arrays, lists or tensors).

Each function returns a matplotlib `Figure`; `show` puts it on the page with its alternative text.
Importing this package neither opens a display nor changes the session's backend.
"""

from txlib.plotting.attention import head_grid, heatmap
from txlib.plotting.bars import grouped_bars
from txlib.plotting.blueprint import blueprint
from txlib.plotting.curves import curves_with_bands
from txlib.plotting.display import show, to_png
from txlib.plotting.maps import signed_maps
from txlib.plotting.pictures import pictures
from txlib.plotting.points import named_points
from txlib.plotting.recurrence import gate_traces, receptive_field, unrolled_graph
from txlib.plotting.roofline import roofline
from txlib.plotting.scaling import fit_exponent, loglog_slope
from txlib.plotting.shapes import matrix_shapes
from txlib.plotting.streams import residual_streams
from txlib.plotting.style import COLORS, PALETTE, series_styles, use_style
from txlib.plotting.timeline import timeline

__all__ = [
    "COLORS",
    "PALETTE",
    "blueprint",
    "curves_with_bands",
    "fit_exponent",
    "gate_traces",
    "grouped_bars",
    "head_grid",
    "heatmap",
    "loglog_slope",
    "matrix_shapes",
    "named_points",
    "pictures",
    "receptive_field",
    "residual_streams",
    "roofline",
    "series_styles",
    "show",
    "signed_maps",
    "timeline",
    "to_png",
    "unrolled_graph",
    "use_style",
]
