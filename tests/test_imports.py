"""What importing costs: txlib nothing, its modules no more than the dependencies every user has."""

import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import txlib

ROOT = Path(__file__).parents[1]
OPTIONAL = ("bertviz", "jupyterlab", "onnx", "transformers", "triton", "pytest")
HEAVY = ("torch", "numpy", "matplotlib", "IPython", "anywidget")
MODULES = [module.name for module in pkgutil.walk_packages(txlib.__path__, "txlib.")]
KERNELS = "txlib.attention.flash_triton_"  # a kernel is written in Triton; what calls it is not


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_txlib_imports_nothing_heavy():
    loaded = python("import sys, txlib; print(*sys.modules)").split()
    assert "txlib" in loaded
    assert not set(HEAVY) & set(loaded)


def test_every_module_imports_without_the_optional_packages():
    """They stand in `sys.modules` as None: whoever imports them gets an ImportError."""
    blocked = "\n".join(f"sys.modules[{name!r}] = None" for name in OPTIONAL)
    imports = "\n".join(f"import {name}" for name in MODULES if not name.startswith(KERNELS))
    python(f"import sys\n{blocked}\n{imports}")


def test_there_are_modules_to_import():
    assert {"txlib.recurrent.cells", "txlib.data.grammar", "txlib.widgets.base"} <= set(MODULES)


@pytest.mark.parametrize("path", sorted(ROOT.glob("txlib/**/*.py")), ids=lambda path: path.stem)
def test_rooms_are_small(path):
    assert len(path.read_text("utf-8").splitlines()) <= 250


def test_the_pins_lie_within_the_ranges():
    from packaging.requirements import Requirement

    pins = {}
    for name in ("constraints.txt", "requirements.txt", "book/requirements.txt"):
        for line in (ROOT / name).read_text("utf-8").splitlines():
            if "==" in line:
                requirement = Requirement(line.split("#")[0].strip())
                pins[requirement.name] = next(iter(requirement.specifier)).version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [text for extra in project["optional-dependencies"].values() for text in extra]
    for text in project["dependencies"] + extras:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pins[requirement.name]), text
