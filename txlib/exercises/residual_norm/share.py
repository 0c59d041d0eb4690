"""`one_part_in`: how much of the stream is still the input, in either norm order."""

from collections.abc import Callable
from fractions import Fraction

from txlib.exercises.exercise import Exercise, Misconception

Count = Callable[[int], int]
Answer = Callable[[int, str], int]


def _reference(num_blocks: int, norm_order: str) -> int:
    """By walking up the stack with two variances: the input's and the stream's."""
    of_input = stream = Fraction(1)
    for _ in range(2 * num_blocks):
        stream += 1
        if norm_order == "post":  # the norm divides all that is in the sum
            of_input, stream = of_input / stream, Fraction(1)
    return int(stream / of_input)


def _pre(blocks: int) -> int:
    return 2 * blocks + 1


def _post(blocks: int) -> int:
    return 4**blocks


def _answer(pre: Count = _pre, post: Count = _post) -> Answer:
    return lambda num_blocks, norm_order: (pre if norm_order == "pre" else post)(num_blocks)


def _either(*pairs: tuple[Count, Count]) -> tuple[Answer, ...]:
    """Answers with a slip in both orders, in the first only, in the second only."""
    return tuple(
        answer
        for pre, post in pairs
        for answer in (_answer(pre, post), _answer(pre=pre), _answer(post=post))
    )


ONE_PART_IN = Exercise(
    name="one_part_in",
    chapter=6,
    parameters=("num_blocks", "norm_order"),
    outputs=("the answer",),
    reference=_reference,
    cases=lambda: [
        (1, "pre"),
        (6, "pre"),
        (48, "pre"),
        (1, "post"),
        (3, "post"),
        (6, "post"),
    ],
    hint="Write two columns, variance of the stream and of the input's part in it, and a line for"
    " each sub-layer. Two blocks are enough to see the rule.",
    misconceptions=(
        Misconception(
            name="one-sublayer",
            answers=_either((lambda n: n + 1, lambda n: 2**n)),
            message="Each block counts once. It adds to the stream twice, and under post-norm it"
            " normalises twice.",
            hint="Attention is one of its sub-layers. Which is the other?",
        ),
        Misconception(
            name="input-forgotten",
            answers=(_answer(pre=lambda n: 2 * n), _answer(pre=lambda n: n)),
            message="For pre-norm you count what the sub-layers have added; the input itself is a"
            " part of the sum, too.",
            hint="A stack of no blocks hands its input through: one part in how many?",
        ),
        Misconception(
            name="orders-swapped",
            answers=(
                _answer(pre=_post, post=_pre),
                _answer(pre=lambda n: 2**n, post=lambda n: n + 1),
            ),
            message="The two orders have changed places: your pre-norm stream is divided at each"
            " step, and your post-norm stream never.",
            hint="In which of the two does a norm stand on the stream itself?",
        ),
        Misconception(
            name="never-divided",
            answers=(_answer(post=_pre), _answer(post=lambda n: n + 1)),
            message="Post-norm is treated like pre-norm: parts only add up. But each norm divides"
            " the whole sum, and with it what is left of the input.",
            hint="Under post-norm the sum of two parts has variance 2, and then it has 1 again."
            " What has become of the input's part?",
        ),
        Misconception(
            name="always-divided",
            answers=(_answer(pre=_post), _answer(pre=lambda n: 2**n)),
            message="Pre-norm is treated like post-norm: you halve the input's part at each step."
            " No norm stands on this stream, and the part keeps its size.",
            hint="Only the sum around it grows. By how much with each sub-layer?",
        ),
        Misconception(
            name="sizes-added",
            answers=_either((lambda n: (2 * n + 1) ** 2, lambda n: 16**n)),
            message="Sizes are added where variances should be: of two independent parts of size 1"
            " the sum has size √2, not 2.",
            hint="Variances of independent numbers add up; the roots of them do not.",
        ),
        Misconception(
            name="off-by-one-norm",
            answers=(
                *_either((lambda n: 2 * n + 2, lambda n: 2 ** (2 * n + 1))),
                _answer(post=lambda n: 2 ** (2 * n - 1)),
                _answer(post=lambda n: 4**n + 1),
                _answer(post=lambda n: 4**n - 1),
            ),
            message="One step too many or too few. Before the first sub-layer the input is the"
            " whole stream: one part in 1.",
            hint="Do one block with pencil and paper: two sums, and under post-norm two norms.",
        ),
        Misconception(
            name="halves-added",
            answers=(_answer(post=lambda n: 4 * n), _answer(post=lambda n: 2 * n)),
            message="For post-norm the halvings are added up; each one halves what the last has"
            " left.",
            hint="Half of a half is a quarter. Half of that?",
        ),
    ),
)
