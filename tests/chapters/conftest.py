"""Every chapter, read once, for the tests of its form, its claims and its exercises."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("chapters")


def load_tool(path: Path) -> ModuleType:
    """Import a module of the book that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def refresh():
    return load_tool(ROOT / "book" / "_tools" / "refresh.py")


@pytest.fixture(scope="session")
def claims():
    return load_tool(ROOT / "book" / "_ext" / "claims.py")


@pytest.fixture(scope="session", params=CHAPTERS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(scope="session")
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="session")
def notebooks():
    return {path: nbformat.read(path, as_version=4) for path in CHAPTERS}
