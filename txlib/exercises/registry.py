"""Find an exercise by its name; load its chapter, and torch with it, only when it is checked."""

import difflib
import importlib
from collections.abc import Callable
from numbers import Integral
from typing import Any

from txlib.checks import shown
from txlib.exercises.verdict import Verdict

_CHAPTERS = {
    1: "txlib.exercises.recurrence",
    2: "txlib.exercises.additive_attention",
    3: "txlib.exercises.query_key_value",
    4: "txlib.exercises.positional_encoding",
    5: "txlib.exercises.multi_head",
    6: "txlib.exercises.residual_norm",
    7: "txlib.exercises.transformer",
    8: "txlib.exercises.flash_and_cache",
}
_NAMES = {
    1: (
        "rnn_step",
        "lstm_step",
        "dependent_steps",
        "receptive_field",
        "shift_right",
        "masked_loss",
    ),
    2: (
        "additive_scores",
        "masked_softmax",
        "look_back",
        "alignment_error_rate",
        "score_cost",
    ),
    3: (
        "scaled_scores",
        "attention_cost",
        "causal_mask",
        "entropy",
        "attend",
        "unpermute",
    ),
    4: (
        "alibi",
        "distances_met",
        "move_on",
        "rotate",
        "placed_scores",
        "skew",
    ),
    5: (
        "split_qkv",
        "grouped_cost",
        "offset_scores",
        "grouped_attention",
        "keep_heads",
    ),
    6: (
        "layer_norm",
        "one_part_in",
        "gated_width",
        "batch_norm",
        "contributions",
        "fold_norm",
    ),
    7: (
        "shifted_pair",
        "learning_rate",
        "smoothed_loss",
        "beam_step",
        "pronoun",
    ),
    8: (
        "conversations",
        "causal_reads",
        "merge_parts",
        "decode_step",
        "accept_drafts",
    ),
}


def exercises(chapter: int | None = None) -> tuple[str, ...]:
    """The names of the exercises, of one chapter or of all, in the order of the book.

    Raises:
        ValueError: if the chapter has no exercises.

    Example:
        >>> exercises(3)[:2]
        ('scaled_scores', 'attention_cost')
    """
    if chapter is None:
        return tuple(name for names in _NAMES.values() for name in names)
    if not isinstance(chapter, Integral) or isinstance(chapter, bool) or chapter not in _NAMES:
        raise ValueError(f"chapter must be one of {sorted(_NAMES)}, got {chapter!r}")
    return _NAMES[chapter]


def check(name: str, answer: Callable[..., Any]) -> Verdict:
    """Try a learner's function on several inputs and say what it does.

    Args:
        name: of the exercise, one of `exercises()`.
        answer: the learner's function itself, not the result of a call.

    Returns:
        The verdict; a notebook shows its message. The same function gets the same verdict.

    Raises:
        ValueError: for a name that no exercise has.
    """
    from txlib.exercises.checker import diagnose

    for chapter, names in _NAMES.items():
        if isinstance(name, str) and name in names:
            module = importlib.import_module(_CHAPTERS[chapter])
            return diagnose(module.EXERCISES[name], answer)
    close = difflib.get_close_matches(shown(name), exercises(), n=1, cutoff=0.4)
    suggestion = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(
        f"name must be an exercise: one of {', '.join(exercises())}; got {shown(name)}.{suggestion}"
    )
