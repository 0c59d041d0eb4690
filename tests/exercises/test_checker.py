import dataclasses
import functools

import pytest
import torch

from txlib.exercises.checker import diagnose
from txlib.exercises.exercise import Exercise, Misconception

A = torch.tensor([1.0, 2.0], dtype=torch.float64)
B = torch.tensor([[3.0], [4.0]], dtype=torch.float64)

DOUBLE = Exercise(
    name="double",
    chapter=1,
    parameters=("x", "times"),
    outputs=("the double",),
    reference=lambda x, times: x * 2 * times,
    cases=lambda: [(A, 1), (B, 1), (B, 3)],
    misconceptions=(
        Misconception(
            name="square",
            answers=(lambda x, times: x * x * times, lambda x, times: x**3),
            message="It squares.",
            hint="Add.",
        ),
        Misconception(
            name="once",
            answers=(lambda x, times: x * 2,),
            message="It doubles once.",
            hint="Use times.",
            applies=lambda x, times: times > 1,
        ),
        Misconception(
            name="stacks",
            answers=(lambda x, times: x @ x.new_ones(2, 2) * times,),
            message="It multiplies matrices.",
            hint="Numbers.",
        ),
    ),
    hint="Think of twins.",
)


def find(answer):
    return diagnose(DOUBLE, answer)


def test_right_answers_pass():
    verdict = find(lambda x, times: (x + x) * times)
    assert verdict.passed
    assert verdict.hint is None
    assert (
        repr(verdict)
        == "Passed: double. It gives the right answer on all 3 inputs that were tried."
    )


def test_second_implementation_of_a_wrong_turn():
    assert find(lambda x, times: x.pow(2) * times).diagnosis == "square"
    assert find(lambda x, times: x * x * x).diagnosis == "square"


def test_wrong_turn_on_the_inputs_that_it_concerns():
    verdict = find(lambda x, times: x + x)
    assert (verdict.diagnosis, verdict.message, verdict.hint) == (
        "once",
        "It doubles once.",
        "Use times.",
    )


def test_wrong_turn_that_also_raises():
    def stacks(x, times):
        if x.ndim == 2:
            raise RuntimeError("shapes do not fit")
        return torch.stack([x.sum(), x.sum()])

    assert find(stacks).diagnosis == "stacks"


def test_raising_everywhere_is_no_wrong_turn():
    def broken(x, times):
        raise RuntimeError("shapes do not fit")

    assert find(broken).diagnosis == "raises"


def test_exception_shows_type_message_and_the_learners_line():
    def helper(x):
        return x @ x.new_ones(7, 7)

    def answer(x, times):
        y = helper(x)
        return y * times

    verdict = find(answer)
    assert verdict.diagnosis == "raises"
    assert verdict.message.startswith("It stops with `RuntimeError: ")
    assert verdict.message.endswith("at the line `return x @ x.new_ones(7, 7)`.")
    assert "Traceback" not in verdict.message
    assert verdict.hint == "Think of twins."


def test_exception_on_some_inputs_comes_before_wrong_numbers():
    message = find(lambda x, times: x @ x.new_ones(2)).message
    assert message.startswith("It stops with `RuntimeError: ")
    assert message.endswith(" That is for x of shape (2, 1), times = 1.")


def test_a_wrong_turn_must_show_itself_in_numbers():
    def fails_beyond_vectors(x, times):
        if x.ndim > 1:
            raise IndexError("too many axes")
        return 2 * x

    shy = dataclasses.replace(DOUBLE.misconceptions[0], name="shy", answers=(fails_beyond_vectors,))
    exercise = dataclasses.replace(DOUBLE, misconceptions=(shy,))
    assert diagnose(exercise, fails_beyond_vectors).diagnosis == "raises"


def test_exception_without_a_line_or_address():
    def answer(x, times):
        raise KeyError(object())

    message = find(functools.partial(answer)).message
    assert "0x…" in message
    assert "at the line" not in message


def test_changed_input():
    def in_place(x, times):
        x *= 2 * times
        return x

    assert find(in_place).diagnosis == "mutates"
    assert A.tolist() == [1.0, 2.0]


def test_one_result_for_all():
    assert find(lambda x, times: torch.tensor([2.0, 4.0]).double()).diagnosis == "constant"


def test_right_for_one_input_only():
    verdict = find(lambda x, times: 2 * x if x.ndim == 1 else x)
    assert verdict.diagnosis == "value"
    assert verdict.message == (
        "For x of shape (2, 1), times = 1: the double[0, 0] should be 6; it is 3."
        " (1 of 3 inputs come out right.)"
    )


@pytest.mark.parametrize(
    ("answer", "diagnosis"),
    [
        (lambda x, times: (x * 2 * times).tolist(), "type"),
        (lambda x, times: (x * 2 * times)[None], "shape"),
        (lambda x, times: (x * 2 * times).float(), "dtype"),
        (lambda x, times: x * 2 * times + 1, "value"),
    ],
)
def test_what_nobody_foresaw(answer, diagnosis):
    verdict = find(answer)
    assert verdict.diagnosis == diagnosis
    assert verdict.message.startswith("For x of shape (2,), times = 1: ")


def test_a_graph_does_no_harm():
    assert find(lambda x, times: x.requires_grad_() * 2 * times).passed


def test_the_same_dice_for_every_input_and_the_learners_own_afterwards(monkeypatch):
    def reseeded(seed):
        raise AssertionError("nobody puts a GPU's random numbers back")

    thrown = []
    before = torch.get_rng_state()
    monkeypatch.setattr(torch.cuda, "manual_seed_all", reseeded)
    find(lambda x, times: thrown.append(torch.rand(()).item()) or x * 2 * times)
    assert len(thrown) == 3
    assert len(set(thrown)) == 1
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("answer", [A, 3, None])
def test_a_result_instead_of_the_function(answer):
    verdict = find(answer)
    assert verdict.diagnosis == "call"
    assert verdict.hint == "Write `check('double', double)`, without calling it."


def test_other_arguments():
    verdict = find(lambda x: 2 * x)
    assert verdict.diagnosis == "call"
    assert "`double(x, times)`: too many positional arguments" in verdict.message


def test_same_words_every_time():
    answers = [lambda x, times: x * 2 * times + 1, lambda x, times: x[7], lambda x, times: object()]
    assert [repr(find(a)) for a in answers] == [repr(find(a)) for a in answers]
    assert not any("0x7" in repr(find(a)) for a in answers)


def test_forgotten_return_later():
    verdict = find(lambda x, times: 2 * x if times == 1 else None)
    assert verdict.diagnosis == "type"
    assert "it is `None`" in verdict.message
