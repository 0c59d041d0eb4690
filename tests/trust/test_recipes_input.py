"""Bad input to `txlib.recipes`, to its command lines, and to the start of a chapter."""

import argparse
import importlib
import pkgutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recipes_excused import EXCUSED
from recipes_head_sheets import SHEETS as HEAD_SHEETS
from recipes_record_sheets import SHEETS as RECORD_SHEETS
from recipes_study_sheets import SHEETS as STUDY_SHEETS
from recipes_translator_sheets import SHEETS as TRANSLATOR_SHEETS
from sheets import attack, missing, public_names, tries

from txlib import chapter, recipes

SHEETS = RECORD_SHEETS | TRANSLATOR_SHEETS | HEAD_SHEETS | STUDY_SHEETS
MODULES = [
    chapter,
    *(
        importlib.import_module(f"txlib.recipes.{m.name}")
        for m in pkgutil.iter_modules(recipes.__path__)
    ),
]
COMMANDS = [module for module in MODULES if hasattr(module, "main")]


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.split(".")[-1])
def test_every_public_callable_is_attacked(module):
    prefix = module.__name__.split(".")[-1] + "."
    sheets = {n.removeprefix(prefix): s for n, s in SHEETS.items() if n.startswith(prefix)}
    excused = {n.removeprefix(prefix) for n in EXCUSED if n.startswith(prefix)}
    assert missing(sheets, public_names(module)) == excused


@pytest.mark.parametrize("name", SHEETS)
@tries(3, 60)
@given(data=st.data())
def test_bad_input(tally, name, data):
    tally("recipes: bad input")
    with torch.random.fork_rng(devices=[]):
        attack(SHEETS[name], data)


@pytest.mark.parametrize("module", COMMANDS, ids=lambda m: m.__name__.split(".")[-1])
def test_a_command_refuses_before_it_works(tally, module, monkeypatch, capsys):
    """A number out of range in any option, one that is none, and an option that is not there."""
    parsers = []
    with monkeypatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", stop_with(parsers))
        with pytest.raises(StopIteration):
            module.main([])
    numbers = [a.option_strings[0] for a in parsers[0]._actions if is_number(a)]
    wrong = ["", "x", "nan", "inf", "-1", "-1e400", "1_"]
    for option in [*numbers, "--no-such-option"]:
        for value in wrong:
            tally("recipes: bad input")
            with pytest.raises(SystemExit) as stopped:
                module.main([f"{option}={value}"])
            assert stopped.value.code == 2
            told = capsys.readouterr().err
            assert option not in numbers or f"argument {option}" in told


def stop_with(parsers):
    """A `parse_args` that gives away its parser, and goes no further."""

    def parse_args(self, arguments):
        parsers.append(self)
        raise StopIteration

    return parse_args


def is_number(action):
    return action.type is not None and getattr(action.type, "__name__", "").endswith("number")
