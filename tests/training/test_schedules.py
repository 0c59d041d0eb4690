import math
from itertools import pairwise

import pytest
import torch

from txlib.training import (
    constant,
    inverse_square_root,
    linear_warmup,
    paper_rate,
    warmup_cosine,
)


def test_factors_by_hand():
    assert [linear_warmup(step, warmup_steps=4) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    factors = [warmup_cosine(s, warmup_steps=2, total_steps=4, floor=0.2) for s in range(5)]
    assert factors == pytest.approx([0.5, 1.0, 0.6, 0.2, 0.2])
    assert constant(0) == constant(10**6) == 1.0


def test_inverse_square_root_by_hand():
    factors = [inverse_square_root(step, warmup_steps=4) for step in (0, 1, 3, 15, 63)]
    assert factors == [0.25, 0.5, 1.0, 0.5, 0.25]
    assert paper_rate(9, 4) == pytest.approx(1 / 6)
    assert paper_rate(512, 4000) == pytest.approx(7e-4, rel=2e-3)  # the base model's


@pytest.mark.parametrize(("d_model", "warmup_steps"), [(512, 4000), (96, 7)])
def test_rate_agrees_with_equation_3(d_model, warmup_steps):
    for step in (0, 1, 5, 6, 7, 500, 3999, 4000, 99_999):
        number = step + 1  # the paper counts from 1
        equation = d_model**-0.5 * min(number**-0.5, number * warmup_steps**-1.5)
        factor = inverse_square_root(step, warmup_steps=warmup_steps)
        assert paper_rate(d_model, warmup_steps) * factor == pytest.approx(equation, rel=1e-12)


def test_inverse_square_root_peaks_once():
    factors = [inverse_square_root(step, warmup_steps=5) for step in range(40)]
    assert factors.index(1.0) == 4
    assert all(a < b for a, b in pairwise(factors[:5]))
    assert all(a > b for a, b in pairwise(factors[4:]))
    assert inverse_square_root(0, warmup_steps=1) == 1.0


def test_cosine_agrees_with_torch():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10, eta_min=0.1)
    for step in range(10):
        optimizer.step()
        theirs.step()
        ours = warmup_cosine(step, warmup_steps=0, total_steps=10, floor=0.1)
        assert ours == pytest.approx(theirs.get_last_lr()[0])


def test_climbs_then_falls_and_never_leaves_its_range():
    factors = [warmup_cosine(s, warmup_steps=5, total_steps=30, floor=0.1) for s in range(40)]
    peak = factors.index(1.0)
    assert peak == 4
    assert all(a < b for a, b in pairwise(factors[: peak + 1]))
    assert all(a > b for a, b in pairwise(factors[peak:30]))
    assert factors[29:] == pytest.approx([0.1] * 11)


def test_without_warm_up_the_first_step_is_full():
    assert linear_warmup(0, warmup_steps=0) == 1.0
    assert warmup_cosine(0, warmup_steps=0, total_steps=1) == pytest.approx(0.0)
    half = warmup_cosine(0, warmup_steps=0, total_steps=2)
    assert half == pytest.approx((1 + math.cos(math.pi / 2)) / 2)


def test_errors():
    with pytest.raises(ValueError, match="step must be at least 0, got -1"):
        constant(-1)
    with pytest.raises(ValueError, match="step must be at least 0, got -2"):
        linear_warmup(-2, warmup_steps=3)
    with pytest.raises(ValueError, match="warmup_steps must be at least 0, got -3"):
        linear_warmup(0, warmup_steps=-3)
    with pytest.raises(ValueError, match="total_steps must exceed warmup_steps, got 5 and 5"):
        warmup_cosine(0, warmup_steps=5, total_steps=5)
    with pytest.raises(ValueError, match=r"floor must be in 0 ... 1, got 1.5"):
        warmup_cosine(0, warmup_steps=1, total_steps=5, floor=1.5)
    with pytest.raises(ValueError, match="warmup_steps must be at least 1, got 0"):
        inverse_square_root(3, warmup_steps=0)
    with pytest.raises(ValueError, match="step must be at least 0, got -1"):
        inverse_square_root(-1, warmup_steps=3)
    with pytest.raises(ValueError, match="warmup_steps must be at least 1, got -2"):
        paper_rate(8, -2)
    with pytest.raises(ValueError, match="d_model must be at least 1, got 0"):
        paper_rate(0, 8)
