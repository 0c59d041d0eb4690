"""`distances_met`: which rows of a table of distances training meets, and how many pairs share."""

from collections.abc import Callable

from txlib.exercises.exercise import Exercise, Misconception

Count = Callable[[int, int], int]
Answer = Callable[[int, int], tuple[int, int]]


def _reference(length: int, max_distance: int) -> tuple[int, int]:
    """By looking at every pair of words."""
    distances = [j - i for i in range(length) for j in range(length)]
    rows = {min(max(d, -max_distance), max_distance) for d in distances}
    return len(rows), sum(abs(d) > max_distance for d in distances)


def _rows(n: int, k: int) -> int:
    return 2 * min(n - 1, k) + 1


def _beyond(n: int, k: int) -> int:
    """Pairs farther apart than k, in order: (i, j) and (j, i) are two."""
    return max(n - k, 0) * max(n - k - 1, 0)


def _distances_beyond(n: int, k: int) -> int:
    return 2 * max(n - 1 - k, 0)


_CLIPPED: tuple[Count, ...] = (
    _beyond,
    lambda n, k: _beyond(n, k - 1),
    lambda n, k: _beyond(n, k) // 2,
    _distances_beyond,
    lambda n, k: n * n - _beyond(n, k),
    lambda n, k: (n - k) * (n - k - 1),
    lambda n, k: max(n - k, 0) ** 2,
    lambda n, k: 0,
    lambda n, k: n * n,
)


def _uses(*counts: Count) -> tuple[Answer, ...]:
    """Answers with these numbers of rows, whatever they say of the pairs."""

    def answer(count: Count, clipped: Count) -> Answer:
        return lambda n, k: (count(n, k), clipped(n, k))

    return tuple(answer(count, clipped) for count in counts for clipped in _CLIPPED)


def _clips(*counts: Count) -> tuple[Answer, ...]:
    """Answers with the right rows and these numbers of pairs."""

    def answer(clipped: Count) -> Answer:
        return lambda n, k: (_rows(n, k), clipped(n, k))

    return tuple(map(answer, counts))


DISTANCES_MET = Exercise(
    name="distances_met",
    chapter=4,
    parameters=("length", "max_distance"),
    outputs=("the rows that training meets", "the pairs beyond the limit"),
    reference=_reference,
    cases=lambda: [(5, 2), (3, 5), (6, 1), (4, 3), (1, 4), (10, 4), (24, 16)],
    hint="Draw the table of 4 words by 4 words and write j - i into each of its 16 fields. How many"
    " different numbers are there, and how often does each stand?",
    misconceptions=(
        Misconception(
            name="whole-table",
            answers=_uses(lambda n, k: 2 * k + 1),
            message="You count every row that the table has. A short sentence has no two words so"
            " far apart, and the outer rows then keep their first, random, values.",
            hint="How far apart can two words of a sentence of 3 be?",
        ),
        Misconception(
            name="never-clipped",
            answers=_uses(lambda n, k: 2 * n - 1),
            message="You count every distance that the sentence has; the table stops at"
            " `max_distance`, and what lies beyond shares the last row on its side.",
            hint="How many rows has the table at most?",
        ),
        Misconception(
            name="no-row-for-zero",
            answers=_uses(
                lambda n, k: 2 * min(n - 1, k),
                lambda n, k: 2 * k,
                lambda n, k: 2 * (n - 1),
            ),
            message="One row is missing: a word also looks at itself, and distance 0 has a row of"
            " its own between the past and the future.",
            hint="Write down the distances within a sentence of 2 words.",
        ),
        Misconception(
            name="one-direction",
            answers=_uses(
                lambda n, k: min(n - 1, k) + 1,
                lambda n, k: min(n, k),
                lambda n, k: k + 1,
                lambda n, k: n,
            ),
            message="Only one side is counted. Here every word looks at every word, and a key three"
            " places before has another row than one three places after.",
            hint="Which signs can j - i have?",
        ),
        Misconception(
            name="off-by-one",
            answers=_uses(
                lambda n, k: 2 * min(n, k) + 1,
                lambda n, k: 2 * min(n, k),
                lambda n, k: 2 * min(n, k) - 1,
                lambda n, k: 2 * min(n - 1, k) + 2,
            ),
            message="The number of rows is off by one or two where the sentence sets the limit: its"
            " first and its last word are `length` - 1 places apart.",
            hint="A sentence of 1 word has a single distance. What does yours say?",
        ),
        Misconception(
            name="a-row-per-pair",
            answers=_uses(lambda n, k: n * n, lambda n, k: n * (n + 1) // 2),
            message="Each pair of words is given a row of its own. Pairs at the same distance share"
            " one: that is what makes the table short.",
            hint="What do the pairs (0, 2) and (3, 5) have in common?",
        ),
        Misconception(
            name="other-order",
            answers=(lambda n, k: (_beyond(n, k), _rows(n, k)),),
            message="Both numbers are right and come back in the wrong order.",
            hint="The rows come first, then the pairs.",
        ),
        Misconception(
            name="limit-counted",
            answers=_clips(lambda n, k: _beyond(n, k - 1)),
            message="The rows are right. Of the pairs, you also count those at exactly"
            " `max_distance`, which use their own row; only farther ones are clipped.",
            hint="With a limit of 2, is a pair at distance 2 changed by the clipping?",
        ),
        Misconception(
            name="pairs-of-one-side",
            answers=_clips(lambda n, k: _beyond(n, k) // 2),
            message="The rows are right. Of the pairs, you count half: a far key of the past, or a"
            " far key of the future, but not both.",
            hint="If word 0 is too far for word 9, what is word 9 for word 0?",
        ),
        Misconception(
            name="distances-for-pairs",
            answers=_clips(
                _distances_beyond,
                lambda n, k: max(n - 1 - k, 0),
                lambda n, k: 2 * max(n - k, 0),
            ),
            message="The rows are right. The second number counts distances; asked for are pairs of"
            " words, and most distances occur in several.",
            hint="In a sentence of 10 words, how many pairs are 7 places apart?",
        ),
        Misconception(
            name="within-for-beyond",
            answers=_clips(lambda n, k: n * n - _beyond(n, k)),
            message="The rows are right. The second number counts the pairs within the limit; the"
            " others are asked for.",
            hint="A sentence of 2 words and a limit of 5: nothing is clipped.",
        ),
        Misconception(
            name="below-zero",
            answers=_clips(lambda n, k: (n - k) * (n - k - 1)),
            message="Right while the sentence reaches the limit. In a shorter one your formula"
            " multiplies negative numbers and finds pairs where there are none.",
            hint="How many words of a sentence of 3 are more than 5 places apart?",
        ),
        Misconception(
            name="whole-square",
            answers=_clips(lambda n, k: max(n - k, 0) ** 2, lambda n, k: max(n - k - 1, 0) ** 2),
            message="The rows are right. The pairs that are too far fill two triangles in the"
            " corners of the table; together they are no square.",
            hint="5 words, a limit of 2: in row 0 two fields are too far, in row 1 one is.",
        ),
    ),
)
