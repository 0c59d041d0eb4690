"""Whatever is given to txlib.recurrent, it answers right or says what is wrong."""

import pytest
from hypothesis import given
from model_targets import CONFIGS, TRANSLATOR_TARGETS
from public_names import missing
from recurrent_targets import TARGETS as CELLS
from targets import rounds, sizes

from txlib import recurrent

AREA = "recurrent: bad input"
RECURRENT = ("LSTMTranslator", "AttentionTranslator", "Seq2SeqConfig")
TARGETS = CELLS + [t for t in CONFIGS + TRANSLATOR_TARGETS if t.name.startswith(RECURRENT)]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@rounds
@given(s=sizes)
def test_each_argument_spoiled_in_every_way(target, s, tally):
    tried, failures = target.attack(s)
    tally(AREA, tried)
    assert not failures, "\n".join(failures[:20])


def test_every_public_callable_is_attacked():
    assert not missing(recurrent, [target.name for target in TARGETS])
