"""The words looked up by what they can do: nouns of a kind, adjectives of a noun, verbs of both."""

from collections.abc import Iterable
from functools import cache

from txlib.data.grammar.adjectives import ADJECTIVES, Adjective
from txlib.data.grammar.nouns import NOUNS, Noun
from txlib.data.grammar.verbs import INTRANSITIVES, TRANSITIVES, Verb

BY_NAME: dict[str, Noun] = {noun.english[0]: noun for noun in NOUNS}
ADJECTIVE: dict[str, Adjective] = {adjective.english: adjective for adjective in ADJECTIVES}


@cache
def nouns(tags: frozenset[str]) -> tuple[Noun, ...]:
    """All nouns with at least one of `tags`."""
    return tuple(noun for noun in NOUNS if noun.tags & tags)


@cache
def adjectives(noun: Noun, precedes: bool) -> tuple[Adjective, ...]:
    """The adjectives that can be said of `noun` and stand on this side of it in French."""
    return tuple(a for a in ADJECTIVES if a.precedes == precedes and a.tags & noun.tags)


@cache
def predicates(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that can be said of `noun` after "is": those that pass no mere taste."""
    return tuple(a for a in ADJECTIVES if a.tags & noun.tags)


@cache
def intransitives(noun: Noun, past: bool) -> tuple[Verb, ...]:
    """What `noun` can do without an object, in this tense."""
    return _doable(INTRANSITIVES, noun, past)


@cache
def transitives(noun: Noun, past: bool) -> tuple[Verb, ...]:
    """What `noun` can do to something, in this tense."""
    return _doable(TRANSITIVES, noun, past)


@cache
def done_to(noun: Noun) -> tuple[Verb, ...]:
    """What can be done to `noun`."""
    return tuple(verb for verb in TRANSITIVES if verb.objects & noun.tags)


def _doable(verbs: Iterable[Verb], noun: Noun, past: bool) -> tuple[Verb, ...]:
    return tuple(v for v in verbs if v.subjects & noun.tags and (v.past or not past))
