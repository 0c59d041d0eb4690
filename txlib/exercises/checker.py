"""From a learner's function to a verdict: run it on every input, then name what it does."""

import copy
import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor

from txlib.exercises.calling import Outcome, describe_error, run
from txlib.exercises.compare import describe, difference
from txlib.exercises.exercise import Exercise, Misconception
from txlib.exercises.verdict import Verdict


def diagnose(exercise: Exercise, answer: Callable[..., Any]) -> Verdict:
    """Say what `answer` does on the inputs of `exercise`; the first finding below is the verdict.

    No function, or one that takes other arguments; a stub; changed inputs; one result whatever the
    input; a known misconception; an exception; a wrong type, shape, value or dtype.
    """
    refusal = _check_call(exercise, answer)
    if refusal:
        return refusal
    outcomes = [run(answer, inputs) for inputs in exercise.cases()]
    first = outcomes[0]
    if isinstance(first.error, NotImplementedError) or (
        first.error is None and (first.value is None or first.value is ...)
    ):
        return _fail(
            exercise,
            "not yet",
            "It gives nothing back so far.",
            "Fill in the body and end with `return`; check as often as you like.",
        )
    if not all(outcome.intact for outcome in outcomes):
        return _fail(
            exercise,
            "mutates",
            "It changes what it was given: after the call an input is no longer the same.",
            "Make a new tensor instead of writing into the old one: whoever called you still needs"
            " it.",
        )
    expected = [exercise.reference(*copy.deepcopy(outcome.inputs)) for outcome in outcomes]
    differences = [
        None if o.error is not None else difference(right, o.value, exercise.outputs)
        for o, right in zip(outcomes, expected, strict=True)
    ]
    wrong = [
        o.error is not None or d is not None for o, d in zip(outcomes, differences, strict=True)
    ]
    if not any(wrong):
        return Verdict(
            exercise.name,
            passed=True,
            message=f"It gives the right answer on all {len(outcomes)} inputs that were tried.",
        )
    if _is_constant(outcomes, expected):
        return _fail(
            exercise,
            "constant",
            f"It gives the same result, {describe(first.value)}, whatever it is given.",
            "Work the result out from the arguments: several different inputs are tried.",
        )
    for misconception in exercise.misconceptions:
        if _matches(misconception, outcomes, expected):
            return _fail(exercise, misconception.name, misconception.message, misconception.hint)
    for outcome in outcomes:
        if outcome.error is not None:
            message = describe_error(outcome.error, answer)
            if any(o.error is None for o in outcomes):
                message += f" That is for {_describe_inputs(exercise, outcome.inputs)}."
            return _fail(exercise, "raises", message, exercise.hint)
    index = wrong.index(True)
    share = "" if all(wrong) else f" ({wrong.count(False)} of {len(wrong)} inputs come out right.)"
    given = _describe_inputs(exercise, outcomes[index].inputs)
    message = f"For {given}: {differences[index].words}{share}"
    return _fail(exercise, differences[index].kind, message, exercise.hint)


def _check_call(exercise: Exercise, answer: Any) -> Verdict | None:
    """A verdict if `answer` cannot be called with the exercise's arguments."""
    wanted = f"{exercise.name}({', '.join(exercise.parameters)})"
    if not callable(answer):
        return _fail(
            exercise,
            "call",
            f"The check needs the function itself; it was handed {describe(answer)}.",
            f"Write `check({exercise.name!r}, {exercise.name})`, without calling it.",
        )
    try:
        inspect.signature(answer).bind(*exercise.parameters)
    except TypeError as error:
        return _fail(
            exercise,
            "call",
            f"It cannot be called as `{wanted}`: {error}.",
            "Keep the arguments of the stub, in their order.",
        )
    except ValueError:
        return None  # a built-in that hides its signature: calling it will tell
    return None


def _is_constant(outcomes: list[Outcome], expected: list[Any]) -> bool:
    """Whether every call gives one result although the right ones differ."""
    if any(outcome.error is not None for outcome in outcomes):
        return False
    values = [outcome.value for outcome in outcomes]
    return all(difference(values[0], value) is None for value in values) and any(
        difference(expected[0], value) is not None for value in expected
    )


def _matches(misconception: Misconception, outcomes: list[Outcome], expected: list[Any]) -> bool:
    """Whether one of the wrong answers gives the learner's results on every input it concerns."""
    concerned = [
        (o, right)
        for o, right in zip(outcomes, expected, strict=True)
        if misconception.applies(*o.inputs)
    ]
    for wrong_answer in misconception.answers:
        telling = False
        for outcome, right in concerned:
            theirs = run(wrong_answer, outcome.inputs)
            if theirs.error is not None or outcome.error is not None:
                if theirs.error is None or outcome.error is None:
                    break
            elif difference(theirs.value, outcome.value) is not None:
                break
            else:
                telling = telling or difference(right, theirs.value) is not None
        else:
            if telling:
                return True
    return False


def _describe_inputs(exercise: Exercise, inputs: tuple[Any, ...]) -> str:
    pairs = zip(exercise.parameters, inputs, strict=True)
    parts = [
        f"{name} of shape {tuple(v.shape)}" if isinstance(v, Tensor) else f"{name} = {v!r}"
        for name, v in pairs
    ]
    return ", ".join(parts)


def _fail(exercise: Exercise, diagnosis: str, message: str, hint: str | None) -> Verdict:
    message = message.encode("utf-8", "replace").decode()  # half of a character stops a page
    return Verdict(exercise.name, passed=False, message=message, hint=hint, diagnosis=diagnosis)
