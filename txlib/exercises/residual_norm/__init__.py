"""The exercises of chapter 6: norms by hand, the stream as a sum, and what a layer's weights do."""

from txlib.exercises.exercise import Exercise
from txlib.exercises.residual_norm.batch import BATCH_NORM
from txlib.exercises.residual_norm.fold import FOLD_NORM
from txlib.exercises.residual_norm.layer import LAYER_NORM
from txlib.exercises.residual_norm.share import ONE_PART_IN
from txlib.exercises.residual_norm.stream import CONTRIBUTIONS
from txlib.exercises.residual_norm.width import GATED_WIDTH

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        LAYER_NORM,
        ONE_PART_IN,
        GATED_WIDTH,
        BATCH_NORM,
        CONTRIBUTIONS,
        FOLD_NORM,
    )
}
