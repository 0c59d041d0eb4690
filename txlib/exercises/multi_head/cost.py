"""`grouped_cost`: weights of an attention module with shared keys, and what each token leaves."""

from collections.abc import Callable

from txlib.exercises.exercise import Exercise, Misconception

Count = Callable[[int, int, int], int]
Cost = Callable[[int, int, int], tuple[int, int]]


def _reference(d_model: int, num_heads: int, num_kv_heads: int) -> tuple[int, int]:
    """By counting, head by head: each reads all of d_model, and the result is written from each."""
    head_dim = d_model // num_heads
    weights = kept = 0
    for _ in range(num_heads):
        weights += head_dim * d_model  # its queries
        weights += d_model * head_dim  # its columns of out_proj
    for _ in range(num_kv_heads):
        weights += 2 * head_dim * d_model
        kept += 2 * head_dim
    return weights, kept


def _shared(c: int, h: int, g: int) -> int:
    """Features of all keys of a token."""
    return c // h * g


def _weights(c: int, h: int, g: int) -> int:
    return 2 * c * c + 2 * c * _shared(c, h, g)


def _kept(c: int, h: int, g: int) -> int:
    return 2 * _shared(c, h, g)


_KEPT: tuple[Count, ...] = (
    _kept,
    _shared,
    lambda c, h, g: 2 * c,
    lambda c, h, g: 2 * g,
    lambda c, h, g: 2 * c // h,
    lambda c, h, g: c,
    lambda c, h, g: c + _kept(c, h, g),
    lambda c, h, g: 4 * _kept(c, h, g),
    lambda c, h, g: 2 * _kept(c, h, g),
)


def _counts(*weights: Count) -> tuple[Cost, ...]:
    """Answers with these numbers of weights, whatever they say of what is kept."""

    def answer(count: Count, kept: Count) -> Cost:
        return lambda c, h, g: (count(c, h, g), kept(c, h, g))

    return tuple(answer(count, kept) for count in weights for kept in _KEPT)


def _keeps(*kept: Count) -> tuple[Cost, ...]:
    """Answers with the right weights that keep so much of a token."""

    def answer(count: Count) -> Cost:
        return lambda c, h, g: (_weights(c, h, g), count(c, h, g))

    return tuple(map(answer, kept))


