"""The exercises of chapter 8: tiles, parts of a softmax, a cache and its room, and drafts."""

from txlib.exercises.exercise import Exercise
from txlib.exercises.flash_and_cache.budget import CONVERSATIONS
from txlib.exercises.flash_and_cache.drafts import ACCEPT_DRAFTS
from txlib.exercises.flash_and_cache.merging import MERGE_PARTS
from txlib.exercises.flash_and_cache.reads import CAUSAL_READS
from txlib.exercises.flash_and_cache.step import DECODE_STEP

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        CONVERSATIONS,
        CAUSAL_READS,
        MERGE_PARTS,
        DECODE_STEP,
        ACCEPT_DRAFTS,
    )
}
