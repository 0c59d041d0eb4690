"""The exercises of chapter 7: the shift, the recipe of 2017 in numbers, a beam, and a pronoun."""

from txlib.exercises.exercise import Exercise
from txlib.exercises.transformer.beam import BEAM_STEP
from txlib.exercises.transformer.choice import PRONOUN
from txlib.exercises.transformer.rate import LEARNING_RATE
from txlib.exercises.transformer.shifting import SHIFTED_PAIR
from txlib.exercises.transformer.smoothing import SMOOTHED_LOSS

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        SHIFTED_PAIR,
        LEARNING_RATE,
        SMOOTHED_LOSS,
        BEAM_STEP,
        PRONOUN,
    )
}
