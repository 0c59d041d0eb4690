import re
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
import torch

from txlib import checks


class Unshowable:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize("value", [0, 7, -3, np.int64(2), np.uint8(1)])
def test_whole_numbers_pass(value):
    checks.check_whole("n", value)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1], torch.tensor(1), np.True_, 1j])
def test_what_is_no_whole_number_does_not(value):
    with pytest.raises(ValueError, match=r"^n must be a whole number, got "):
        checks.check_whole("n", value)


def test_whole_numbers_stay_in_their_range():
    checks.check_whole("n", 2, least=2, most=2)
    with pytest.raises(ValueError, match=r"^n must be at least 3, got 2$"):
        checks.check_whole("n", 2, least=3)
    with pytest.raises(ValueError, match=r"^n must be at most 1, got 2$"):
        checks.check_whole("n", 2, most=1)


@pytest.mark.parametrize("value", [0, -1.5, np.float32(2), float("nan")])
def test_numbers_pass_and_their_range_is_the_callers(value):
    checks.check_number("rate", value)


@pytest.mark.parametrize("value", [True, "0.5", None, 1j, Decimal("0.5"), torch.tensor(0.5)])
def test_what_is_no_number_does_not(value):
    with pytest.raises(ValueError, match=r"^rate must be a number, got "):
        checks.check_number("rate", value)


def test_a_flag_is_true_or_false_and_nothing_that_counts_as_such():
    for value in (True, False, np.True_):
        checks.check_flag("shuffle", value)
    for value in ("no", 1, None, torch.tensor(True)):
        with pytest.raises(ValueError, match=r"^shuffle must be True or False, got "):
            checks.check_flag("shuffle", value)


def test_text_and_sequences_are_told_apart():
    checks.check_text("text", "")
    checks.check_sequence("words", ["a"])
    checks.check_sequence("words", ())
    with pytest.raises(ValueError, match=r"^text must be a string, got \['a'\]$"):
        checks.check_text("text", ["a"])
    for value in ("ab", b"ab", {"a"}, None, iter(["a"])):
        with pytest.raises(ValueError, match=r"^words must be a sequence of words, got "):
            checks.check_sequence("words", value, "words")


def test_choices_are_compared_by_type_too():
    checks.check_one_of("center", "mean", ("mean", "median"))
    for value in ("mode", None, ["mean"], np.array(["mean", "median"])):
        with pytest.raises(ValueError, match=r"^center must be one of \('mean', 'median'\), got "):
            checks.check_one_of("center", value, ("mean", "median"))
    with pytest.raises(ValueError, match=r"^kind must be one of"):
        checks.check_one_of("kind", True, (1, 2))


def test_tensors_and_callables():
    checks.check_tensor("x", torch.zeros(1))
    checks.check_callable("loss", len)
    with pytest.raises(ValueError, match=r"^x must be a tensor, got \[1\]$"):
        checks.check_tensor("x", [1])
    with pytest.raises(ValueError, match=r"^loss must be callable, got None$"):
        checks.check_callable("loss", None)


def test_ids_are_integers_of_the_named_axes():
    checks.check_ids("tokens", torch.zeros(2, 3, dtype=torch.int32), "B", "T")
    for wrong in (torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64)):
        words = f"tokens must be integers (B, T), got {wrong.dtype} of {tuple(wrong.shape)}"
        with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
            checks.check_ids("tokens", wrong, "B", "T")
    with pytest.raises(ValueError, match=r"first must be integers \(B,\), got"):
        checks.check_ids("first", torch.zeros(2), "B")


def test_what_was_received_is_shown_short_and_never_fails():
    assert checks.shown("3") == "'3'"
    assert checks.shown(torch.zeros(2, 3)) == "float32 (2, 3) on cpu"
    assert checks.shown(np.zeros(4)) == "float64 (4,)"
    assert len(checks.shown("x" * 10_000)) == checks.LONGEST
    assert checks.shown(Unshowable()) == "one of type Unshowable"
    assert checks.shown("\ud800") == "'\\ud800'"
    assert checks.shown(10**5000) == "one of type int"


def test_importing_the_checks_is_light():
    code = "import sys, txlib.checks; print(*{'torch', 'numpy'} & set(sys.modules))"
    assert not subprocess.run([sys.executable, "-c", code], capture_output=True).stdout.strip()
