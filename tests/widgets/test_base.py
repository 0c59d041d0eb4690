import base64
import re
import struct
import subprocess
import sys
from importlib.resources import files

import pytest

from txlib import widgets
from txlib.widgets.base import MAX_BUNDLE_BYTES, CourseWidget, bundle

VIEW = "application/vnd.jupyter.widget-view+json"
STATIC = files("txlib.widgets") / "static"
CLASSES = [getattr(widgets, name) for name in widgets.__all__]


# of conftest.py, one for each class
FIXTURES = [
    "attention",
    "cache",
    "gradients",
    "mask",
    "position",
    "predict",
    "query_key_value",
    "softmax",
    "tiling",
    "translator",
    "unrolled",
]


@pytest.fixture(params=FIXTURES)
def widget(request) -> CourseWidget:
    return request.getfixturevalue(request.param)


def test_bundle_by_hand():
    source = bundle("predict_first.js")
    assert source.index("const kit = ") < source.index("function render(context)")
    assert source.endswith("export default { render };\n")
    assert source.count("export ") == 1
    assert not re.search(r"^\s|^//|^$", source.rstrip("\n"), flags=re.MULTILINE)
    assert bundle("predict_first.css").startswith(".tx {")


def test_every_widget_is_tested_here(request):
    tested = {type(request.getfixturevalue(name)).__name__ for name in FIXTURES}
    assert tested == set(widgets.__all__)


@pytest.mark.parametrize("cls", CLASSES)
def test_bundles_are_small_and_send_nothing_away(cls):
    assert len(cls._esm.encode()) + len(cls._css.encode()) < MAX_BUNDLE_BYTES
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|eval\(|fetch\(", cls._esm)
    addresses = set(re.findall(r"https?://[\w./]+", cls._esm + cls._css))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_every_rule_outweighs_a_later_copy_of_the_shared_ones():
    for sheet in STATIC.glob("*_*.css"):
        rules = re.findall(r"^[.:\[#*\w].*(?:,| \{)$", sheet.read_text(), flags=re.MULTILINE)
        assert len(rules) > 10
        assert len({re.match(r"\.tx(\.tx-\w+)\b", rule)[1] for rule in rules}) == 1


@pytest.mark.parametrize("path", sorted(p.name for p in STATIC.iterdir()))
def test_no_template_literal_spans_lines(path):
    for line in (STATIC / path).read_text(encoding="utf-8").splitlines():
        ticks = line.split("//")[0].replace("\\`", "").replace('"`"', "").count("`")
        assert ticks % 2 == 0, line


def test_mime_bundle_carries_view_text_and_picture(widget):
    data, metadata = widget._repr_mimebundle_()
    assert set(data) == {"text/plain", VIEW, "image/png"}
    assert data["text/plain"] == repr(widget)
    assert data[VIEW]["model_id"] == widget.model_id
    png = base64.b64decode(data["image/png"])
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert width > 700
    assert height > 100
    assert len(png) < 60_000
    assert metadata["image/png"] == {"alt": widget.alt}
    assert len(widget.alt) > 40


def test_equal_widgets_have_equal_pictures(widget):
    one, other = (widget._repr_mimebundle_()[0]["image/png"] for _ in range(2))
    assert one == other


def test_repr_holds_no_address(widget):
    assert re.fullmatch(rf"{type(widget).__name__}\(\w+=.*\)", repr(widget))
    assert not re.search(r"0x[0-9a-f]+|object at", repr(widget))
    assert widget.model_id not in repr(widget)


def test_drawing_leaves_pyplot_alone():
    code = (
        "import sys; from txlib.widgets import UnrolledNetwork as U; w = U();"
        "assert 'matplotlib' not in sys.modules; w._repr_mimebundle_();"
        "assert 'matplotlib.pyplot' not in sys.modules; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_the_text_form_is_whole(widget):
    """Old versions of anywidget cut it at 110 characters."""
    assert widget._repr_mimebundle_()[0]["text/plain"] == repr(widget)
