"""The exercises of chapter 4: places as waves and rotations, distances as scores."""

from txlib.exercises.exercise import Exercise
from txlib.exercises.positional_encoding.alibi import ALIBI
from txlib.exercises.positional_encoding.counting import DISTANCES_MET
from txlib.exercises.positional_encoding.move_on import MOVE_ON
from txlib.exercises.positional_encoding.rotate import ROTATE
from txlib.exercises.positional_encoding.schemes import PLACED_SCORES
from txlib.exercises.positional_encoding.skew import SKEW

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        ALIBI,
        DISTANCES_MET,
        MOVE_ON,
        ROTATE,
        PLACED_SCORES,
        SKEW,
    )
}
