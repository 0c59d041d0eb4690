"""Whatever is given to txlib.positions, it answers right or says what is wrong."""

import pytest
from hypothesis import given
from position_bias_targets import BIASES
from position_targets import TARGETS
from public_names import missing
from targets import rounds, sizes

from txlib import positions

AREA = "positions: bad input"


@pytest.mark.parametrize("target", TARGETS + BIASES, ids=lambda target: target.name)
@rounds
@given(s=sizes)
def test_each_argument_spoiled_in_every_way(target, s, tally):
    tried, failures = target.attack(s)
    tally(AREA, tried)
    assert not failures, "\n".join(failures[:20])


def test_every_public_callable_is_attacked():
    assert not missing(positions, [target.name for target in TARGETS + BIASES])
