import sys

import pytest
import torch

from txlib.metrics import peak_megabytes

MB = 2**18  # numbers of float32 in a megabyte


def test_the_result_counts_and_the_inputs_do_not():
    given = torch.zeros(5 * MB)
    assert peak_megabytes(torch.exp, given) == pytest.approx(5, abs=0.1)


def test_what_is_given_back_on_the_way_counts_at_its_peak():
    def detour():
        large = torch.zeros(6 * MB) + 1  # two tables of 6 MB at once
        small = large[:MB].clone()
        del large
        return small

    assert peak_megabytes(detour) == pytest.approx(12, abs=0.1)


def test_what_is_gone_before_the_next_comes_is_not_added():
    def one_after_another():
        for _ in range(4):
            torch.zeros(3 * MB).sum()

    assert peak_megabytes(one_after_another) == pytest.approx(3, abs=0.1)


def test_nothing_allocated_is_nothing():
    assert peak_megabytes(lambda: None) == 0


def test_the_profiler_says_nothing_and_errors_pass(capfd):
    with pytest.raises(RuntimeError, match="on the way"):
        peak_megabytes(_fail)
    print("seen", file=sys.stderr, flush=True)
    assert peak_megabytes(lambda: None) == 0
    assert capfd.readouterr().err == "seen\n"


def _fail():
    raise RuntimeError("on the way")
