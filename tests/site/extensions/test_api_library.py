"""The reference against the library itself, which is imported here to be compared."""

import ast
import importlib
import inspect
import json
import logging
import pkgutil
import sys
from pathlib import Path

import pytest
import torch

import txlib

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def reference(extensions):
    """Every name of the reference's pages, as the build reads them."""
    sys.path.insert(0, str(extensions))
    api_library = importlib.import_module("api_library")
    api_names = importlib.import_module("api_names")
    sys.path.remove(str(extensions))
    library, names = api_library.read_library(ROOT), api_names.Names()
    for page in sorted((ROOT / "book" / "api").glob("*.md")):
        for block in api_library.BLOCK.finditer(page.read_text(encoding="utf-8")):
            package = api_library.find_module(library, block["package"])
            names.add_package(package.path, page.stem)
            names.add(page.stem, api_library.read_groups(package, block["lines"]))
    names.also_in_pytorch = api_names.ALSO_IN_PYTORCH
    names.two_words = api_names.TWO_WORDS
    return names


def test_every_public_name_has_an_entry(reference):
    packages = [module.name for module in pkgutil.iter_modules(txlib.__path__) if module.ispkg]
    assert len(packages) > 10
    for name in packages:
        package = importlib.import_module(f"txlib.{name}")
        assert package.__name__ in reference.places
        for public in getattr(package, "__all__", ()):
            assert f"txlib.{name}.{public}" in reference.entries


def test_every_import_of_a_notebook_has_an_entry(reference):
    notebooks = [*(ROOT / "chapters").glob("*.ipynb"), *(ROOT / "book").glob("*.ipynb")]
    for path in notebooks:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            for line in "".join(cell["source"]).splitlines() if cell["cell_type"] == "code" else ():
                if line.startswith("from txlib"):
                    assert_entries(reference, path, line)


def assert_entries(reference, path, line):
    try:
        (node,) = ast.parse(line).body
    except SyntaxError:  # the first line of several
        return
    for alias in node.names:
        name = f"{node.module}.{alias.name}"
        assert name in reference.paths or alias.name.isupper(), f"{path.name} imports {name}"


def test_entries_are_what_python_sees(reference):
    for name, entry in reference.entries.items():
        if "flash_triton" in name:  # needs triton
            continue
        owner = importlib.import_module(entry.source.module.path)
        value = owner
        for part in entry.source.path.removeprefix(f"{owner.__name__}.").split("."):
            value = inspect.getattr_static(value, part)
        if inspect.isfunction(value):
            seen = list(inspect.signature(value).parameters)
            assert [parameter.name for parameter in entry.source.parameters] == seen


def test_names_that_pytorch_has_too_need_an_import(reference):
    theirs = {*dir(torch.nn), *dir(torch.nn.functional)}
    shared = {
        name for name in reference.bare if name in theirs and reference.two_words.search(name)
    }
    assert shared == reference.also_in_pytorch


def test_each_described_argument_is_one(reference, caplog):
    with caplog.at_level(logging.WARNING):
        for entry in reference.entries.values():
            if entry.source.docstring:
                entry.source.docstring.parse("google", warn_missing_types=False)
    assert [record.message for record in caplog.records if "not appear" in record.message] == []
