"""`dependent_steps` and `receptive_field`: what must wait, and how far a stack can see."""

import math
from collections.abc import Sequence

from txlib.exercises.exercise import Exercise, Misconception


def _steps(length: int, num_layers: int, kind: str) -> int:
    """By simulation: a step runs one tick after the last of the steps that it needs."""
    done = [0] * length
    for _ in range(num_layers):
        if kind == "attention":
            done = [max(done) + 1] * length
        else:
            tick = 0
            for t in range(length):
                tick = done[t] = max(tick, done[t]) + 1
    return max(done)


def _is_rnn(length: int, num_layers: int, kind: str) -> bool:
    return kind == "rnn"


def _is_attention(length: int, num_layers: int, kind: str) -> bool:
    return kind == "attention"


DEPENDENT_STEPS = Exercise(
    name="dependent_steps",
    chapter=1,
    parameters=("length", "num_layers", "kind"),
    outputs=("the number of steps",),
    reference=_steps,
    cases=lambda: [
        (6, 1, "rnn"),
        (5, 3, "rnn"),
        (3, 4, "rnn"),
        (10, 2, "rnn"),
        (6, 1, "attention"),
        (5, 3, "attention"),
        (9, 2, "attention"),
    ],
    hint="Draw a grid of layers and positions, and write into each box the earliest moment at"
    " which it can run.",
    misconceptions=(
        Misconception(
            name="layers-wait",
            answers=(lambda length, num_layers, kind: length * num_layers,),
            applies=_is_rnn,
            message="For the rnn this counts every box of the grid: a layer is made to wait until"
            " the one below has read the whole sentence.",
            hint="When layer 1 has finished its first step, what can layer 2 already do?",
        ),
        Misconception(
            name="one-too-many",
            answers=(lambda length, num_layers, kind: length + num_layers,),
            applies=_is_rnn,
            message="For the rnn this is one step too many: the corner of the grid is counted both"
            " with its row and with its column.",
            hint="Try one word and one layer: how many steps is that?",
        ),
        Misconception(
            name="arrows",
            answers=(lambda length, num_layers, kind: length + num_layers - 2,),
            applies=_is_rnn,
            message="For the rnn this counts the arrows between the steps on the longest way, not"
            " the steps.",
            hint="One word and one layer have no arrow, and still something runs.",
        ),
        Misconception(
            name="one-layer-rnn",
            answers=(lambda length, num_layers, kind: length,),
            applies=_is_rnn,
            message="For the rnn this is the wait of a single layer; the layers above it come for"
            " free here.",
            hint="At which moment can the top layer read its first word?",
        ),
        Misconception(
            name="attention-waits",
            answers=(
                lambda length, num_layers, kind: length,
                lambda length, num_layers, kind: length * num_layers,
                lambda length, num_layers, kind: length + num_layers - 1,
            ),
            applies=_is_attention,
            message="For attention the answer grows with the sentence, as if one position had to"
            " wait for its neighbour.",
            hint="Does any position of a layer read the output of the same layer elsewhere?",
        ),
        Misconception(
            name="one-layer-attention",
            answers=(lambda length, num_layers, kind: 1,),
            applies=_is_attention,
            message="For attention this is the wait of a single layer, however many are stacked.",
            hint="A layer reads what the layer below has written.",
        ),
    ),
)


def _reach(kernel_size: int, dilations: Sequence[int]) -> int:
    """By walking down: the positions that reach output 0, layer after layer."""
    seen = {0}
    for dilation in reversed(dilations):
        seen = {t - k * dilation for t in seen for k in range(kernel_size)}
    return max(seen) - min(seen) + 1


RECEPTIVE_FIELD = Exercise(
    name="receptive_field",
    chapter=1,
    parameters=("kernel_size", "dilations"),
    outputs=("the receptive field",),
    reference=_reach,
    cases=lambda: [
        (3, [1, 1, 1]),
        (2, [1, 2, 4, 8]),
        (3, [1, 2, 4]),
        (5, [2]),
        (2, [3, 1]),
        (1, [1, 4]),
    ],
    hint="Start with one position and go down: how many positions does each layer add on the left?",
    misconceptions=(
        Misconception(
            name="kernels-side-by-side",
            answers=(lambda kernel_size, dilations: kernel_size * len(dilations),),
            message="This is kernel size times depth, as if the kernels lay side by side without"
            " overlapping, and without their gaps.",
            hint="Two layers of kernel size 3 see 5 positions, not 6. Why?",
        ),
        Misconception(
            name="ignores-dilation",
            answers=(lambda kernel_size, dilations: 1 + (kernel_size - 1) * len(dilations),),
            message="This is right where every dilation is 1; wider ones are not taken in.",
            hint="How far apart are the first and the last tap of a kernel with gaps?",
        ),
        Misconception(
            name="forgets-itself",
            answers=(lambda kernel_size, dilations: (kernel_size - 1) * sum(dilations),),
            message="This counts how far back the stack looks, and leaves out the position where it"
            " stands: one too few.",
            hint="A kernel of size 1 looks back by nothing. How many positions does it see?",
        ),
        Misconception(
            name="taps-for-gaps",
            answers=(
                lambda kernel_size, dilations: kernel_size * sum(dilations),
                lambda kernel_size, dilations: 1 + kernel_size * sum(dilations),
            ),
            message="Each layer adds its number of taps times its dilation here; a row of taps has"
            " fewer gaps than taps.",
            hint="How many steps lie between 3 fence posts?",
        ),
        Misconception(
            name="multiplies",
            answers=(
                lambda kernel_size, dilations: kernel_size ** len(dilations),
                lambda kernel_size, dilations: math.prod(
                    1 + (kernel_size - 1) * d for d in dilations
                ),
                lambda kernel_size, dilations: math.prod(kernel_size * d for d in dilations),
            ),
            message="The layers are multiplied together; the reach of a stack grows by adding.",
            hint="Put one more layer on top of the drawing: by how much does the left edge move?",
        ),
        Misconception(
            name="one-layer",
            answers=(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * dilations[-1],
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * max(dilations),
            ),
            message="This is the reach of the widest or last layer alone.",
            hint="Every layer below it widens the view further.",
        ),
    ),
)
