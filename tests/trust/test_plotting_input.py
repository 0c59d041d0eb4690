"""Bad input to `txlib.plotting`: refused in words, or drawn; and no figure is left open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from more_plotting_sheets import SHEETS as MORE_SHEETS
from plotting_sheets import SHEETS as SOME_SHEETS
from sheets import attack, missing, public_names, tries

from txlib import plotting

SHEETS = SOME_SHEETS | MORE_SHEETS
NO_ARGUMENTS = {"use_style"}


def test_every_public_callable_is_attacked():
    assert missing(SHEETS, public_names(plotting)) == NO_ARGUMENTS


@pytest.mark.parametrize("name", SHEETS)
@tries(3, 50)
@given(data=st.data())
def test_bad_input(tally, name, data):
    import matplotlib.pyplot as plt

    tally("plotting: bad input")
    attack(SHEETS[name], data)
    assert not plt.get_fignums()
