"""Whatever is given to txlib.attention, it answers right or says what is wrong."""

import pytest
from attention_function_targets import FUNCTIONS
from attention_state_targets import STATES
from attention_targets import MODULES
from hypothesis import given
from public_names import missing
from targets import rounds, sizes

from txlib import attention

AREA = "attention: bad input"


@pytest.mark.parametrize("target", MODULES + STATES + FUNCTIONS, ids=lambda target: target.name)
@rounds
@given(s=sizes)
def test_each_argument_spoiled_in_every_way(target, s, tally):
    tried, failures = target.attack(s)
    tally(AREA, tried)
    assert not failures, "\n".join(failures[:20])


def test_every_public_callable_is_attacked():
    assert not missing(attention, [target.name for target in MODULES + STATES + FUNCTIONS])
