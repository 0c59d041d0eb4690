"""An exercise as data: inputs to try, the right answers, and the wrong ones that people give."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _always(*_: Any) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Misconception:
    """A known wrong turn, recognised by the numbers that it leads to.

    Attributes:
        name: short and stable, for tests.
        answers: implementations that go wrong in this way; one match is enough.
        message: what the learner's function does.
        hint: where to look, without the repair itself.
        applies: which inputs show it; the others are not compared.
    """

    name: str
    answers: tuple[Callable[..., Any], ...]
    message: str
    hint: str
    applies: Callable[..., bool] = _always


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """What a learner's function is held against.

    Attributes:
        name: also the name of the function in the chapter.
        chapter: its number.
        parameters: names of the arguments, in order.
        outputs: names of what is returned: one, or several for a tuple.
        reference: gives the right answer.
        cases: makes the inputs to try, the same ones every time; no two alike in all shapes.
        misconceptions: tried in this order.
        hint: for a wrong answer that nobody foresaw.
    """

    name: str
    chapter: int
    parameters: tuple[str, ...]
    outputs: tuple[str, ...]
    reference: Callable[..., Any]
    cases: Callable[[], list[tuple[Any, ...]]]
    misconceptions: tuple[Misconception, ...]
    hint: str
