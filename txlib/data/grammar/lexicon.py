"""The words looked up by what they can do: nouns of a kind, adjectives of a noun, verbs of both."""

from collections.abc import Iterable
from functools import cache

from txlib.data.grammar.adjectives import ADJECTIVES, Adjective
from txlib.data.grammar.nouns import NOUNS, Noun
from txlib.data.grammar.verbs import INTRANSITIVES, TRANSITIVES, Verb

NEUTRAL = frozenset(
    [
        "beautiful",
        "big",
        "black",
        "brown",
        "famous",
        "grey",
        "modern",
        "new",
        "old",
        "pretty",
        "rich",
        "small",
        "strange",
        "white",
    ]
)
DESCRIBED = frozenset({"animal", "person", "thing", "food", "place"})
BY_NAME: dict[str, Noun] = {noun.english[0]: noun for noun in NOUNS}
ADJECTIVE: dict[str, Adjective] = {adjective.english: adjective for adjective in ADJECTIVES}


@cache
def nouns(tags: frozenset[str]) -> tuple[Noun, ...]:
    """All nouns with at least one of `tags`."""
    return tuple(noun for noun in NOUNS if noun.tags & tags)


@cache
def adjectives(noun: Noun, precedes: bool, neutral: bool) -> tuple[Adjective, ...]:
    """The adjectives that can be said of `noun` and stand on this side of it in French.

    The neutral ones (age, colour ...) explain nothing that the noun does.
    """
    return tuple(
        a
        for a in predicates(noun)
        if a.precedes == precedes and (a.english in NEUTRAL or not neutral)
    )


@cache
def predicates(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that can be said of `noun`."""
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
