"""The exercises of chapter 1: one step of a recurrence, what it costs, and how it is trained."""

from txlib.exercises.exercise import Exercise
from txlib.exercises.recurrence.counting import DEPENDENT_STEPS, RECEPTIVE_FIELD
from txlib.exercises.recurrence.elman import RNN_STEP
from txlib.exercises.recurrence.gated import LSTM_STEP
from txlib.exercises.recurrence.translator import MASKED_LOSS, SHIFT_RIGHT

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        RNN_STEP,
        LSTM_STEP,
        DEPENDENT_STEPS,
        RECEPTIVE_FIELD,
        SHIFT_RIGHT,
        MASKED_LOSS,
    )
}
