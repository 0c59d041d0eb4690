"""Which entry a name in the text means."""

import importlib
import sys

import pytest

HEADS = '''"""Heads."""

class HeadGrid:
    """A grid.

    Args:
        softmax: an argument with the name of a function.
    """

    def __init__(self, softmax):
        pass

    def turn(self, x):
        """Turn."""

    def silent(self):
        pass

def causal_mask(T: int = 3, *, device: str | None = None) -> "Tensor":
    """A mask."""

def _hidden():
    """Nothing to see."""
'''
LIBRARY = {
    "__init__.py": '"""A library."""\n',
    "attention/__init__.py": (
        '"""Looks."""\n'
        "from txlib.attention.heads import HeadGrid, causal_mask\n"
        "from txlib.attention.softmax import softmax\n"
        '__all__ = ["HeadGrid", "causal_mask", "softmax"]\n'
    ),
    "attention/softmax.py": 'def softmax(x):\n    """Weights."""\n',
    "attention/heads.py": HEADS,
    "layers.py": 'def layer_norm(x):\n    """A norm."""\ndef fit():\n    """Train."""\n',
    "other.py": 'def turn_twice():\n    """One."""\n',
    "another.py": 'def turn_twice():\n    """Two."""\n',
}
PAGES = {"txlib.attention": "softmax\nheads\n", "txlib": "layers\nother\nanother\n"}


def write_library(folder):
    for name, text in LIBRARY.items():
        path = folder / "txlib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def modules(extensions):
    sys.path.insert(0, str(extensions))
    yield importlib.import_module("api_library"), importlib.import_module("api_names")
    sys.path.remove(str(extensions))


@pytest.fixture(scope="module")
def names(modules, tmp_path_factory):
    api_library, api_names = modules
    library = api_library.read_library(write_library(tmp_path_factory.mktemp("names")))
    names = api_names.Names()
    for package, lines in PAGES.items():
        module = api_library.find_module(library, package)
        names.add_package(package, f"book/api/{package}")
        names.add(f"book/api/{package}", api_library.read_groups(module, lines))
    return names


@pytest.fixture
def reading(modules):
    return modules[1].Reading()


def test_entries_are_what_the_package_exports(names):
    shown = {name for name, entry in names.entries.items() if name.startswith("txlib.attention")}
    expected = {"HeadGrid", "HeadGrid.turn", "causal_mask", "softmax"}
    assert shown == {f"txlib.attention.{name}" for name in expected}


def test_a_function_hides_its_module_of_the_same_name(names):
    assert names.places["txlib.attention.softmax"].anchor == "txlib.attention.softmax"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("txlib.attention.HeadGrid", "txlib.attention.HeadGrid"),
        ("txlib.attention.heads.HeadGrid.turn", "txlib.attention.HeadGrid.turn"),
        ("txlib.layers", "txlib.layers"),
        ("txlib.nowhere", None),
        ("HeadGrid", "txlib.attention.HeadGrid"),
        ("HeadGrid.turn", "txlib.attention.HeadGrid.turn"),
        ("causal_mask", "txlib.attention.causal_mask"),
        ("causal_mask(3)", None),  # the reader's own, in an exercise
        ("fit", None),  # one word: a word of the language first
        ("softmax", None),
        ("layer_norm", None),  # PyTorch has one too
        ("turn_twice", None),  # two entries of that name
        ("nn.HeadGrid", None),
        ("x", None),
    ],
)
def test_a_page_means(names, reading, text, meant):
    assert names.meant_in_page(text, reading) == meant


def test_what_a_page_imports_is_meant(names, reading):
    reading.add("%matplotlib inline\nfrom txlib.layers import fit, layer_norm as norm\n")
    reading.add("from txlib.other import turn_twice\nfrom txlib.attention import heads")
    assert names.meant_in_page("fit", reading) == "txlib.layers.fit"
    assert names.meant_in_page("norm", reading) == "txlib.layers.layer_norm"
    assert names.meant_in_page("layer_norm", reading) is None
    assert names.meant_in_page("turn_twice", reading) == "txlib.other.turn_twice"
    assert names.meant_in_page("heads.HeadGrid", reading) == "txlib.attention.HeadGrid"


@pytest.mark.parametrize(
    "code",
    [
        "class HeadGrid:\n    pass",
        "def HeadGrid():\n    pass",
        "HeadGrid = 3",
        "for HeadGrid in ():\n    pass",
        "from elsewhere import HeadGrid",
        "import torch as HeadGrid",
        "from txlib.attention import HeadGrid\nclass HeadGrid:\n    pass",
    ],
)
def test_what_a_page_defines_is_its_own(names, reading, code):
    reading.add(code)
    assert names.meant_in_page("HeadGrid", reading) is None
    assert names.meant_in_page("txlib.attention.HeadGrid", reading) is not None


def test_a_docstring_means_its_own_surroundings_first(names):
    mean, grid = names.meant_in_docstring, "txlib.attention.HeadGrid"
    assert mean("turn", grid) == f"{grid}.turn"
    assert mean("turn", f"{grid}.turn") == f"{grid}.turn"
    assert mean("softmax", grid) is None  # its argument
    assert mean("softmax", f"{grid}.turn") == "txlib.attention.softmax"
    assert mean("fit", grid) == "txlib.layers.fit"
    assert mean("turn_twice", "txlib.other.turn_twice") == "txlib.other.turn_twice"
    assert mean("turn_twice", grid) is None
    assert mean("causal_mask", "txlib.attention.heads") == "txlib.attention.causal_mask"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("softmax\n", r"must show all it exports.*HeadGrid"),
        ("softmax\nheads\nabsent\n", "not there, txlib.attention.absent"),
        ("softmax\nheads: nobody\n", "not there, txlib.attention.heads.nobody"),
    ],
)
def test_a_page_that_lacks_or_invents_is_refused(modules, tmp_path, lines, message):
    library = modules[0].read_library(write_library(tmp_path))
    with pytest.raises(ValueError, match=message):
        modules[0].read_groups(modules[0].find_module(library, "txlib.attention"), lines)