GROUPED_COST = Exercise(
    name="grouped_cost",
    chapter=5,
    parameters=("d_model", "num_heads", "num_kv_heads"),
    outputs=("the weights", "the numbers kept for a token"),
    reference=_reference,
    cases=lambda: [(12, 3, 1), (512, 8, 2), (32, 4, 4), (24, 6, 2), (64, 16, 8), (10, 1, 1)],
    hint="Write down the shapes of the four matrices for C = 12, three heads, and one head of keys"
    " and values.",
    misconceptions=(
        Misconception(
            name="all-heads-own-keys",
            answers=_counts(lambda c, h, g: 4 * c * c),
            message="The weights are those of four square matrices, as if every head had keys and"
            " values of its own: `num_kv_heads` makes no difference to them.",
            hint="With one head of keys, how many features does `k_proj` write?",
        ),
        Misconception(
            name="head-reads-its-slice",
            answers=_counts(
                lambda c, h, g: 2 * (h + g) * (c // h) ** 2,
                lambda c, h, g: 4 * h * (c // h) ** 2,
                lambda c, h, g: (h + 2 * g) * (c // h) ** 2 + c * c,
                lambda c, h, g: 3 * h * (c // h) ** 2 + c * c,
            ),
            message="Each head gets a D by D matrix, as if it read only its own D features of a"
            " word. It reads all C of them, and writes D.",
            hint="What is the shape of a head's own part of `q_proj`: how many rows, how many"
            " columns?",
        ),
        Misconception(
            name="more-heads-more-weights",
            answers=_counts(
                lambda c, h, g: 4 * c * c * h,
                lambda c, h, g: h * _weights(c, h, g),
                lambda c, h, g: 2 * c * c * (h + g),
                lambda c, h, g: c * c * (1 + h + 2 * g),
                lambda c, h, g: 2 * c * c + 2 * c * c * g,
            ),
            message="Every head is charged a projection of full width C. Heads share the width"
            " out: each is only C / H wide.",
            hint="All query heads together: how many features do they write?",
        ),
        Misconception(
            name="no-out-proj",
            answers=_counts(
                lambda c, h, g: c * c + 2 * c * _shared(c, h, g),
                lambda c, h, g: 3 * c * c,
            ),
            message="Three projections are counted; the fourth, which puts together what the heads"
            " have found, is missing.",
            hint="How does the result of eight narrow heads get back into the stream of width C?",
        ),
        Misconception(
            name="keys-and-values-are-one",
            answers=_counts(lambda c, h, g: 2 * c * c + c * _shared(c, h, g)),
            message="Keys and values are counted once for both. They share no matrix: a head of"
            " keys and values has two.",
            hint="By a key a word is found, and its value is what is taken home. Where does each"
            " come from?",
        ),
        Misconception(
            name="queries-shared-too",
            answers=_counts(
                lambda c, h, g: 4 * c * _shared(c, h, g),
                lambda c, h, g: c * c + 3 * c * _shared(c, h, g),
                lambda c, h, g: 3 * c * _shared(c, h, g),
            ),
            message="More is shared than should be: there are still H query heads, and `out_proj`"
            " still reads what all H of them have found.",
            hint="Which of the four matrices have `num_kv_heads` in their shape?",
        ),
        Misconception(
            name="always-one-head",
            answers=_counts(lambda c, h, g: 2 * c * c + 2 * c * (c // h)),
            message="It always counts a single head of keys and values, as in multi-query"
            " attention; there are `num_kv_heads` of them.",
            hint="Compare your counts for 1 and for 2 heads of keys and values.",
        ),
        Misconception(
            name="biases",
            answers=_counts(
                lambda c, h, g: _weights(c, h, g) + 2 * c + 2 * _shared(c, h, g),
                lambda c, h, g: _weights(c, h, g) + c + 2 * _shared(c, h, g),
                lambda c, h, g: _weights(c, h, g) + 4 * c,
                lambda c, h, g: _weights(c, h, g) + c,
            ),
            message="The four matrices are right and something is added, as for biases. These"
            " projections have none.",
            hint="A matrix of rows and columns has rows times columns weights, and that is all.",
        ),
        Misconception(
            name="swapped",
            answers=(lambda c, h, g: (_kept(c, h, g), _weights(c, h, g)),),
            message="Both numbers are right and come back in the wrong order.",
            hint="The weights come first.",
        ),
        Misconception(
            name="keeps-all-heads",
            answers=_keeps(lambda c, h, g: 2 * c, lambda c, h, g: 2 * h),
            message="The weights are right. Of each token you keep keys and values for all query"
            " heads; they share, and a shared key is kept once.",
            hint="How many different keys does one token have?",
        ),
        Misconception(
            name="keeps-half",
            answers=_keeps(_shared, lambda c, h, g: c),
            message="The weights are right. Of each token you keep keys or values; a later query"
            " needs both.",
            hint="What does a query meet in the score, and what does it take home?",
        ),
        Misconception(
            name="keeps-too-little-or-much",
            answers=_keeps(
                lambda c, h, g: 2 * g,
                lambda c, h, g: g,
                lambda c, h, g: 2 * (c // h),
                lambda c, h, g: c + _kept(c, h, g),
                lambda c, h, g: 2 * _kept(c, h, g),
                lambda c, h, g: 4 * _kept(c, h, g),
            ),
            message="The weights are right. The second number should be that of all features of a"
            " token's keys and values: not one head's, not bytes, and no query.",
            hint="A key of one head has D features. How many such heads, and what besides keys?",
        ),
    ),
)
