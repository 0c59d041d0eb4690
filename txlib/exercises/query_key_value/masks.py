"""`causal_mask`: which key may be seen by which query, when the queries are the last words."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Mask = Callable[[int, int], Tensor]


def _allowed(num_queries: int, num_keys: int) -> Tensor:
    position = torch.arange(num_keys - num_queries, num_keys)  # (T_q,) of the queries
    return torch.arange(num_keys) <= position[:, None]  # (T_q, T_k)


def _shifted(shift: int) -> Mask:
    """The triangle with its edge moved by `shift` to the right."""
    return lambda q, k: torch.ones(q, k).tril(k - q + shift).bool()


def _in_any_type(*masks: Mask) -> tuple[Mask, ...]:
    """The same answers also as 0 and 1: where the triangle is wrong, its type comes second."""

    def cast(mask: Mask, dtype: torch.dtype) -> Mask:
        return lambda q, k: mask(q, k).to(dtype)

    return tuple(cast(m, t) for m in masks for t in (torch.bool, torch.float32, torch.int64))


def _added(num_queries: int, num_keys: int) -> Tensor:
    allowed = _allowed(num_queries, num_keys)
    return torch.zeros(num_queries, num_keys).masked_fill(~allowed, -torch.inf)


def _added_upper_left(num_queries: int, num_keys: int) -> Tensor:
    return torch.full((num_queries, num_keys), -torch.inf).triu(1)


CAUSAL_MASK = Exercise(
    name="causal_mask",
    chapter=3,
    parameters=("num_queries", "num_keys"),
    outputs=("the mask",),
    reference=_allowed,
    cases=lambda: [(4, 4), (2, 5), (1, 3), (3, 6), (5, 5), (1, 1)],
    hint="Draw 2 queries and 5 keys. The queries are words 4 and 5: tick what each of them may"
    " see.",
    misconceptions=(
        Misconception(
            name="polarity",
            answers=_in_any_type(lambda q, k: ~_allowed(q, k)),
            message="The triangle is right and its meaning reversed: True stands where a query must"
            " not look.",
            hint="In this book True means: may attend.",
        ),
        Misconception(
            name="upper-triangle",
            answers=_in_any_type(
                lambda q, k: torch.ones(q, k).triu(k - q).bool(),
                lambda q, k: torch.ones(q, k).triu().bool(),
            ),
            message="Each query sees itself and everything after it: this is the other triangle,"
            " which shows the future and hides the past.",
            hint="Queries are rows, keys are columns. On which side of the diagonal is the past?",
        ),
        Misconception(
            name="blind-to-itself",
            answers=_in_any_type(_shifted(-1)),
            message="The edge is one place too far to the left: a query does not see its own"
            " position, and the first word of a sentence sees nothing at all.",
            hint="A word may look at itself. What does that say about the diagonal?",
        ),
        Misconception(
            name="one-ahead",
            answers=_in_any_type(_shifted(1)),
            message="The edge is one place too far to the right: each query sees the next word,"
            " the very one that it should predict.",
            hint="How many keys may the first of 4 words see?",
        ),
        Misconception(
            name="upper-left",
            answers=_in_any_type(lambda q, k: torch.ones(q, k).tril().bool()),
            message="Right for equal lengths. With fewer queries than keys your triangle starts in"
            " the upper left corner, as if the queries were the first words; they are the last.",
            hint="The last query may see every key. By how much must the diagonal move?",
        ),
        Misconception(
            name="upper-left-and-off-by-one",
            answers=_in_any_type(
                lambda q, k: torch.ones(q, k).tril(-1).bool(),
                lambda q, k: torch.ones(q, k).tril(1).bool(),
                lambda q, k: torch.ones(q, k).triu(1).bool(),
            ),
            message="Two things are wrong: the triangle's edge is off by one or its meaning is"
            " reversed, and with unequal lengths it starts in the wrong corner.",
            hint="First make 4 queries and 4 keys right, then 2 queries and 5 keys.",
        ),
        Misconception(
            name="square",
            answers=_in_any_type(
                lambda q, k: torch.ones(k, k).tril().bool(),
                lambda q, k: torch.ones(q, q).tril().bool(),
            ),
            message="The mask is always a square; one of the two numbers is not used.",
            hint="One row for each query, one column for each key.",
        ),
        Misconception(
            name="turned",
            answers=_in_any_type(
                lambda q, k: _allowed(q, k).mT,
                lambda q, k: torch.ones(k, q).tril().bool(),
                lambda q, k: torch.ones(k, q).triu().bool(),
            ),
            message="Rows and columns have changed places: yours has a row for each key.",
            hint="In this book queries are rows and keys are columns, always.",
        ),
        Misconception(
            name="added-mask",
            answers=(
                _added,
                _added_upper_left,
                lambda q, k: _added(q, k).double(),
                lambda q, k: (~_allowed(q, k)) * -1e9,
            ),
            message="This is a mask to be added to the scores, 0 and minus infinity. PyTorch takes"
            " that too; in this book a mask is bool.",
            hint="The result is a question answered for each pair: may it attend? True or False.",
        ),
        Misconception(
            name="not-bool",
            answers=(
                lambda q, k: _allowed(q, k).float(),
                lambda q, k: _allowed(q, k).double(),
                lambda q, k: _allowed(q, k).long(),
                lambda q, k: _allowed(q, k).int(),
                lambda q, k: _allowed(q, k).to(torch.uint8),
            ),
            message="Every entry is right, but as a number, 0 or 1. `~` does not turn numbers"
            " round, and PyTorch's own attention adds a mask of floats to the scores.",
            hint="What type do comparisons such as `<=` return?",
        ),
    ),
)
