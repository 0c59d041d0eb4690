"""Types for the numbers on a recipe's command line: what is out of range never begins to work."""

import argparse
import math
from collections.abc import Callable

from txlib.checks import check_whole


def whole_option(least: int, most: int | None = None) -> Callable[[str], int]:
    """A type for argparse: a whole number in a range, refused before any work begins."""

    def read(text: str) -> int:
        value = int(text)
        try:
            check_whole("it", value, least=least, most=most)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return value

    read.__name__ = "whole number"  # argparse says it of what is none
    return read


def number_option(least: float, most: float = math.inf) -> Callable[[str], float]:
    """A type for argparse: a finite number in a range."""

    def read(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and least <= value <= most):
            raise argparse.ArgumentTypeError(f"it must be from {least} to {most}, got {text}")
        return value

    read.__name__ = "number"
    return read


COUNT = whole_option(1)
FROM_ZERO = whole_option(0)
SEED = whole_option(0, 2**63 - 1)
RATE = number_option(0)
SHARE = number_option(0, 1)
