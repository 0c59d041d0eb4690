"""Bad input to `txlib.data`."""

import importlib
import pkgutil

import pytest
from corpus_sheets import GRAMMAR
from corpus_sheets import SHEETS as CORPUS_SHEETS
from data_sheets import SHEETS as TEXT_SHEETS
from hypothesis import given
from hypothesis import strategies as st
from sheets import attack, missing, public_names, tries

from txlib import data

SHEETS = TEXT_SHEETS | CORPUS_SHEETS
DOWNLOADS = {"download"}  # attacked with files and servers
RESULTS = {"Batch", "OrderBatch", "TextBatch", "Pair", "Referent"}  # handed out, to no one
INSIDE = {"check_many", "strings", "load"}  # checks themselves; and multi30k's, below its name
NO_ARGUMENTS = {"english_vocabulary", "french_vocabulary"}
MODULES = [m.name for m in pkgutil.iter_modules(data.__path__) if m.name not in DOWNLOADS]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_callable_is_attacked(module):
    public = public_names(importlib.import_module(f"txlib.data.{module}"))
    assert not missing(SHEETS | GRAMMAR, public) - RESULTS - INSIDE - NO_ARGUMENTS


@pytest.mark.parametrize("name", SHEETS)
@tries(6, 150)
@given(drawn=st.data())
def test_bad_input(tally, name, drawn):
    tally("data: bad input")
    attack(SHEETS[name], drawn)


@pytest.mark.parametrize("name", GRAMMAR)
@tries(5, 60)
@given(drawn=st.data())
def test_bad_input_to_the_grammar(tally, name, drawn):
    tally("data: bad input")
    attack(GRAMMAR[name], drawn)
