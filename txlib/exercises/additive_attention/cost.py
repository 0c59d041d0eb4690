"""`score_cost`: how many numbers live at once while n queries are scored against m keys."""

from txlib.exercises.exercise import Exercise, Misconception

Counts = tuple[int, int]


def _reference(n: int, m: int, d: int) -> Counts:
    """By counting the pairs: a hidden layer of width d for each, or one number."""
    additive = dot = 0
    for _ in range(n):
        for _ in range(m):
            additive += d
            dot += 1
    return additive, dot


SCORE_COST = Exercise(
    name="score_cost",
    chapter=2,
    parameters=("n", "m", "d"),
    outputs=("the additive count", "the dot-product count"),
    reference=_reference,
    cases=lambda: [(5, 7, 4), (1, 9, 3), (6, 6, 2), (10, 3, 8), (2, 5, 1)],
    hint="Write down the shape of the table in both cases, as it is just before the numbers of a"
    " pair become one score.",
    misconceptions=(
        Misconception(
            name="forgot-width",
            answers=(lambda n, m, d: (n * m, n * m),),
            message="For the additive score this counts the scores. Before there is one number for"
            " a pair there is a whole hidden layer for it.",
            hint="What stands inside the tanh, for one query and one key: a number or a vector?",
        ),
        Misconception(
            name="adds",
            answers=(
                lambda n, m, d: (n + m + d, n + m),
                lambda n, m, d: (n * m + d, n * m),
            ),
            message="Sizes are added where the axes of one table multiply.",
            hint="How many numbers does a tensor of shape (2, 3, 4) hold?",
        ),
        Misconception(
            name="projections",
            answers=(
                lambda n, m, d: ((n + m) * d, n * m),
                lambda n, m, d: ((n + m) * d, n + m),
                lambda n, m, d: ((n + m) * d, (n + m) * d),
            ),
            message="This counts the projected queries and keys before they meet: n rows and m"
            " rows, each of width d.",
            hint="Each query is added to each key. How many sums is that?",
        ),
        Misconception(
            name="square",
            answers=(
                lambda n, m, d: (n * n * d, n * n),
                lambda n, m, d: (m * m * d, m * m),
            ),
            message="One length is used twice: right for a sentence that looks at itself, not for"
            " n queries and m keys.",
            hint="The French sentence need not be as long as the English one.",
        ),
        Misconception(
            name="one-query",
            answers=(lambda n, m, d: (m * d, m),),
            message="This is the price of a single query, as in a decoder that asks once a word.",
            hint="Here all n queries are scored in one call, as in training.",
        ),
        Misconception(
            name="multiplications",
            answers=(
                lambda n, m, d: (n * m * d, n * m * d),
                lambda n, m, d: (n * m * d, 2 * n * m * d),
            ),
            message="For the dot product this counts the work. A matrix product multiplies and"
            " adds as it goes, and does not keep its products.",
            hint="What is the shape of what `query @ key.mT` gives back?",
        ),
        Misconception(
            name="total",
            answers=(
                lambda n, m, d: (n * m * d + n * m, n * m),
                lambda n, m, d: (n * m * d + (n + m) * d, n * m),
                lambda n, m, d: (n * m * d + (n + m) * d + n * m, n * m),
            ),
            message="For the additive score several tensors are added together; the largest alone"
            " is asked for.",
            hint="Name each tensor on the way and its shape. Which one has the most axes?",
        ),
        Misconception(
            name="bytes",
            answers=(
                lambda n, m, d: (4 * n * m * d, 4 * n * m),
                lambda n, m, d: (2 * n * m * d, 2 * n * m),
                lambda n, m, d: (8 * n * m * d, 8 * n * m),
            ),
            message="These are bytes: the counts, times the bytes of one number.",
            hint="Count numbers; how wide each is depends on the dtype.",
        ),
        Misconception(
            name="order",
            answers=(lambda n, m, d: (n * m, n * m * d),),
            message="Both counts are right and come back in the wrong order: dot product first.",
            hint="The caller unpacks `additive, dot = score_cost(...)`.",
        ),
    ),
)
