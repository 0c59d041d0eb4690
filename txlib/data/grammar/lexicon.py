"""The words looked up by what they can do: nouns of a kind, adjectives of a noun, verbs of both."""

from collections.abc import Iterable
from functools import cache

from txlib.data.grammar.adjectives import ADJECTIVES, Adjective
from txlib.data.grammar.nouns import NOUNS, Noun
from txlib.data.grammar.verbs import INTRANSITIVES, TRANSITIVES, Verb

# what explains nothing that its noun does, so that it cannot be mistaken for a reason
NEUTRAL = frozenset({"beautiful", "black", "brown", "grey", "new", "old", "pretty", "white"})
# what one does somewhere, rather than to a thing that is somewhere
PLACEABLE = frozenset({"drink", "eat", "find", "hear", "hide", "meet", "read", "see", "write"})
# what happens at once, so that a French past tense can follow "quand"
MOMENTARY = frozenset(
    {"avoid", "buy", "choose", "close", "cry", "feed", "find", "follow", "greet", "hear", "help"}
    | {"hesitate", "hide", "howl", "jump", "laugh", "leave", "lose", "meet", "open", "run", "see"}
    | {"sell", "smile", "take", "tremble"}
)
NOUN: dict[str, Noun] = {noun.english[0]: noun for noun in NOUNS}
ADJECTIVE: dict[str, Adjective] = {adjective.english: adjective for adjective in ADJECTIVES}


@cache
def nouns(*tags: str) -> tuple[Noun, ...]:
    """All nouns with at least one of `tags`."""
    return tuple(noun for noun in NOUNS if noun.tags.intersection(tags))


@cache
def subjects(verb: Verb) -> tuple[Noun, ...]:
    """The nouns that can do it."""
    return nouns(*sorted(verb.subjects))


@cache
def objects(verb: Verb) -> tuple[Noun, ...]:
    """The nouns that it can be done to."""
    return nouns(*sorted(verb.objects))


@cache
def predicates(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that can be said of `noun`."""
    return tuple(a for a in ADJECTIVES if a.tags & noun.tags)


@cache
def adjectives(noun: Noun, precedes: bool, neutral: bool) -> tuple[Adjective, ...]:
    """The adjectives of `noun` on this side of it in French; all, or only the neutral ones."""
    fitting = [a for a in predicates(noun) if a.precedes == precedes]
    return tuple(a for a in fitting if a.english in NEUTRAL or not neutral)


@cache
def intransitives(noun: Noun, past: bool, among: frozenset[str] | None = None) -> tuple[Verb, ...]:
    """What `noun` can do without an object, in this tense; `among` these verbs, if given."""
    return _doable(INTRANSITIVES, noun, past, among)


@cache
def transitives(noun: Noun, past: bool, among: frozenset[str] | None = None) -> tuple[Verb, ...]:
    """What `noun` can do to something, in this tense; `among` these verbs, if given."""
    return _doable(TRANSITIVES, noun, past, among)


@cache
def done_to(noun: Noun) -> tuple[Verb, ...]:
    """What can be done to `noun`."""
    return tuple(verb for verb in TRANSITIVES if verb.objects & noun.tags)


def _doable(
    verbs: Iterable[Verb], noun: Noun, past: bool, among: frozenset[str] | None
) -> tuple[Verb, ...]:
    return tuple(
        verb
        for verb in verbs
        if verb.subjects & noun.tags
        and (verb.past or not past)
        and (among is None or verb.english[1] in among)
    )
