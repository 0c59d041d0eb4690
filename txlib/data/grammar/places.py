"""Where and when: the phrases that close a clause, of an exact length."""

from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.noun_phrases import ONLY_THE, OPEN, noun_phrase

# English, French, the tags of the places it is said of
PREPOSITIONS = (
    (("in",), ("dans",), frozenset({"in"})),
    (("at",), ("à",), frozenset({"at"})),
    (("on",), ("sur",), frozenset({"on"})),
    (("under",), ("sous",), frozenset({"tree", "table", "bridge"})),
    (("near",), ("près", "de"), frozenset({"place", "tree", "door", "window"})),
    (("behind",), ("derrière",), frozenset({"building", "tree", "door", "hill"})),
    (("in", "front", "of"), ("devant",), frozenset({"building", "door", "window"})),
)
# English, and its French as (word, English words that it translates, counted from 0)
ALWAYS = (
    ("today", (("aujourd'hui", (0,)),)),
    ("here", (("ici", (0,)),)),
    ("in the morning", (("le", (0, 1)), ("matin", (2,)))),
    ("in the evening", (("le", (0, 1)), ("soir", (2,)))),
    ("in the afternoon", (("le", (0, 1)), ("après-midi", (2,)))),
)
PRESENT = (
    *ALWAYS,
    ("now", (("maintenant", (0,)),)),
    ("every day", (("chaque", (0,)), ("jour", (1,)))),
    ("every morning", (("chaque", (0,)), ("matin", (1,)))),
    ("every summer", (("chaque", (0,)), ("été", (1,)))),
    ("every winter", (("chaque", (0,)), ("hiver", (1,)))),
    ("at night", (("la", (0,)), ("nuit", (1,)))),
)
PAST = (
    *ALWAYS,
    ("yesterday", (("hier", (0,)),)),
    ("last night", (("hier", (0,)), ("soir", (1,)))),
    ("last week", (("la", (0,)), ("semaine", (1,)), ("dernière", (0,)))),
    ("last summer", (("le", (0,)), ("été", (1,)), ("dernier", (0,)))),
    ("last winter", (("le", (0,)), ("hiver", (1,)), ("dernier", (0,)))),
)
TIME_SIZES, PLACE_SIZES = (0, 1, 2, 3), (3, 4, 5)


def time(draft: Draft, size: int, past: bool) -> list[Item]:
    """A time of `size` English words, 0 to 3, that suits the tense."""
    if size == 0:
        return []
    options = [entry for entry in (PAST if past else PRESENT) if entry[0].count(" ") + 1 == size]
    english, french = draft.rng.choice(options)
    positions = draft.say(*english.split())
    return [(word, tuple(positions[i] for i in sources)) for word, sources in french]


def place(draft: Draft, size: int) -> list[Item]:
    """A place of `size` English words, 3 to 5: "in the garden", "in front of the house"."""
    english, french, tags = draft.rng.choice(
        [entry for entry in PREPOSITIONS if 2 <= size - len(entry[0]) <= 3]
    )
    said = draft.say(*english)
    fixed = english == ("at",)
    noun = draft.pick(lexicon.nouns(tags))
    mention = noun_phrase(
        draft,
        noun,
        size - len(english),
        opening=ONLY_THE if fixed else OPEN,
        is_plural=False if fixed or draft.chance(0.8) else None,
    )
    return [*((word, said) for word in french), *mention.french]
