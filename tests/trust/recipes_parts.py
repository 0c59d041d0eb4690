"""A small corpus, a translator and the kinds of what the recipes are given."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from kinds import Kind, is_whole, junk, made

from txlib.data.grammar import detokenize, generate, twins
from txlib.recipes.transformer_ablation import corpus_of
from txlib.recipes.translator import new_translator

CPU = torch.device("cpu")
CORPUS = corpus_of(12, 4)
TWINS = twins("test", 1)
GRAMMAR = generate("test", 2, max_length=6)
PAIRS = [(detokenize(pair.source), detokenize(pair.target)) for pair in GRAMMAR]


OPTIONS = {"d_model": 8, "num_heads": 2, "positions": "sinusoidal"}


def new(kind: str = "attention_only") -> Any:
    """A translator that has learned nothing, of 8 features."""
    return new_translator(kind, CORPUS, OPTIONS, device=CPU)


TRANSLATOR = new()


def is_in(*lawful: Any) -> Callable[[Any], bool]:
    """Whether a value is one of some objects, and not just alike."""
    return lambda value: any(value is one for one in lawful)


def only(value: Any, *spoiled: Any) -> Kind:
    """One object, among junk and other things."""
    others = [lambda x=x: x for x in spoiled]
    return made(is_in(value), lambda: value, *others)


def size(good: int, *others: int) -> Kind:
    """One whole number; others from 1 on may be answered or refused."""
    values = junk() | st.sampled_from((good, *others))
    return Kind(values, lambda v: (v == good or None) if is_whole(v, 1) else False)


def maybe_device() -> Kind:
    return made(lambda v: v is None or isinstance(v, torch.device), lambda: CPU)


def text_pairs(least: int = 0) -> Kind:
    spoiled = ([], [("a",)], [("a", 1)], ["ab"], [("a", "b", "c")], [None])
    return made(
        lambda v: v is PAIRS or (least == 0 and isinstance(v, list) and v == []),
        lambda: PAIRS,
        *(lambda x=x: x for x in spoiled),
    )


def grammar_pairs() -> Kind:
    return only(GRAMMAR, [], [None], PAIRS, [GRAMMAR])


def twin_pairs() -> Kind:
    return only(TWINS, [], [None], GRAMMAR, [(GRAMMAR[0], GRAMMAR[1])], [TWINS[0][:1]])


def texts() -> Kind:
    spoiled = ([1], ["a", None], "a", ["a", "b"], [["a"]])
    return Kind(
        junk() | st.sampled_from(spoiled),
        lambda v: isinstance(v, list) and all(isinstance(text, str) for text in v),
    )


def wholes(least: int | None = None, *good: list[int]) -> Kind:
    spoiled = ([-1], ["1"], [1.5], [True], [None], "12", *good)

    def lawful(value: Any) -> bool:
        return isinstance(value, (list, tuple)) and all(is_whole(v, least) for v in value)

    return Kind(junk() | st.sampled_from(spoiled), lawful)


def heads() -> Kind:
    spoiled = ([("encoder", 9)], [("encoder", -1)], [("other", 0)], ["encoder"], [(0, "encoder")])
    return made(
        lambda v: isinstance(v, list) and v in ([], [("encoder", 0)]),
        lambda: [("encoder", 0)],
        *(lambda x=x: x for x in spoiled),
    )


def told(call: Callable[..., Any]) -> Callable[..., Any]:
    """Count the documented "there is no such file" among the refusals."""

    @functools.wraps(call)
    def answer(*arguments: Any, **named: Any) -> Any:
        try:
            return call(*arguments, **named)
        except FileNotFoundError as error:
            raise ValueError(f"{error}, got {named}") from error

    return answer
