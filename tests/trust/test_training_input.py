"""Bad input to `txlib.training` and `txlib.device`."""

import pytest
import torch
from fit_sheets import SHEETS as FIT_SHEETS
from hypothesis import given
from hypothesis import strategies as st
from sheets import attack, missing, public_names, tries
from training_sheets import SHEETS as OTHER_SHEETS

from txlib import device, training

SHEETS = OTHER_SHEETS | FIT_SHEETS
FILES = {"Checkpoint", "load_checkpoint", "save_checkpoint"}  # attacked with files


@pytest.mark.parametrize("module", [training, device])
def test_every_public_callable_is_attacked(module):
    assert missing(SHEETS, public_names(module)) <= FILES


@pytest.mark.parametrize("name", SHEETS)
@tries(6, 150)
@given(data=st.data())
def test_bad_input(tally, name, data):
    tally("training: bad input")
    with torch.random.fork_rng(devices=[]):
        attack(SHEETS[name], data)
