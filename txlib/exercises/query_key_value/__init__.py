"""The exercises of chapter 3: attention as algebra, piece by piece and whole."""

from txlib.exercises.exercise import Exercise
from txlib.exercises.query_key_value.attend import ATTEND
from txlib.exercises.query_key_value.cost import ATTENTION_COST
from txlib.exercises.query_key_value.entropy import ENTROPY
from txlib.exercises.query_key_value.masks import CAUSAL_MASK
from txlib.exercises.query_key_value.order import UNPERMUTE
from txlib.exercises.query_key_value.scores import SCALED_SCORES

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        SCALED_SCORES,
        ATTENTION_COST,
        CAUSAL_MASK,
        ENTROPY,
        ATTEND,
        UNPERMUTE,
    )
}
