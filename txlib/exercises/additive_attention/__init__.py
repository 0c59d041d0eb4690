"""The exercises of chapter 2: score, normalise, look back, then ask whether and at what price."""

from txlib.exercises.additive_attention.alignment import ALIGNMENT_ERROR_RATE
from txlib.exercises.additive_attention.context import LOOK_BACK
from txlib.exercises.additive_attention.cost import SCORE_COST
from txlib.exercises.additive_attention.scores import ADDITIVE_SCORES
from txlib.exercises.additive_attention.weights import MASKED_SOFTMAX
from txlib.exercises.exercise import Exercise

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        ADDITIVE_SCORES,
        MASKED_SOFTMAX,
        LOOK_BACK,
        ALIGNMENT_ERROR_RATE,
        SCORE_COST,
    )
}
