"""Sentences of an exact length: clauses, and the words that chain them."""

from random import Random

from txlib.data.grammar import lexicon, reasons
from txlib.data.grammar.clauses import CLAUSE_SIZES, Setting, clause
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item, join
from txlib.data.grammar.pair import Pair, Referent
from txlib.data.grammar.pronouns import SEQUEL_SIZES, sequel

SHORTEST, LONGEST = CLAUSE_SIZES[0], 17
SUBORDINATORS = {
    "while": ("pendant", "que"),
    "when": ("quand",),
    "if": ("si",),
    "because": ("parce", "que"),
}
MAIN_SIZES, EVENT_SIZES = range(3, 10), range(3, 10)


def sentence(rng: Random, length: int) -> Pair:
    """A sentence of `length` English tokens, the final "." included."""
    draft = Draft(rng)
    past = draft.chance(0.35)
    items: list[Item] = []
    rest = length - 1
    listing = False
    while True:
        last = not listing and rest <= LONGEST and (rest < 10 or draft.chance(0.5))
        size = rest if last else rng.randint(SHORTEST, min(LONGEST, rest - SHORTEST - 2))
        french, closed = _group(draft, size, past)
        items += french
        rest -= size
        if last:
            return finish(draft, items)
        listing = not closed and not listing and rest > 12 and draft.chance(0.4)
        if closed or listing:
            items.append((",", draft.say(",")))
            rest -= 1
        if not listing:
            once = draft.chance(0.35) and "but" not in draft.english
            english, translation = ("but", "mais") if once else ("and", "et")
            items.append((translation, draft.say(english)))
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


def _group(draft: Draft, size: int, past: bool) -> tuple[list[Item], bool]:
    """Clauses that belong together, and whether a comma must close them off from what follows."""
    kinds = []
    if size in CLAUSE_SIZES:
        kinds += ["clause"] * 3
    if size in range(7, 20):
        kinds += ["subordinate"] * 2
    if size in range(8, 21) and draft.english[-1:] != [","]:
        kinds += ["fronted"]
    if size in SEQUEL_SIZES and not past:
        kinds += ["sequel"] * 3
    if not draft.explained and size in range(10, 17):
        kinds += ["scene"] * 6
    if not draft.explained and size in reasons.MOOD_SIZES:
        kinds += ["mood"]
    kind = draft.rng.choice(kinds)
    if kind == "clause":
        return clause(draft, size, Setting(past)), False
    if kind == "sequel":
        return sequel(draft, size), False
    if kind in ("scene", "mood"):
        draft.explained = True
        write = reasons.scene if kind == "scene" else reasons.mood
        return write(draft, size, past), True
    if kind == "fronted":
        return _fronted(draft, size, past), False
    return _subordinate(draft, size, past), True


def _subordinate(draft: Draft, size: int, past: bool) -> list[Item]:
    """The cat sleeps while the king sings."""
    first = draft.rng.choice([n for n in MAIN_SIZES if size - 1 - n in EVENT_SIZES])
    words = ["when"] if past else ["when", "while", "if"]
    word = draft.rng.choice(words if draft.explained else [*words, "because"])
    if word == "because":
        draft.explained = True
    main = clause(draft, first, _setting(past), happens=True)
    conjunction = _conjunction(draft, word)
    return [*main, *conjunction, *clause(draft, size - 1 - first, _setting(past), event=True)]


def _fronted(draft: Draft, size: int, past: bool) -> list[Item]:
    """When the king sings, the cat sleeps."""
    first = draft.rng.choice([n for n in EVENT_SIZES if size - 2 - n in MAIN_SIZES])
    word = "when" if past else draft.rng.choice(("when", "if", "while"))
    conjunction = _conjunction(draft, word)
    event = clause(draft, first, _setting(past), event=True)
    comma = (",", draft.say(","))
    return [
        *conjunction,
        *event,
        comma,
        *clause(draft, size - 2 - first, _setting(past), happens=True),
    ]


def _conjunction(draft: Draft, word: str) -> list[Item]:
    said = draft.say(word)
    return [(french, said) for french in SUBORDINATORS[word]]


def _setting(past: bool) -> Setting:
    return Setting(past, lexicon.MOMENTARY if past else lexicon.DEEDS)
