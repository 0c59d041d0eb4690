"""Bad input to `txlib.generation`."""

import pytest
from draft_sheets import SHEETS as DRAFT_SHEETS
from generation_sheets import SHEETS as DECODING_SHEETS
from hypothesis import given
from hypothesis import strategies as st
from sheets import attack, missing, public_names, tries

from txlib import generation

SHEETS = DECODING_SHEETS | DRAFT_SHEETS
ELSEWHERE = {"DecoderOnly", "EncoderDecoder"}  # abstract: attacked through the models
RESULTS = {"Hypotheses", "SpeculativeResult"}  # made by the library, handed to no one


def test_every_public_callable_is_attacked():
    assert missing(SHEETS, public_names(generation)) == ELSEWHERE | RESULTS


@pytest.mark.parametrize("name", SHEETS)
@tries(6, 150)
@given(data=st.data())
def test_bad_input(tally, name, data):
    tally("generation: bad input")
    attack(SHEETS[name], data)
