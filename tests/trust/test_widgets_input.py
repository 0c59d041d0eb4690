"""Bad input to the Python side of `txlib.widgets`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from more_widgets_sheets import SHEETS as MORE_SHEETS
from sheets import attack, missing, public_names, tries
from widgets_sheets import SHEETS as SOME_SHEETS

from txlib import widgets

SHEETS = SOME_SHEETS | MORE_SHEETS


def test_every_public_callable_is_attacked():
    assert not missing(SHEETS, public_names(widgets))


@pytest.mark.parametrize("name", SHEETS)
@tries(6, 120)
@given(data=st.data())
def test_bad_input(tally, name, data):
    tally("widgets: bad input")
    attack(SHEETS[name], data)
