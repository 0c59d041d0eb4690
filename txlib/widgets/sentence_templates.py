"""Sentences with places where words can be swapped."""

import itertools
import re
from collections.abc import Sequence

from txlib.widgets.validation import check_text

SLOT = re.compile(r"\{([^{}]*)\}")
MOST_SLOTS = 6


def parse(template: str) -> list[str | list[str]]:
    """What stands fast and what can be swapped: "a {cat|dog}." is "a ", ["cat", "dog"], ".".

    Args:
        template: a sentence; a place to swap is written in braces, its words parted by bars.

    Returns:
        Parts in order, a string each, or a list of two or more choices.

    Raises:
        ValueError: if a brace has no partner, or a place has fewer than two different choices, or
            there are more than 6 places.
    """
    pieces = enumerate(SLOT.split(check_text("template", template)))  # every second is a slot
    parts = [_choices(piece, template) if i % 2 else piece for i, piece in pieces]
    slots = sum(isinstance(part, list) for part in parts)
    if slots > MOST_SLOTS:
        raise ValueError(f"template must hold at most {MOST_SLOTS} places, got {slots}")
    if any(brace in part for part in parts if isinstance(part, str) for brace in "{}"):
        raise ValueError(f"template must close every brace that it opens, got {template!r}")
    return [part for part in parts if part]


def expand(template: str) -> list[str]:
    """Every sentence that a template stands for, the last place changing fastest.

    Raises:
        ValueError: as `parse`.
    """
    choices = ([part] if isinstance(part, str) else part for part in parse(template))
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def expand_all(templates: Sequence[str], most: int) -> list[str]:
    """The different sentences that templates stand for, in order.

    Raises:
        ValueError: if `templates` is a single string or empty, or they stand for more than `most`;
            and as `parse`.
    """
    if isinstance(templates, str) or not isinstance(templates, Sequence) or not templates:
        raise ValueError(f"sentences must be a sequence of strings, not empty, got {templates!r}")
    texts = list(dict.fromkeys(text for template in templates for text in expand(template)))
    if len(texts) > most:
        raise ValueError(f"sentences must be at most {most} in all, got {len(texts)}")
    return texts


def check_templates(templates: Sequence[str] | None, texts: Sequence[str], most: int) -> list[list]:
    """`templates`, parsed; by default every text stands alone.

    Raises:
        ValueError: if one stands for none of `texts`, or a text for none of them; and as
            `expand_all`.
    """
    if templates is None:
        return [[text] for text in texts]
    reached = set(expand_all(templates, most))
    idle = [template for template in templates if not set(expand(template)) & set(texts)]
    if idle:
        raise ValueError(f"templates must stand for at least one entry each, got {idle[0]!r}")
    lost = [text for text in texts if text not in reached]
    if lost:
        raise ValueError(f"templates must reach every entry, got none for {lost[0]!r}")
    return [parse(template) for template in templates]


def _choices(slot: str, template: str) -> list[str]:
    words = [word.strip() for word in slot.split("|")]
    if len(words) < 2 or len(set(words)) < len(words) or not all(words):
        raise ValueError(
            f"template must name two or more different words between braces, as in "
            f"{{cat|dog}}, got {{{slot}}} in {template!r}"
        )
    return words
