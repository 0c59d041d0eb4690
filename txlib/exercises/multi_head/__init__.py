"""The exercises of chapter 5: heads cut, counted, scored, shared and taken away."""

from txlib.exercises.exercise import Exercise
from txlib.exercises.multi_head.cost import GROUPED_COST
from txlib.exercises.multi_head.cut import SPLIT_QKV
from txlib.exercises.multi_head.grouped import GROUPED_ATTENTION
from txlib.exercises.multi_head.looks import OFFSET_SCORES
from txlib.exercises.multi_head.pruning import KEEP_HEADS

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        SPLIT_QKV,
        GROUPED_COST,
        OFFSET_SCORES,
        GROUPED_ATTENTION,
        KEEP_HEADS,
    )
}
