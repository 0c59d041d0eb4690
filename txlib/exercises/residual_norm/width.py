"""`gated_width`: how wide a gated feed-forward layer is for the weights of a plain one."""

from collections.abc import Callable
from fractions import Fraction

from txlib.exercises.exercise import Exercise, Misconception

Answer = Callable[[int, int], int]


def _reference(d_ff: int, multiple: int) -> int:
    """By trying: widen until three matrices of width 1 hold at least what two of d_ff do."""
    width = multiple
    while 3 * width < 2 * d_ff:
        width += multiple
    return width


def _up(width: Fraction, multiple: int) -> int:
    return -(-width // multiple) * multiple


def _down(width: Fraction, multiple: int) -> int:
    return int(width // multiple) * multiple


def _next(width: Fraction, multiple: int) -> int:
    return int(width // multiple + 1) * multiple


def _near(width: Fraction, multiple: int) -> int:
    return round(width / multiple) * multiple


def _unrounded(width: Fraction, multiple: int) -> int:
    return int(width)


_ROUNDINGS = (_up, _down, _next, _near, _unrounded)


def _ratio(*ratios: Fraction) -> tuple[Answer, ...]:
    """Answers with another share of the plain width, however they round."""

    def answer(ratio: Fraction, rounded: Callable[[Fraction, int], int]) -> Answer:
        return lambda d_ff, multiple: rounded(ratio * d_ff, multiple)

    return tuple(answer(ratio, rounded) for ratio in ratios for rounded in _ROUNDINGS)


def _two_thirds(d_ff: int) -> Fraction:
    return Fraction(2 * d_ff, 3)


GATED_WIDTH = Exercise(
    name="gated_width",
    chapter=6,
    parameters=("d_ff", "multiple"),
    outputs=("the width",),
    reference=_reference,
    cases=lambda: [
        (4 * 4096, 256),
        (4 * 5120, 256),
        (4 * 512, 64),
        (3072, 256),
        (400, 1),
        (401, 5),
        (10, 7),
    ],
    hint="Let C be 1: how many weights has the plain layer, and how many a gated one of width G?"
    " Solve for G; only then think of `multiple`.",
    misconceptions=(
        Misconception(
            name="gate-is-free",
            answers=_ratio(Fraction(1)),
            message="The gated layer is as wide as the plain one and so has half as many weights"
            " again: its gate is a third matrix.",
            hint="Count the matrices of `GatedFeedForward`, and their shapes.",
        ),
        Misconception(
            name="gate-doubles",
            answers=_ratio(Fraction(1, 2)),
            message="The width is halved, as if the gate doubled all the weights. It doubles only"
            " those on the way up; there is still one matrix on the way down.",
            hint="Two matrices against how many?",
        ),
        Misconception(
            name="ratio-inverted",
            answers=_ratio(Fraction(3, 2), Fraction(3)),
            message="Your gated layer is wider than the plain one. It has more matrices, so each"
            " must be smaller.",
            hint="3 · G = 2 · F. Which of the two widths is the larger one?",
        ),
        Misconception(
            name="a-third",
            answers=_ratio(Fraction(1, 3), Fraction(1, 4), Fraction(8, 3)),
            message="The share is off: a plain layer has two matrices and a gated one three, so"
            " their widths should be as three to two.",
            hint="Write both counts out, 2 · C · F and 3 · C · G, and set them equal. `d_ff` is F"
            " already, not C.",
        ),
        Misconception(
            name="not-rounded",
            answers=(
                lambda d_ff, multiple: int(_two_thirds(d_ff)),
                lambda d_ff, multiple: _up(_two_thirds(d_ff), 1),
                lambda d_ff, multiple: round(_two_thirds(d_ff)),
            ),
            applies=lambda d_ff, multiple: multiple > 1,
            message="Two thirds is right. But the width should be a multiple of `multiple`.",
            hint="How many times does `multiple` go into it, and is there a rest?",
        ),
        Misconception(
            name="rounds-down",
            answers=(lambda d_ff, multiple: _down(_two_thirds(d_ff), multiple),),
            message="Two thirds is right. It is then rounded down, so the gated layer has fewer"
            " weights than the plain one, where it should have at least as many.",
            hint="`//` rounds down. What does `-(-a // b)` do?",
        ),
        Misconception(
            name="rounds-to-nearest",
            answers=(lambda d_ff, multiple: _near(_two_thirds(d_ff), multiple),),
            message="Two thirds is right. It is then rounded to the nearest multiple, which is"
            " sometimes below it; then there are too few weights.",
            hint="At least as many weights: which way must you round?",
        ),
        Misconception(
            name="one-too-many",
            answers=(lambda d_ff, multiple: _next(_two_thirds(d_ff), multiple),),
            message="Right unless two thirds is a multiple already: then yours is one multiple more"
            " than needed.",
            hint="3072 and 256: two thirds is 2048, which is 8 times 256 with no rest.",
        ),
        Misconception(
            name="truncated-first",
            answers=(lambda d_ff, multiple: _up(Fraction(2 * d_ff // 3), multiple),),
            message="Two thirds is cut to a whole number before it is rounded up. Where `multiple`"
            " fits that number exactly, a few weights are missing.",
            hint="400 and 1: are three matrices of width 266 as large as two of width 400?",
        ),
        Misconception(
            name="multiplied",
            answers=(
                lambda d_ff, multiple: int(_two_thirds(d_ff)) * multiple,
                lambda d_ff, multiple: int(-(-_two_thirds(d_ff) // multiple)),
                lambda d_ff, multiple: int(_two_thirds(d_ff) // multiple),
            ),
            applies=lambda d_ff, multiple: multiple > 1,
            message="Your number is off by the factor `multiple`: it counts multiples, or is"
            " multiplied without having been divided.",
            hint="Round up the quotient, then multiply it by `multiple` again.",
        ),
    ),
)
