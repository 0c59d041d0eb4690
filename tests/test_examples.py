"""Every example in a docstring does what it says, for a reader who imports its name and torch."""

import doctest
import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch

import txlib

PACKAGE = Path(txlib.__file__).parent
FLAGS = doctest.NORMALIZE_WHITESPACE
FILES = sorted(
    path.relative_to(PACKAGE.parent)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
LEAST = 60  # entries with an example


def what_it_defines(module: ModuleType) -> dict[str, object]:
    """What an example may use without importing it."""
    own = {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    }
    return {"torch": torch, **own}


def examples(path: Path) -> list[doctest.DocTest]:
    """The docstrings of a file that hold examples."""
    dotted = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module(dotted)
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = finder.find(module, globs=what_it_defines(module))
    return [test for test in found if test.examples]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_examples_are_true(path):
    for example in examples(path):
        torch.manual_seed(0)
        said: list[str] = []
        result = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
        assert result.failed == 0, "".join(said)


def test_many_entries_have_an_example():
    assert sum(len(examples(path)) for path in FILES) >= LEAST


def test_examples_need_no_optional_package():
    optional = {"triton", "transformers", "bertviz", "ipywidgets"}
    for path in FILES:
        for test in examples(path):
            words = {word for example in test.examples for word in example.source.split()}
            assert not words & optional, test.name
