import contextlib
from collections.abc import Sequence
from random import Random

import pytest

from txlib.data.grammar import SPLITS, generate
from txlib.data.grammar.adjectives import Adjective
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.nouns import Noun
from txlib.data.grammar.sentences import sentence
from txlib.data.grammar.verbs import Verb

SHARES = (8800, 400, 400, 400)
PATIENCE = 300_000


class Guided(Random):
    """Chance that, wherever words are chosen, chooses among those of one wanted sentence."""

    def __init__(self, seed: int, wanted: Sequence[str]):
        super().__init__(seed)
        self.wanted = set(wanted)

    def choice(self, options):
        fitting = [o for o in options if any(self.wanted.issuperset(w) for w in phrases(o))]
        return super().choice(fitting or options)


def phrases(option) -> list[list[str]]:
    """The English phrases that a choice of `option` may put into a sentence."""
    if isinstance(option, Noun):
        return [[word] for word in option.english]
    if isinstance(option, Verb):
        return [[word] for word in (*option.english, option.past) if word]
    if isinstance(option, Adjective | str):
        return [(option if isinstance(option, str) else option.english).split()]
    first = option[0] if isinstance(option, tuple) and option else None
    if isinstance(first, str):
        return [first.split()]
    if isinstance(first, tuple) and first and isinstance(first[0], str):
        return [[word] for word in first]
    return []


class Astray(Exception):
    """The sentence being written is not the wanted one."""


def search(source: Sequence[str], monkeypatch: pytest.MonkeyPatch):
    """The pair of an English sentence, found by letting the grammar write until it comes."""

    def say(draft, *words):
        start = len(draft.english)
        draft.english.extend(words)
        if tuple(source[start : len(draft.english)]) != words:
            raise Astray
        return tuple(range(start, len(draft.english)))

    monkeypatch.setattr(Draft, "say", say)
    monkeypatch.setattr(Draft, "_early", lambda draft, options: draft.rng.choice(options))
    rng = Guided(0, source)
    for _ in range(PATIENCE):
        with contextlib.suppress(Astray):
            return sentence(rng, len(source))
    raise AssertionError(f"the grammar does not write {' '.join(source)!r}")


@pytest.fixture
def write(monkeypatch):
    return lambda text: search(text.split(), monkeypatch)


@pytest.fixture(scope="session")
def corpus():
    """10 000 pairs: (split, pair)."""
    return [
        (split, pair)
        for split, size in zip(SPLITS, SHARES, strict=True)
        for pair in generate(split, size, seed=8)
    ]
