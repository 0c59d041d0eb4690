"""`attention_cost`: what the two products of attention cost, and how many scores they make."""

from collections.abc import Callable

from txlib.exercises.exercise import Exercise, Misconception

Count = Callable[[int, int], int]
Cost = Callable[[int, int], tuple[int, int]]

_SCORES: tuple[Count, ...] = (
    lambda n, d: n * n,
    lambda n, d: n * d,
    lambda n, d: n,
    lambda n, d: n * n * d,
    lambda n, d: 2 * n * n,
    lambda n, d: n * (n + 1) // 2,
    lambda n, d: d * d,
)


def _reference(n: int, d: int) -> tuple[int, int]:
    """By counting: one multiplication for each pair of words and each feature, twice."""
    pairs = len([(i, j) for i in range(n) for j in range(n)])
    return sum(2 * pairs for _ in range(d)), pairs


def _multiplies(*counts: Count) -> tuple[Cost, ...]:
    """Answers with these numbers of multiplications, whatever they say of the scores."""

    def answer(count: Count, scores: Count) -> Cost:
        return lambda n, d: (count(n, d), scores(n, d))

    return tuple(answer(count, scores) for count in counts for scores in _SCORES)


def _stores(*counts: Count) -> tuple[Cost, ...]:
    """Answers with the right multiplications and these numbers of scores."""

    def answer(scores: Count) -> Cost:
        return lambda n, d: (2 * n * n * d, scores(n, d))

    return tuple(map(answer, counts))


ATTENTION_COST = Exercise(
    name="attention_cost",
    chapter=3,
    parameters=("n", "d"),
    outputs=("the multiplications", "the numbers in the score matrix"),
    reference=_reference,
    cases=lambda: [(3, 5), (7, 2), (1, 4), (16, 64), (100, 8)],
    hint="Write the shapes under the two products. Each number of a result is a sum of products:"
    " how many numbers, and how many products in each?",
    misconceptions=(
        Misconception(
            name="one-product",
            answers=_multiplies(lambda n, d: n * n * d),
            message="These are the multiplications of one matrix product; attention has two.",
            hint="After the softmax the weights are used for something.",
        ),
        Misconception(
            name="flops",
            answers=_multiplies(
                lambda n, d: 4 * n * n * d,
                lambda n, d: 4 * n * n * d - n * n - n * d,
            ),
            message="Additions are counted along with the multiplications. FLOPs are often counted"
            " so, and come out about twice as many; here only multiplications are asked for.",
            hint="A dot product of two vectors of width 3: how many times do you multiply?",
        ),
        Misconception(
            name="projections",
            answers=_multiplies(
                lambda n, d: n * d * d,
                lambda n, d: 2 * n * d * d,
                lambda n, d: 3 * n * d * d,
                lambda n, d: 4 * n * d * d,
                lambda n, d: 2 * n * n * d + 3 * n * d * d,
                lambda n, d: 2 * n * n * d + 4 * n * d * d,
            ),
            message="There is a d² in your count: that is what a square weight matrix costs per"
            " word, as in the projections or a step of an RNN. Neither product here has one.",
            hint="The queries, keys and values are given. What is multiplied with what?",
        ),
        Misconception(
            name="pairs-only",
            answers=_multiplies(lambda n, d: n * n, lambda n, d: 2 * n * n),
            message="Each pair of words is charged one multiplication, however wide the vectors"
            " are.",
            hint="How many multiplications does one dot product of width d take?",
        ),
        Misconception(
            name="linear",
            answers=_multiplies(
                lambda n, d: n * d,
                lambda n, d: 2 * n * d,
            ),
            message="Your count doubles when the sentence doubles: each word is compared with one"
            " other, not with all.",
            hint="How many pairs of a query and a key are there?",
        ),
        Misconception(
            name="softmax-counted",
            answers=_multiplies(
                lambda n, d: 2 * n * n * d + n * n,
                lambda n, d: 2 * n * n * d + 2 * n * n,
                lambda n, d: 2 * n * n * d + 3 * n * n,
                lambda n, d: 2 * n * n * d + n,
            ),
            message="The two products are counted right, and something is added for the scale or"
            " the softmax; the exercise leaves both out.",
            hint="Only the two matrix products count. How small is the rest beside them?",
        ),
        Misconception(
            name="triangle",
            answers=_multiplies(
                lambda n, d: n * (n + 1) * d,
                lambda n, d: n * (n - 1) * d,
                lambda n, d: 2 * n * (n - 1) * d,
            ),
            message="Some of the pairs are left out, as under a causal mask or without a word's"
            " look at itself. Here every word looks at every word.",
            hint="Three words: how many arrows, when each points to all three?",
        ),
        Misconception(
            name="returned-scores-first",
            answers=(lambda n, d: (n * n, 2 * n * n * d),),
            message="Both numbers are right and come back in the wrong order.",
            hint="The multiplications come first.",
        ),
        Misconception(
            name="vectors-for-scores",
            answers=_stores(lambda n, d: n * d, lambda n, d: n * n * d, lambda n, d: n * d * d),
            message="The multiplications are right. The size of the score matrix is not: it has no"
            " d in it, because each pair of words has one score.",
            hint="What is the shape of the scores?",
        ),
        Misconception(
            name="scores-miscounted",
            answers=_stores(
                lambda n, d: 2 * n * n,
                lambda n, d: 4 * n * n,
                lambda n, d: 8 * n * n,
                lambda n, d: n,
                lambda n, d: n * (n + 1) // 2,
            ),
            message="The multiplications are right. The second number should be how many numbers"
            " the score matrix holds: not bytes, not the weights as well, not half of them.",
            hint="How many rows has that matrix, and how many columns?",
        ),
    ),
)
