"""Answers as learners write them: all of the first lists pass, each of the others is named."""

import math

import numpy as np
import pytest

from txlib.exercises import check
from txlib.exercises.recurrence import EXERCISES


def wavefront(length, num_layers, kind):
    return length + num_layers - 1 if kind == "rnn" else num_layers


def longest_way(length, num_layers, kind):
    if kind == "attention":
        return num_layers
    table = np.zeros((num_layers + 1, length + 1), dtype=int)
    for layer in range(1, num_layers + 1):
        for t in range(1, length + 1):
            table[layer, t] = 1 + max(table[layer - 1, t], table[layer, t - 1])
    return table[num_layers, length]


def steps(rnn=wavefront, attention=wavefront):
    return lambda n, k, kind: rnn(n, k, kind) if kind == "rnn" else attention(n, k, kind)


def summed(kernel_size, dilations):
    return 1 + sum((kernel_size - 1) * d for d in dilations)


def walked(kernel_size, dilations):
    reached = 1
    for dilation in dilations:
        reached += dilation * (kernel_size - 1)
    return np.int64(reached)


WRONG_STEPS = {
    "layers-wait": [steps(rnn=lambda n, k, _: n * k), lambda n, k, kind: n * k],
    "one-too-many": [steps(rnn=lambda n, k, _: n + k)],
    "arrows": [steps(rnn=lambda n, k, _: (n - 1) + (k - 1))],
    "one-layer-rnn": [steps(rnn=lambda n, k, _: n)],
    "attention-waits": [
        steps(attention=lambda n, k, _: n),
        steps(attention=lambda n, k, _: n * k),
        lambda n, k, kind: n + k - 1,
    ],
    "one-layer-attention": [steps(attention=lambda n, k, _: 1)],
}
WRONG_FIELD = {
    "kernels-side-by-side": [lambda k, d: k * len(d)],
    "ignores-dilation": [lambda k, d: len(d) * (k - 1) + 1],
    "forgets-itself": [lambda k, d: summed(k, d) - 1],
    "taps-for-gaps": [lambda k, d: sum(k * x for x in d), lambda k, d: sum(k * x for x in d) + 1],
    "multiplies": [
        lambda k, d: k ** len(d),
        lambda k, d: math.prod(k * x - x + 1 for x in d),
    ],
    "one-layer": [lambda k, d: (k - 1) * d[-1] + 1, lambda k, d: (k - 1) * max(d) + 1],
}


def flat(bank):
    return [(name, answer) for name, answers in bank.items() for answer in answers]


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("dependent_steps", wavefront),
        ("dependent_steps", longest_way),
        ("receptive_field", summed),
        ("receptive_field", walked),
    ],
)
def test_right_answers_pass(exercise, answer):
    verdict = check(exercise, answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), flat(WRONG_STEPS))
def test_wrong_steps_are_named(name, answer):
    verdict = check("dependent_steps", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


@pytest.mark.parametrize(("name", "answer"), flat(WRONG_FIELD))
def test_wrong_fields_are_named(name, answer):
    verdict = check("receptive_field", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_banks_are_complete():
    for exercise, bank in (("dependent_steps", WRONG_STEPS), ("receptive_field", WRONG_FIELD)):
        assert set(bank) == {m.name for m in EXERCISES[exercise].misconceptions}


def test_unforeseen_answer_is_shown_with_its_input():
    verdict = check("receptive_field", lambda k, d: summed(k, d) + (3 if len(d) == 4 else 0))
    assert verdict.diagnosis == "value"
    assert verdict.message == (
        "For kernel_size = 2, dilations = [1, 2, 4, 8]: the receptive field should be 16; "
        "it is 19. (5 of 6 inputs come out right.)"
    )


def test_a_count_is_whole():
    verdict = check("receptive_field", lambda k, d: summed(k, d) / 1)
    assert verdict.diagnosis == "type"
    assert "should be a whole number; it is `7.0`" in verdict.message


def test_emptying_the_list_is_noticed():
    def popping(kernel_size, dilations):
        reach = 1
        while dilations:
            reach += (kernel_size - 1) * dilations.pop()
        return reach

    assert check("receptive_field", popping).diagnosis == "mutates"
