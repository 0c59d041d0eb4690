"""Where and when: the phrases that close a clause, of an exact length."""

from collections.abc import Sequence

from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.noun_phrases import DEFINITE, ONLY_THE, OPEN, noun_phrase

Preposition = tuple[str, tuple[str, ...], tuple[str, ...]]  # English, French, tags of the places
Time = tuple[str, tuple[tuple[str, tuple[int, ...]], ...]]  # English, French with English words

NEARBY: tuple[Preposition, ...] = (
    ("near", ("près", "de"), ("place", "tree")),
    ("behind", ("derrière",), ("building", "tree", "hill")),
    ("in front of", ("devant",), ("building",)),
)
ANYWHERE: tuple[Preposition, ...] = (
    ("in", ("dans",), ("in",)),
    ("at", ("à",), ("at",)),
    ("on", ("sur",), ("on",)),
    ("under", ("sous",), ("tree", "table", "bridge")),
    ("near", ("près", "de"), ("place", "tree", "door", "window", "table")),
    ("behind", ("derrière",), ("building", "tree", "door", "hill")),
    ("in front of", ("devant",), ("building", "door", "window")),
)
IN_WATER: tuple[Preposition, ...] = (("in", ("dans",), ("wet",)),)
ALWAYS: tuple[Time, ...] = (
    ("today", (("aujourd'hui", (0,)),)),
    ("in the morning", (("le", (0, 1)), ("matin", (2,)))),
    ("in the evening", (("le", (0, 1)), ("soir", (2,)))),
    ("in the afternoon", (("le", (0, 1)), ("après-midi", (2,)))),
)
NOW: tuple[Time, ...] = (
    *ALWAYS,
    ("now", (("maintenant", (0,)),)),
    ("at night", (("la", (0,)), ("nuit", (1,)))),
)
HABITS: tuple[Time, ...] = (
    *NOW,
    ("every day", (("chaque", (0,)), ("jour", (1,)))),
    ("every summer", (("chaque", (0,)), ("été", (1,)))),
    ("every winter", (("chaque", (0,)), ("hiver", (1,)))),
)
RECENT: tuple[Time, ...] = (
    *ALWAYS,
    ("yesterday", (("hier", (0,)),)),
    ("last night", (("hier", (0,)), ("soir", (1,)))),
    ("last week", (("la", (0,)), ("semaine", (1,)), ("dernière", (0,)))),
)
PAST: tuple[Time, ...] = (
    *RECENT,
    ("last summer", (("le", (0,)), ("été", (1,)), ("dernier", (0,)))),
)


def time(draft: Draft, size: int, times: Sequence[Time]) -> list[Item]:
    """One of `times` that has `size` English words; nothing if `size` is 0."""
    if size == 0:
        return []
    options = [entry for entry in times if entry[0].count(" ") + 1 == size]
    english, french = draft.pick_evenly(options)
    positions = draft.say(*english.split())
    return [(word, tuple(positions[i] for i in sources)) for word, sources in french]


def place(draft: Draft, size: int, prepositions: Sequence[Preposition] = ANYWHERE) -> list[Item]:
    """A place of `size` English words, 3 to 6: "in the garden", "in front of the old house"."""
    options = [entry for entry in prepositions if 2 <= size - _length(entry) <= 3]
    preposition = draft.rng.choice(options)
    english, french, tags = preposition
    said = draft.say(*english.split())
    fixed = english == "at"
    is_plural = not fixed and draft.chance(0.15)
    mention = noun_phrase(
        draft,
        draft.pick(lexicon.nouns(*tags)),
        size - _length(preposition),
        opening=ONLY_THE if fixed else DEFINITE if is_plural else OPEN,
        is_plural=is_plural,
    )
    return [*((word, said) for word in french), *mention.french]


def _length(preposition: Preposition) -> int:
    return preposition[0].count(" ") + 1
