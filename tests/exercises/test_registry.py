import subprocess
import sys

import pytest

from txlib.exercises import check, exercises


def test_names_of_chapter_1():
    assert exercises(chapter=1) == (
        "rnn_step",
        "lstm_step",
        "dependent_steps",
        "receptive_field",
        "shift_right",
        "masked_loss",
    )
    assert exercises()[:6] == exercises(chapter=1)


def test_listing_needs_no_torch():
    code = (
        "import sys; from txlib.exercises import check, exercises; exercises();"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_chapter():
    with pytest.raises(ValueError, match=r"chapter must be one of \[1, 2, .*, 7, 8\], got 9"):
        exercises(9)


def test_unknown_name_gets_a_suggestion():
    with pytest.raises(ValueError, match=r"rnn_step, lstm_step.*Did you mean 'shift_right'\?"):
        check("right_shift", lambda: None)
    with pytest.raises(ValueError, match=r"got 'zzz'\.$"):
        check("zzz", lambda: None)
