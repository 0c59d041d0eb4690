"""The words looked up by what they can do: nouns of a kind, adjectives of a noun, verbs of both."""

from collections.abc import Iterable
from functools import cache

from txlib.data.grammar.adjectives import ADJECTIVES, Adjective
from txlib.data.grammar.nouns import NOUNS, Noun
from txlib.data.grammar.verbs import INTRANSITIVES, TRANSITIVES, Verb

# the qualities that explain nothing, so that no adjective of theirs can be mistaken for a reason
NEUTRAL = frozenset({"age", "colour", "looks", "manner", "mind"})
# what one does somewhere, rather than to a thing that is somewhere
PLACEABLE = frozenset({"drink", "eat", "find", "hear", "hide", "meet", "read", "see", "write"})
# what happens at once, so that a French past tense can follow "quand"
MOMENTARY = frozenset(
    {
        "avoid",
        "buy",
        "choose",
        "close",
        "cry",
        "dance",
        "feed",
        "fly",
        "find",
        "follow",
        "greet",
        "hear",
        "help",
    }
    | {"hide", "howl", "jump", "laugh", "leave", "lose", "meet", "open", "run", "see", "sell"}
    | {"sing", "smile", "take", "tremble"}
)
ALL = frozenset(verb.english[1] for verb in (*INTRANSITIVES, *TRANSITIVES))
DEEDS = ALL - {"hate", "know", "like", "lose"}  # what can happen at some time
CHOICES = DEEDS - {"hesitate", "tremble"}  # what one can want to do
# what is so or is not: French says no "très" before it
ABSOLUTE = frozenset(
    {"black", "blue", "brown", "green", "grey", "hungry", "red", "white", "yellow"}
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
def predicates(noun: Noun, graded: bool = False) -> tuple[Adjective, ...]:
    """What can be said to be so of `noun`; if `graded`, with "very" before it."""
    fitting = [a for a in ADJECTIVES if a.tags & noun.tags and a.english != "new"]
    return tuple(a for a in fitting if not (graded and a.english in ABSOLUTE))


@cache
def adjectives(noun: Noun, precedes: bool, neutral: bool) -> tuple[Adjective, ...]:
    """The adjectives of `noun` on this side of it in French; all, or only the neutral ones."""
    fitting = [a for a in ADJECTIVES if a.tags & noun.tags and a.precedes == precedes]
    return tuple(a for a in fitting if a.quality in NEUTRAL or not neutral)


@cache
def intransitives(noun: Noun, past: bool, among: frozenset[str] = ALL) -> tuple[Verb, ...]:
    """What `noun` can do without an object, in this tense; `among` these verbs."""
    return _doable(INTRANSITIVES, noun, past, among)


@cache
def transitives(noun: Noun, past: bool, among: frozenset[str] = ALL) -> tuple[Verb, ...]:
    """What `noun` can do to something, in this tense; `among` these verbs."""
    return _doable(TRANSITIVES, noun, past, among)


@cache
def done_to(noun: Noun) -> tuple[Verb, ...]:
    """What can be done to `noun`."""
    return tuple(verb for verb in TRANSITIVES if verb.objects & noun.tags)


def _doable(
    verbs: Iterable[Verb], noun: Noun, past: bool, among: frozenset[str]
) -> tuple[Verb, ...]:
    return tuple(
        verb
        for verb in verbs
        if verb.subjects & noun.tags and (verb.past or not past) and verb.english[1] in among
    )
