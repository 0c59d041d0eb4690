"""Bad input to `txlib.metrics`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics_sheets import SHEETS
from sheets import attack, missing, public_names, tries

from txlib import metrics
from txlib.metrics import head_importance, heads

RESULTS = {"LengthScore", "check_weights"}  # handed out, to no one; and a check itself


@pytest.mark.parametrize("module", [metrics, head_importance, heads])
def test_every_public_callable_is_attacked(module):
    assert missing(SHEETS, public_names(module)) <= RESULTS


@pytest.mark.parametrize("name", SHEETS)
@tries(6, 150)
@given(data=st.data())
def test_bad_input(tally, name, data):
    tally("metrics: bad input")
    attack(SHEETS[name], data)
