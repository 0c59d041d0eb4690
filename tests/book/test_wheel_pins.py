"""Which packages go into the bundle, for which machine."""

import importlib
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(ROOT / "book" / "_tools"))
    yield importlib.import_module("wheel_pins")
    sys.path.remove(str(ROOT / "book" / "_tools"))


def names(pins):
    return {Requirement(pin).name for pin in pins}


def test_what_the_chapters_import_is_there_and_no_test_tool(tool):
    found = names(tool.pins_for(tool.Target(), CONSTRAINTS))
    assert {"torch", "numpy", "matplotlib", "anywidget", "jupyterlab", "ipywidgets"} <= found
    assert {"bertviz", "transformers", "ipykernel", "sacrebleu", "tokenizers"} <= found
    assert not {"pytest", "playwright", "ruff", "sphinx", "jupyter-book", "pypdf"} & found


def test_the_course_itself_is_never_asked_of_the_index(tool):
    assert not {"txlib", "attention-in-order"} & names(tool.pins_for(tool.Target(), CONSTRAINTS))


def test_every_pin_is_exact(tool):
    for pin in tool.pins_for(tool.Target(), CONSTRAINTS):
        (clause,) = Requirement(pin).specifier
        assert clause.operator == "=="


@pytest.mark.parametrize(
    ("platform", "own", "foreign"),
    [
        ("linux", "pexpect", "pywinpty"),
        ("windows", "pywinpty", "pexpect"),
        ("mac", "appnope", "pywinpty"),
    ],
)
def test_markers_are_judged_for_the_other_machine(tool, platform, own, foreign):
    found = names(tool.pins_for(tool.Target(platform, "3.12"), CONSTRAINTS))
    assert own in found
    assert foreign not in found


def test_the_python_decides_between_two_pins(tool):
    old, new = (
        next(p for p in tool.pins_for(tool.Target("linux", v), CONSTRAINTS) if "networkx" in p)
        for v in ("3.11", "3.12")
    )
    assert old != new


def test_a_package_without_a_pin_is_told(tool, tmp_path):
    (tmp_path / "constraints.txt").write_text("numpy==2.0\n")
    with pytest.raises(ValueError, match=r"must pin what the chapters need, got no .*'torch'"):
        tool.pins_for(tool.Target(), tmp_path / "constraints.txt")


def test_an_unknown_platform_is_told(tool):
    with pytest.raises(ValueError, match="linux, windows, mac, got 'amiga'"):
        tool.Target("amiga")


def test_pip_is_told_the_tags(tool):
    assert tool.Target().options() == []
    options = tool.Target("windows", "3.12").options()
    assert options == ["--platform=win_amd64", "--python-version=3.12"]


def test_what_a_cuda_build_of_pytorch_asks_for_stays_out(tool, monkeypatch):
    known = tool.metadata.requires

    def requires(name):
        more = ["nvidia-cublas==13.0", "cuda-toolkit[nvrtc]==13.0", "triton==3.7.1"]
        return [*(known(name) or []), *(more if name == "torch" else [])]

    before = tool.pins_for(tool.Target("linux"), CONSTRAINTS)
    monkeypatch.setattr(tool.metadata, "requires", requires)
    assert tool.pins_for(tool.Target("linux"), CONSTRAINTS) == before
    assert not [pin for pin in before if pin.startswith(tool.FOR_CUDA)]
