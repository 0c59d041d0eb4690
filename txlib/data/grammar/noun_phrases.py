"""Noun phrases of an exact length: article, adjectives on both sides of the noun, owner."""

from dataclasses import dataclass

from txlib.data.grammar import lexicon
from txlib.data.grammar.adjectives import Adjective
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.english import indefinite
from txlib.data.grammar.french import Item
from txlib.data.grammar.nouns import Noun

OWNED = frozenset({"animal", "thing", "food", "house", "castle", "garden", "field"})
THE = {"m": ("le", "les"), "f": ("la", "les")}
THIS = {"m": ("ce", "ces"), "f": ("cette", "ces")}
A = {"m": "un", "f": "une"}
OPEN, DEFINITE, ONLY_THE = "open", "definite", "only the"  # which determiners may begin a phrase
NUMERALS = (("two", "deux"), ("three", "trois"), ("four", "quatre"))


@dataclass(frozen=True)
class Mention:
    """A noun phrase that has been written, and what the rest of the sentence must know of it.

    Attributes:
        french: its French, not yet joined.
        noun: the noun whose tags decide what it can do.
        gender: "m" or "f".
        is_plural: its number.
        position: the English position of the noun.
        qualities: what its adjectives tell of.
    """

    french: list[Item]
    noun: Noun
    gender: str
    is_plural: bool
    position: int
    qualities: frozenset[str] = frozenset()


def noun_phrase(
    draft: Draft,
    noun: Noun,
    size: int,
    *,
    opening: str = OPEN,
    is_plural: bool | None = None,
    neutral: bool = False,
    avoided: str = "",
) -> Mention:
    """A noun phrase of `size` English words, 2 to 4: "the cat", "this small black cat".

    Args:
        draft: receives the English.
        noun: its head.
        size: English words.
        opening: OPEN to every determiner; DEFINITE, "the" or "this", as under a negation, where
            French would turn "un" into "de"; ONLY_THE.
        is_plural: its number; None leaves it to chance.
        neutral: whether its adjectives must be such that they give no reason for anything.
        avoided: a quality that no adjective of it may tell of.

    Returns:
        The phrase; its French puts each adjective on its own side, and an owner last.
    """
    if is_plural is None:
        is_plural = noun.countable and draft.chance(0.3)
    owned = (
        size == 4
        and opening != ONLY_THE
        and not neutral
        and bool(noun.tags & OWNED)
        and draft.chance(0.4)
    )
    adjectives = [] if owned else _adjectives(draft, noun, size - 2, neutral, avoided)
    first = adjectives[0].english if adjectives else noun.english[is_plural]
    if owned:
        determiner, owner = _owner(draft, noun, is_plural)
    else:
        determiner, owner = _determiner(draft, noun, is_plural, opening, first), []
    spoken = [(adjective, draft.say(adjective.english)) for adjective in adjectives]
    position = draft.say(noun.english[is_plural])
    word = noun.french[is_plural]
    before = [
        (adjective.agree_before(word, noun.gender, is_plural), positions)
        for adjective, positions in spoken
        if adjective.precedes
    ]
    after = [
        (adjective.agree(noun.gender, is_plural), positions)
        for adjective, positions in spoken
        if not adjective.precedes
    ]
    french = [determiner, *before, (word, position), *after, *owner]
    qualities = frozenset(adjective.quality for adjective in adjectives)
    return Mention(french, noun, noun.gender, is_plural, position[0], qualities)


def pick_predicate(draft: Draft, mention: Mention, graded: bool) -> Adjective:
    """What can be said of `mention` without contradicting what it says itself."""
    options = lexicon.predicates(mention.noun, graded)
    return draft.pick([a for a in options if a.quality not in mention.qualities] or options)


def _adjectives(
    draft: Draft, noun: Noun, count: int, neutral: bool, avoided: str
) -> list[Adjective]:
    """0, 1 or 2 adjectives in English order; of two, the first precedes the French noun."""
    if count == 0:
        return []
    before = lexicon.adjectives(noun, True, neutral)
    after = lexicon.adjectives(noun, False, neutral)
    if count == 1:
        return [draft.pick([a for a in before + after if a.quality != avoided])]
    first = draft.pick([a for a in before if a.quality != avoided])
    return [first, draft.pick([a for a in after if a.quality not in (avoided, first.quality)])]


def _determiner(draft: Draft, noun: Noun, is_plural: bool, opening: str, following: str) -> Item:
    free = noun.countable and opening == OPEN
    if opening == ONLY_THE or draft.chance(0.7 if free else 0.85):
        return THE[noun.gender][is_plural], draft.say("the")
    if not free or draft.chance(0.35) or (is_plural and "place" in noun.tags):
        return THIS[noun.gender][is_plural], draft.say("these" if is_plural else "this")
    if is_plural:
        english, french = draft.rng.choice(NUMERALS)
        return french, draft.say(english)
    return A[noun.gender], draft.say(indefinite(following))


def _owner(draft: Draft, noun: Noun, is_plural: bool) -> tuple[Item, list[Item]]:
    """The article of an owned noun, which English leaves to "'s", and "of the owner"."""
    owner = draft.pick(lexicon.nouns("person"))
    the, name, mark = draft.say("the", owner.english[0], "'s")
    article = (THE[noun.gender][is_plural], (mark,))
    owner_article = (THE[owner.gender][0], (the,))
    return article, [("de", (mark,)), owner_article, (owner.french[0], (name,))]
