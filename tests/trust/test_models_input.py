"""Whatever is given to txlib.models, it answers right or says what is wrong."""

import pytest
from hypothesis import given
from model_targets import CONFIGS, GPT_TARGETS, TRANSLATOR_TARGETS
from public_names import missing
from targets import rounds, sizes

from txlib import models

AREA = "models: bad input"
NAMES = ("GPT", "Transformer", "AttentionOnly")
TARGETS = [t for t in CONFIGS + GPT_TARGETS + TRANSLATOR_TARGETS if t.name.startswith(NAMES)]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@rounds
@given(s=sizes)
def test_each_argument_spoiled_in_every_way(target, s, tally):
    tried, failures = target.attack(s)
    tally(AREA, tried)
    assert not failures, "\n".join(failures[:20])


def test_every_public_callable_is_attacked():
    assert not missing(models, [target.name for target in TARGETS])
