"""What can be drawn: words, names, marks and pairs, each with the refusal of what cannot."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
from matplotlib.cbook import is_math_text
from matplotlib.mathtext import MathTextParser

from txlib.checks import check_number, check_sequence, check_text, check_whole, shown


def check_drawn(name: str, value: Any) -> None:
    """Refuse what cannot be written into a figure.

    Raises:
        ValueError: if it is no string, holds half of a character, or mathematics with a mistake.
    """
    check_text(name, value)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} must be whole characters, got {shown(value)}")
    if is_math_text(value):
        try:
            MathTextParser("path").parse(value)
        except ValueError:
            raise ValueError(f"{name} must be mathematics that reads, got {shown(value)}") from None


def check_all_drawn(name: str, values: Any) -> None:
    """Refuse what is not several strings that can be written into a figure.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_sequence(name, values, "strings")
    for value in values:
        check_drawn(name, value)


def check_tokens(name: str, values: Any) -> None:
    """Refuse what is not several strings; tokens are made drawable later, whatever they hold.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_sequence(name, values, "tokens")
    for value in values:
        check_text(name, value)


def check_named(name: str, values: Any) -> None:
    """Refuse what has no names that can be written into a figure.

    Raises:
        ValueError: with the rule and what was given.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{name} must map names to values, got {shown(values)}")
    for key in values:
        check_drawn(f"names in {name}", key)


def check_chosen(name: str, values: Any) -> None:
    """Refuse what does not hold names; one string is one name, not many.

    Raises:
        ValueError: with the rule and what was given.
    """
    if isinstance(values, str) or not isinstance(values, Sequence | Set):
        raise ValueError(f"{name} must hold names, got {shown(values)}")
    for value in values:
        check_text(name, value)


def check_marks(name: str, values: Any) -> None:
    """Refuse what does not map finite numbers to words.

    Raises:
        ValueError: with the rule and what was given.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{name} must map positions to words, got {shown(values)}")
    for position, words in values.items():
        check_number(f"positions in {name}", position)
        check_finite(f"positions in {name}", position)
        check_drawn(f"words in {name}", words)


def check_finite(name: str, value: Any) -> None:
    """Refuse what is no finite number.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_number(name, value)
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")


def check_pairs_by_name(name: str, values: Any) -> None:
    """Refuse what does not map names to two finite numbers each.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_named(name, values)
    for pair in values.values():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"{name} must map names to (x, y), got {shown(pair)}")
        for number in pair:
            check_finite(name, number)


def check_numbers_by_name(name: str, values: Any) -> None:
    """Refuse what does not map names to finite numbers.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_named(name, values)
    for number in values.values():
        check_finite(name, number)


def check_sizes_by_name(name: str, values: Any) -> None:
    """Refuse what does not map names to whole numbers.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_named(name, values)
    for sizes in values.values():
        check_counts(name, sizes)


def check_events(name: str, values: Any) -> None:
    """Refuse what is not several (year, name, line about it).

    Raises:
        ValueError: with the rule and what was given.
    """
    check_sequence(name, values, "(year, name, line)")
    for event in values:
        if not isinstance(event, tuple | list) or len(event) != 3:
            raise ValueError(f"{name} must hold (year, name, line), got {shown(event)}")
        check_whole(f"years of {name}", event[0])
        for words in event[1:]:
            check_drawn(f"words of {name}", words)


def check_ends(name: str, values: Any) -> None:
    """Refuse what is not two finite numbers, the lower one first.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_sequence(name, values, "two numbers")
    if len(values) != 2:
        raise ValueError(f"{name} must be two numbers, got {shown(values)}")
    for value in values:
        check_finite(name, value)
    if not values[0] < values[1]:
        raise ValueError(f"{name} must be two numbers, the lower first, got {shown(values)}")


def check_links(name: str, values: Any) -> None:
    """Refuse what is not pairs of positions.

    Raises:
        ValueError: with the rule and what was given.
    """
    if isinstance(values, str) or not isinstance(values, Sequence | Set):
        raise ValueError(f"{name} must hold pairs (query, key), got {shown(values)}")
    for pair in values:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"{name} must hold pairs (query, key), got {shown(pair)}")
        for position in pair:
            check_whole(f"positions in {name}", position)


def check_counts(name: str, values: Any) -> None:
    """Refuse what is not several whole numbers.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_sequence(name, values, "whole numbers")
    for value in values:
        check_whole(name, value)
