"""Checks for the book's exercises: they say what an answer does, not only that it is wrong."""

from txlib.exercises.registry import check, exercises
from txlib.exercises.verdict import Verdict

__all__ = ["Verdict", "check", "exercises"]
