"""`base_parameters`: the weights of a whole Transformer, from its four sizes."""

from collections.abc import Callable

from txlib.exercises.exercise import Exercise, Misconception

Count = Callable[[int, int, int, int], int]


def _reference(num_layers: int, d_model: int, d_ff: int, vocab_size: int) -> int:
    """By adding up the shapes of all matrices."""
    attention = [(d_model, d_model)] * 4
    feed_forward = [(d_ff, d_model), (d_model, d_ff)]
    encoder = attention + feed_forward
    decoder = attention + attention + feed_forward
    shapes = num_layers * (encoder + decoder) + [(vocab_size, d_model)]
    return sum(rows * columns for rows, columns in shapes)


def _count(
    *,
    encoder: tuple[float, float] = (4, 2),
    decoder: tuple[float, float] = (8, 2),
    tables: int = 1,
    width: Callable[[int, int], int] = lambda c, f: f,
    extra: Count = lambda n, c, f, v: 0,
) -> Count:
    """By blocks of (C², CF) on either side and tables; right in all parts but those named."""

    def answer(n: int, c: int, f: int, v: int) -> int:
        squares, inner = (a + b for a, b in zip(encoder, decoder, strict=True))
        weights = n * (squares * c * c + inner * c * width(c, f)) + tables * v * c
        return int(weights) + extra(n, c, f, v)

    return answer


def _biases(n: int, c: int, f: int, v: int) -> int:
    return n * (4 * c + f + c) + n * (8 * c + f + c)


def _norms(n: int, c: int, f: int, v: int) -> int:
    return n * (2 + 3) * 2 * c


NO_CROSS = (4, 2)

BASE_PARAMETERS = Exercise(
    name="base_parameters",
    chapter=7,
    parameters=("num_layers", "d_model", "d_ff", "vocab_size"),
    outputs=("the number",),
    reference=_reference,
    cases=lambda: [
        (1, 2, 3, 5),
        (6, 512, 2048, 37_000),
        (2, 4, 16, 7),
        (3, 10, 7, 100),
        (6, 1024, 4096, 37_000),
    ],
    hint="Three sums: what is in one block of the encoder, what is in one of the decoder, what is"
    " in no block. Each matrix is one product of two sizes.",
    misconceptions=(
        Misconception(
            name="cross-attention-forgotten",
            answers=tuple(_count(decoder=NO_CROSS, tables=t) for t in (1, 3)),
            message="A decoder block counts like an encoder block. It has a second attention, the"
            " one that looks at the source.",
            hint="Three sub-layers. Which of them has four matrices of its own?",
        ),
        Misconception(
            name="cross-attention-halved",
            answers=(_count(decoder=(6, 2)), _count(decoder=(7, 2))),
            message="Cross-attention counts less than self-attention. Queries come from one side"
            " and keys and values from the other, but there are four matrices all the same.",
            hint="Q, K, V and what comes after the heads.",
        ),
        Misconception(
            name="three-tables",
            answers=(_count(tables=3), _count(tables=2)),
            message="The table of the words is counted more than once. Source, target and output"
            " share a single one here.",
            hint="What is shared is learned once.",
        ),
        Misconception(
            name="no-table",
            answers=(_count(tables=0),),
            message="The blocks are right. The table of the words is missing, and in the base model"
            " it is nearly a third of all weights.",
            hint="One vector of C numbers for each of the V tokens.",
        ),
        Misconception(
            name="three-matrices",
            answers=(_count(encoder=(3, 2), decoder=(6, 2)),),
            message="Each attention counts with three matrices. What the heads have found goes"
            " through a fourth one.",
            hint="`q_proj`, `k_proj`, `v_proj`: which name is missing?",
        ),
        Misconception(
            name="one-side",
            answers=(
                _count(decoder=(0, 0)),
                _count(encoder=(0, 0)),
            ),
            message="Only one of the two stacks is counted. There are `num_layers` blocks in the"
            " encoder and as many in the decoder.",
            hint="N is the number of blocks on *either* side.",
        ),
        Misconception(
            name="layers-shared-out",
            answers=(lambda n, c, f, v: (_count()(n, c, f, v) - v * c) // 2 + v * c,),
            message="The layers are shared out between encoder and decoder, so that each side has"
            " half of them. Each has `num_layers`.",
            hint="The base model has 6 blocks on the left and 6 on the right.",
        ),
        Misconception(
            name="one-block",
            answers=(lambda n, c, f, v: _count()(1, c, f, v),),
            message="One block of each stack is counted; there are `num_layers`, each with weights"
            " of its own.",
            hint="Which of the four arguments is not used?",
        ),
        Misconception(
            name="table-in-each-block",
            answers=(lambda n, c, f, v: n * _count()(1, c, f, v),),
            message="The table is counted with every block. It stands below the stacks, once.",
            hint="What is multiplied by N, and what is not?",
        ),
        Misconception(
            name="one-inner-matrix",
            answers=(_count(encoder=(4, 1), decoder=(8, 1)),),
            message="Half of the feed-forward weights are missing. Each layer goes up to F and down"
            " to C again, and there is one in every block of both stacks.",
            hint="Two matrices in a layer, and 2 N layers.",
        ),
        Misconception(
            name="feed-forward-after-each",
            answers=(_count(decoder=(8, 4)),),
            message="A decoder block gets two feed-forward layers, one behind each attention. It"
            " has three sub-layers: attention, attention, feed-forward.",
            hint="Go through the list of a `DecoderBlock`'s parts.",
        ),
        Misconception(
            name="four-times-the-width",
            answers=(_count(width=lambda c, f: 4 * c),),
            applies=lambda n, c, f, v: f != 4 * c,
            message="The inner width is taken as 4 C. That is so in the paper's models, but here"
            " it is an argument.",
            hint="`d_ff` is not used yet.",
        ),
        Misconception(
            name="biases-too",
            answers=(
                _count(extra=_biases),
                _count(extra=_norms),
                _count(extra=lambda *sizes: _biases(*sizes) + _norms(*sizes)),
            ),
            message="The matrices are all there. You count biases, or gains of the norms, as well;"
            " they were to be left out.",
            hint="Only what is C times C, C times F or V times C.",
        ),
    ),
)
