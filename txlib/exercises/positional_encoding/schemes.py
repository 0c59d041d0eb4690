"""`placed_scores`: one look with the library's schemes, each through its own door."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception
from txlib.exercises.positional_encoding.turning import (
    frequencies,
    halves,
    join_halves,
    waves,
)

Answer = Callable[[str, Tensor, int], Tensor]
Entering = Callable[[Tensor, int], Tensor]

_SLOPE = 1 / 256  # of the only head


def _cases() -> list[tuple[str, Tensor, int]]:
    random = torch.Generator().manual_seed(2022)
    sizes = (
        ("none", 4, 6, 3),
        ("sinusoidal", 5, 8, 40),
        ("alibi", 3, 4, 7),
        ("rope", 4, 8, 12),
        ("sinusoidal", 3, 6, 0),
        ("alibi", 7, 10, 0),
        ("rope", 5, 4, 2),
    )
    return [(name, torch.randn(t, d, generator=random), place) for name, t, d, place in sizes]


def _added(x: Tensor, place: int) -> Tensor:
    return x + waves(torch.arange(place, place + len(x)), x.shape[1])


def _turned(x: Tensor, place: int) -> Tensor:
    angles = torch.arange(place, place + len(x))[:, None] * frequencies(x.shape[1]).float()
    a, b = halves(x)
    return join_halves(a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos())


def _unchanged(x: Tensor, place: int) -> Tensor:
    return x


def _from_zero(entering: Entering) -> Entering:
    return lambda x, place: entering(x, 0)


def _penalty(x: Tensor) -> Tensor:
    places = torch.arange(len(x))
    return -_SLOPE * (places[:, None] - places).abs()


def _root(x: Tensor) -> float:
    return x.shape[1] ** 0.5


def _look(
    *,
    added: Entering = _added,
    added_to_keys: Entering | None = None,
    turned: Entering = _turned,
    turned_keys: Entering | None = None,
    scale: Callable[[Tensor], float] = lambda x: 1 / _root(x),
    join: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda scores, bias, x: scores + bias,
    finish: Callable[[Tensor], Tensor] = lambda scores: scores,
) -> Answer:
    """An answer that differs from the right one in the steps that are named."""

    def answer(name: str, x: Tensor, place: int) -> Tensor:
        query = key = x
        if name == "sinusoidal":
            query, key = added(x, place), (added_to_keys or added)(x, place)
        if name == "rope":
            query, key = turned(x, place), (turned_keys or turned)(x, place)
        scores = query @ key.mT * scale(x)
        return finish(join(scores, _penalty(x), x) if name == "alibi" else scores)

    return answer


PLACED_SCORES = Exercise(
    name="placed_scores",
    chapter=4,
    parameters=("name", "x", "place"),
    outputs=("the scores",),
    reference=_look(),
    cases=_cases,
    hint="A scheme enters at one of three doors and has None at the others. Write the scores of"
    ' "none" first; then ask at each door whether anything is there.',
    misconceptions=(
        Misconception(
            name="no-scale",
            answers=(_look(scale=lambda x: 1.0),),
            message="These are the plain dot products: the scale of attention is forgotten.",
            hint="Positions do not change what the dot products are divided by.",
        ),
        Misconception(
            name="wrong-scale",
            answers=(
                _look(scale=lambda x: 1 / x.shape[1]),
                _look(scale=lambda x: len(x) ** -0.5),
                _look(scale=_root),
            ),
            message="There is a scale, but not one over the square root of the width D of `x`.",
            hint="`x` is (T, D). Which of the two does a dot product sum over?",
        ),
        Misconception(
            name="weights",
            answers=(_look(finish=lambda scores: scores.softmax(-1)),),
            message="These rows sum to 1: they are the weights already. Asked for is what goes into"
            " the softmax.",
            hint="Stop one step earlier.",
        ),
        Misconception(
            name="waves-forgotten",
            answers=(_look(added=_unchanged),),
            message='Right for three of the schemes; for "sinusoidal" nothing has been added to the'
            " words.",
            hint="`scheme.encoding` is a module for one scheme and None for the others. It takes a"
            " batch, (B, T, D).",
        ),
        Misconception(
            name="waves-from-zero",
            answers=(_look(added=_from_zero(_added)),),
            message='Right for three of the schemes; for "sinusoidal" the waves always begin at'
            " place 0, so that `place` changes nothing.",
            hint="Calling the encoding, you can say at which place the first word stands.",
        ),
        Misconception(
            name="waves-on-one-side",
            answers=(
                _look(added_to_keys=_unchanged),
                _look(added=_unchanged, added_to_keys=_added),
                _look(added_to_keys=_from_zero(_added)),
                _look(added=_from_zero(_added), added_to_keys=_added),
            ),
            message="Waves are added before queries and keys part; with yours one side has them and"
            " the other has not, or stands elsewhere.",
            hint="Here query and key are the same tensor. It should be so after the waves, too.",
        ),
        Misconception(
            name="waves-twice",
            answers=(
                _look(added=lambda x, place: x + _added(x, place)),
                _look(added=lambda x, place: _added(x, place) - x),
                _look(added=lambda x, place: _added(_added(x, place), place)),
            ),
            message="The words and the waves are not in equal parts: one of the two counts twice or"
            " is missing. `scheme.encoding(x)` already returns the sum.",
            hint="Give the encoding zeros and look at what comes back, then give it ones.",
        ),
        Misconception(
            name="turn-forgotten",
            answers=(_look(turned=_unchanged),),
            message='Right for three of the schemes; with "rope" every score is as if nothing were'
            " turned, or all words by one angle.",
            hint="`scheme.rotary` takes (…, T, D): the axis before the last counts the words.",
        ),
        Misconception(
            name="turned-on-one-side",
            answers=(
                _look(turned_keys=_unchanged),
                _look(turned=_unchanged, turned_keys=_turned),
            ),
            message='With "rope" only queries or only keys are turned, so a score depends on the'
            " place of one of its words instead of the distance between two.",
            hint="At distance 0 the score should be that of the two vectors as they were.",
        ),
        Misconception(
            name="sides-apart",
            answers=(
                _look(turned_keys=_from_zero(_turned)),
                _look(turned=_from_zero(_turned), turned_keys=_turned),
            ),
            message='With "rope" queries and keys begin at different places: all distances are off'
            " by `place`.",
            hint="The same words are queries and keys. At which place does word 0 stand in each?",
        ),
        Misconception(
            name="bias-forgotten",
            answers=(_look(join=lambda scores, bias, x: scores),),
            message='Right for three of the schemes; with "alibi" the scores know nothing of'
            " distance.",
            hint="`scheme.make_score_bias()` makes a module or returns None. The module takes a"
            " query of shape (B, H, T, D) and the number of keys.",
        ),
        Misconception(
            name="bias-scaled",
            answers=(
                _look(join=lambda scores, bias, x: scores + bias / _root(x)),
                _look(join=lambda scores, bias, x: scores + bias * _root(x)),
            ),
            message='The bias of "alibi" is scaled along with the dot products, so its slope'
            " depends on how wide the vectors are.",
            hint="It is added to the *scaled* scores. Which comes first, dividing or adding?",
        ),
        Misconception(
            name="bias-of-one-query",
            answers=(
                _look(join=lambda scores, bias, x: scores + bias[0]),
                _look(join=lambda scores, bias, x: scores + bias[-1]),
                _look(join=lambda scores, bias, x: scores + bias[:, :1]),
            ),
            message='With "alibi" every row gets the bias of a single query: one index too many,'
            " and broadcasting has hidden it.",
            hint="What comes back is (H, T, T), without a batch axis. Print its shape before and"
            " after you take the head out.",
        ),
        Misconception(
            name="bias-misused",
            answers=(
                _look(join=lambda scores, bias, x: scores - bias),
                _look(join=lambda scores, bias, x: scores * bias),
                _look(join=lambda scores, bias, x: bias),
                _look(join=lambda scores, bias, x: scores * bias.exp()),
            ),
            message='With "alibi" the bias and the scores are not added: a penalty is negative'
            " already, and it stands beside the score, not in its place.",
            hint="At distance 0 the bias is 0 and the score should be as it was.",
        ),
    ),
)
