"""What the recipes ask of their arguments beyond single numbers, in the words of `txlib.checks`."""

import math
import os
from collections.abc import Mapping
from typing import Any

import torch

from txlib.checks import check_kind, check_number, check_sequence, check_text, check_whole, shown
from txlib.data.grammar import Pair


def check_texts(name: str, texts: Any) -> None:
    """Refuse what is no sequence of strings.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    check_sequence(name, texts, "strings")
    for i, text in enumerate(texts):
        check_text(f"{name}[{i}]", text)


def check_text_pairs(name: str, pairs: Any, *, least: int = 0) -> None:
    """Refuse what is no sequence of (source, reference), both text; or has fewer than `least`.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    check_sequence(name, pairs, "pairs")
    if len(pairs) < least:
        raise ValueError(f"{name} must hold at least one pair, got {shown(pairs)}")
    for pair in pairs:
        two = isinstance(pair, (tuple, list)) and len(pair) == 2
        if not two or not all(isinstance(text, str) for text in pair):
            raise ValueError(f"{name} must hold pairs of strings, got {shown(pair)}")


def check_grammar_pairs(name: str, pairs: Any, *, referents: bool = False) -> None:
    """Refuse what is no sequence of at least one pair of the grammar.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    check_sequence(name, pairs, "pairs of the grammar")
    if not pairs:
        raise ValueError(f"{name} must hold at least one pair, got {shown(pairs)}")
    for pair in pairs:
        check_kind(name, pair, Pair)
        if referents and pair.referent is None:
            raise ValueError(f"{name} must be pairs with a referent, got {shown(pair)}")


def check_twins(name: str, found: Any) -> None:
    """Refuse what is no sequence of at least one twin: two pairs with a referent.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    check_sequence(name, found, "twins")
    if not found:
        raise ValueError(f"{name} must hold at least one twin, got {shown(found)}")
    for both in found:
        if not isinstance(both, (tuple, list)) or len(both) != 2:
            raise ValueError(f"{name} must hold two pairs each, got {shown(both)}")
        check_grammar_pairs(name, both, referents=True)


def check_wholes(name: str, values: Any, *, least: int | None = None) -> None:
    """Refuse what is no sequence of whole numbers from `least` on.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    check_sequence(name, values, "whole numbers")
    for i, value in enumerate(values):
        check_whole(f"{name}[{i}]", value, least=least)


def check_device(name: str, device: Any) -> None:
    """Refuse what is neither a device nor None.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    if device is not None:
        check_kind(name, device, torch.device)


def check_path(name: str, path: Any) -> None:
    """Refuse what is neither text nor a path, or what no file can be called.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    if not isinstance(path, (str, os.PathLike)) or "\0" in str(path):
        raise ValueError(f"{name} must be a path, got {shown(path)}")


def check_fields(name: str, value: Any, *fields: str) -> None:
    """Refuse what is no dictionary, or lacks a field.

    Raises:
        ValueError: with the fields, the argument and the value.
    """
    if not isinstance(value, Mapping) or any(field not in value for field in fields):
        raise ValueError(f"{name} must be a dictionary with {fields}, got {shown(value)}")


def check_rate(name: str, rate: Any) -> None:
    """Refuse what is no finite number from 0 on.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    check_number(name, rate)
    if not 0 <= rate < math.inf:
        raise ValueError(f"{name} must be finite and not negative, got {shown(rate)}")
