"""Sentences of an exact length: clauses, and the words that chain them."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from txlib.data.grammar import lexicon
from txlib.data.grammar.clauses import CLAUSE_SIZES, EVENT_SIZES, Setting, clause
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item, join
from txlib.data.grammar.pair import Pair, Referent
from txlib.data.grammar.pronouns import SEQUEL_SIZES, sequel
from txlib.data.grammar.reasons import MOOD_SIZES, SCENE_SIZES, mood, scene

SHORTEST, LONGEST = 3, 17  # of the groups of clauses that a sentence is chained of
SUBORDINATORS = {
    "while": ("pendant", "que"),
    "when": ("quand",),
    "if": ("si",),
    "because": ("parce", "que"),
}


def sentence(rng: Random, length: int) -> Pair:
    """A sentence of `length` English tokens, at least 4, the final "." included."""
    draft = Draft(rng)
    past = draft.chance(0.35)
    items: list[Item] = []
    rest = length - 1
    listing = False  # a comma stands for an "and" that must still come
    while True:
        last = not listing and rest <= LONGEST and (rest < 10 or draft.chance(0.5))
        size = rest if last else rng.randint(SHORTEST, min(LONGEST, rest - SHORTEST - 2))
        kind = _pick_kind(draft, size, past)
        items += kind.write(draft, size, past)
        rest -= size
        if last:
            return finish(draft, items)
        listing = not kind.closed and not listing and rest > 12 and draft.chance(0.4)
        if kind.closed or listing:
            items.append((",", draft.say(",")))
            rest -= 1
        if not listing:
            contrast = draft.chance(0.35) and "but" not in draft.english
            english, french = ("but", "mais") if contrast else ("and", "et")
            items.append((french, draft.say(english)))
            rest -= 1


def finish(draft: Draft, items: list[Item]) -> Pair:
    """The pair that `draft` and its French make, closed by a full stop."""
    joined = join([*items, (".", draft.say("."))])
    target = {positions: index for index, (_, positions) in enumerate(joined)}
    referent = None
    if draft.referents:
        pronoun, noun = draft.referents[0]
        referent = Referent(pronoun, noun, target[(pronoun,)], target[(noun,)])
    return Pair(
        tuple(draft.english),
        tuple(word for word, _ in joined),
        frozenset((t, s) for t, (_, positions) in enumerate(joined) for s in positions),
        referent,
    )


def _plain(draft: Draft, size: int, past: bool) -> list[Item]:
    return clause(draft, size, Setting(past))


def _subordinate(draft: Draft, size: int, past: bool) -> list[Item]:
    """The cat sleeps while the king sings."""
    first = draft.rng.choice([n for n in EVENT_SIZES if size - 1 - n in EVENT_SIZES])
    words = ("when",) if past else ("when", "while", "if")
    word = draft.rng.choice(words if draft.explained else (*words, "because"))
    draft.explained |= word == "because"
    setting = _setting(past)
    main = clause(draft, first, setting, happens=True)
    conjunction = _conjunction(draft, word)
    return [*main, *conjunction, *clause(draft, size - 1 - first, setting, event=True)]


def _fronted(draft: Draft, size: int, past: bool) -> list[Item]:
    """When the king sings, the cat sleeps."""
    first = draft.rng.choice([n for n in EVENT_SIZES if size - 2 - n in EVENT_SIZES])
    setting = _setting(past)
    conjunction = _conjunction(draft, "when" if past else draft.rng.choice(("when", "if", "while")))
    event = clause(draft, first, setting, event=True)
    comma = (",", draft.say(","))
    main = clause(draft, size - 2 - first, setting, happens=True)
    return [*conjunction, *event, comma, *main]


def _conjunction(draft: Draft, word: str) -> list[Item]:
    said = draft.say(word)
    return [(french, said) for french in SUBORDINATORS[word]]


def _setting(past: bool) -> Setting:
    """What can happen while, when or because something else happens."""
    return Setting(past, lexicon.MOMENTARY if past else lexicon.DEEDS)


@dataclass(frozen=True)
class Kind:
    """A group of clauses that belong together.

    Attributes:
        write: what writes it in a given number of words and tense.
        sizes: the numbers of words that it can have.
        weight: how often it is chosen, against the others.
        closed: whether a comma must close it off from what follows.
        explains: whether it gives a reason, of which a sentence has one at most.
        past: whether it has a past.
        leads: whether it begins with a conjunction, which cannot follow a comma.
    """

    write: Callable[[Draft, int, bool], list[Item]]
    sizes: range
    weight: int
    closed: bool = False
    explains: bool = False
    past: bool = True
    leads: bool = False


KINDS = (
    Kind(_plain, CLAUSE_SIZES, 3),
    Kind(_subordinate, range(7, 18), 2, closed=True),
    Kind(_fronted, range(8, 18), 1, leads=True),
    Kind(sequel, SEQUEL_SIZES, 3, past=False),
    Kind(scene, SCENE_SIZES, 6, closed=True, explains=True),
    Kind(mood, MOOD_SIZES, 1, closed=True, explains=True),
)


def _pick_kind(draft: Draft, size: int, past: bool) -> Kind:
    fitting = [
        kind
        for kind in KINDS
        if size in kind.sizes
        and not (kind.explains and draft.explained)
        and (kind.past or not past)
        and not (kind.leads and draft.english[-1:] == [","])
    ]
    kind = draft.rng.choices(fitting, [kind.weight for kind in fitting])[0]
    draft.explained |= kind.explains
    return kind
