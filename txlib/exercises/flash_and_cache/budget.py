"""`conversations`: how many caches of keys and values a memory holds."""

from collections.abc import Callable

from txlib.exercises.exercise import Exercise, Misconception

Size = Callable[[int, int, int, int, int, int | None], int]
Count = Callable[[int, int, int, int, int, int, int | None], int]


def _reference(
    free_bytes: int,
    num_layers: int,
    num_kv_heads: int,
    head_dim: int,
    tokens: int,
    bytes_per_number: int,
    window: int | None,
) -> int:
    """By filling the memory, one conversation after the other."""
    kept = tokens if window is None else min(tokens, window)
    of_token = num_layers * num_kv_heads * (head_dim + head_dim) * bytes_per_number
    fitting = 0
    while free_bytes >= kept * of_token:
        free_bytes -= kept * of_token
        fitting += 1
    return fitting


def _kept(tokens: int, window: int | None) -> int:
    return min(tokens, window or tokens)


def _size(layers: int, heads: int, d: int, tokens: int, width: int, window: int | None) -> int:
    return 2 * layers * heads * d * _kept(tokens, window) * width


def _fits(*sizes: Size) -> tuple[Count, ...]:
    """Answers that take a conversation for as large as each of `sizes` says."""

    def answer(size: Size) -> Count:
        return lambda free, *shape: free // size(*shape)

    return tuple(map(answer, sizes))


def _windowed(*inputs: int | None) -> bool:
    return inputs[-1] is not None


CONVERSATIONS = Exercise(
    name="conversations",
    chapter=8,
    parameters=(
        "free_bytes",
        "num_layers",
        "num_kv_heads",
        "head_dim",
        "tokens",
        "bytes_per_number",
        "window",
    ),
    outputs=("the number of conversations",),
    reference=_reference,
    cases=lambda: [
        (10**6, 3, 2, 5, 7, 2, None),
        (250_000, 2, 1, 8, 11, 4, None),
        (10**6, 2, 3, 4, 50, 2, 6),
        (654_321, 3, 4, 2, 9, 4, 13),
        (99_999, 1, 2, 16, 10, 1, None),
        (4480, 2, 5, 7, 16, 2, None),
    ],
    hint="Take one token, one layer, one head: how many numbers stay of it? Multiply by what there"
    " is more of, and see last how often the result goes into `free_bytes`.",
    misconceptions=(
        Misconception(
            name="keys-or-values",
            answers=_fits(lambda *shape: _size(*shape) // 2),
            message="Twice as many conversations as there is room for: you keep keys or values."
            " Later queries need both.",
            hint="A score needs the key. And what is averaged afterwards?",
        ),
        Misconception(
            name="queries-too",
            answers=_fits(lambda *shape: _size(*shape) // 2 * 3),
            message="Three tensors are kept of each token, as if queries were among them. A query"
            " is used in its own step and never again.",
            hint="Which of the three does a later token ask for?",
        ),
        Misconception(
            name="window-ignored",
            answers=_fits(lambda n, h, d, t, b, w: _size(n, h, d, t, b, None)),
            applies=_windowed,
            message="The window makes no difference: all tokens are kept, though no later query"
            " can look back so far.",
            hint="How many tokens does a query still see at the end of a long text?",
        ),
        Misconception(
            name="window-of-a-short-text",
            answers=_fits(lambda n, h, d, t, b, w: _size(n, h, d, w or t, b, None)),
            applies=_windowed,
            message="A window is charged in full even where the text is shorter than it.",
            hint="With 9 tokens and a window of 13, how many tokens are there to keep?",
        ),
        Misconception(
            name="window-as-factor",
            answers=_fits(
                lambda n, h, d, t, b, w: _size(n, h, d, t * (w or 1), b, None),
                lambda n, h, d, t, b, w: _size(n, h, d, max(t, w or t), b, None),
                lambda n, h, d, t, b, w: _size(n, h, d, t + (w or 0), b, None),
            ),
            applies=_windowed,
            message="A window makes your cache larger. It is a bound: at most so many tokens are"
            " kept.",
            hint="Which is it: the sum, the product, the greater or the smaller of `tokens` and"
            " `window`?",
        ),
        Misconception(
            name="numbers-for-bytes",
            answers=_fits(
                lambda n, h, d, t, b, w: _size(n, h, d, t, 1, w),
                lambda n, h, d, t, b, w: _size(n, h, d, t, 2, w),
                lambda n, h, d, t, b, w: _size(n, h, d, t, 4, w),
                lambda n, h, d, t, b, w: _size(n, h, d, t, 1, w) // b,
            ),
            message="Numbers and bytes are mixed up: a number takes `bytes_per_number` bytes, and"
            " your count does not follow it.",
            hint="With 4 bytes in place of 2, how much larger is a conversation?",
        ),
        Misconception(
            name="one-layer",
            answers=_fits(lambda n, h, d, t, b, w: _size(1, h, d, t, b, w)),
            message="Only one layer's keys and values are counted. Each layer has its own, made"
            " from what the layer below it says.",
            hint="Could layer 2 use the keys of layer 1? They come from another matrix.",
        ),
        Misconception(
            name="one-head",
            answers=_fits(lambda n, h, d, t, b, w: _size(n, 1, d, t, b, w)),
            message="Only one head of keys and values is counted; there are `num_kv_heads` of them"
            " in each layer.",
            hint="`head_dim` is the width of one head. How wide are all keys of a token?",
        ),
        Misconception(
            name="head-width-forgotten",
            answers=_fits(lambda n, h, d, t, b, w: _size(n, h, 1, t, b, w)),
            message="Each head is charged a single number for its key. A key is a vector.",
            hint="How many features does one head's key have?",
        ),
        Misconception(
            name="scores-kept",
            answers=_fits(
                lambda n, h, d, t, b, w: _size(n, h, d, t, b, w) * _kept(t, w),
                lambda n, h, d, t, b, w: n * h * _kept(t, w) ** 2 * b,
            ),
            message="Your cache grows with the square of the tokens. Scores are made for one step"
            " and thrown away; only keys and values stay.",
            hint="What does one more token add to the cache: a line of scores, or one key and one"
            " value a head?",
        ),
        Misconception(
            name="rounded-up",
            answers=(
                lambda free, *shape: -(-free // _size(*shape)),
                lambda free, *shape: free // _size(*shape) + 1,
                lambda free, *shape: round(free / _size(*shape)),
            ),
            message="The quotient is right and rounded the wrong way: the last conversation does"
            " not fit as a whole.",
            hint="Count the whole ones only.",
        ),
        Misconception(
            name="bytes-given",
            answers=(
                lambda free, *shape: _size(*shape),
                lambda free, *shape: _size(*shape) // free,
                lambda free, *shape: free - _size(*shape),
            ),
            message="The size of a conversation is right, but what comes back is not how many of"
            " them fit.",
            hint="How often does one conversation go into `free_bytes`?",
        ),
    ),
)
