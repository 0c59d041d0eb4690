"""Sentences of an exact length: clauses, and the words that chain them."""

from random import Random

from txlib.data.grammar.clauses import CLAUSE_SIZES, clause
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item, join
from txlib.data.grammar.pair import Pair, Referent
from txlib.data.grammar.scenes import SCENE_SIZES, scene

SHORTEST, LONGEST = CLAUSE_SIZES[0], SCENE_SIZES[-1]
SUBORDINATORS = {
    "while": ("pendant", "que"),
    "when": ("quand",),
    "because": ("parce", "que"),
}


def sentence(rng: Random, length: int) -> Pair:
    """A sentence of `length` English tokens, the final "." included."""
    draft = Draft(rng)
    past = draft.chance(0.35)
    items: list[Item] = []
    rest = length - 1
    while True:
        last = rest <= LONGEST and (rest <= 2 * SHORTEST + 2 or draft.chance(0.5))
        size = rest if last else rng.randint(SHORTEST, min(LONGEST, rest - SHORTEST - 2))
        french, heavy = _group(draft, size, past)
        items += french
        if last:
            break
        if heavy:
            items.append((",", draft.say(",")))
        word, translation = ("but", "mais") if draft.chance(0.25) else ("and", "et")
        items.append((translation, draft.say(word)))
        rest -= size + 1 + heavy
    return finish(draft, items)


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
    """Clauses that belong together, and whether they end in a subordinate clause."""
    if size in SCENE_SIZES and not draft.referents and draft.chance(0.5):
        return scene(draft, size, past), True
    if size >= 2 * SHORTEST + 1 and (size > CLAUSE_SIZES[-1] or draft.chance(0.4)):
        return _subordinate(draft, size, past), True
    return clause(draft, size, past), False


def _subordinate(draft: Draft, size: int, past: bool) -> list[Item]:
    first = draft.rng.choice([n for n in CLAUSE_SIZES if size - 1 - n in CLAUSE_SIZES])
    main = clause(draft, first, past)
    english = draft.rng.choice([word for word in SUBORDINATORS if not (past and word == "while")])
    said = draft.say(english)
    return [
        *main,
        *((word, said) for word in SUBORDINATORS[english]),
        *clause(draft, size - 1 - first, past),
    ]
