"""Noun phrases of any length: "the cat that the king sees", "the house near the river"."""

from dataclasses import replace

from txlib.data.grammar import lexicon, places
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.noun_phrases import OPEN, Mention, noun_phrase, pick_predicate
from txlib.data.grammar.nouns import Noun
from txlib.data.grammar.verb_phrases import VerbPhrase, copula


def full_noun_phrase(
    draft: Draft, noun: Noun, size: int, *, past: bool, opening: str = OPEN
) -> Mention:
    """A noun phrase of `size` English words, 2 to 8; from 4 on, something may follow the noun.

    Args:
        draft: receives the English.
        noun: its head.
        size: English words.
        past: the tense of a relative clause.
        opening: as for `noun_phrase`.
    """
    if size < 4 or (size == 4 and not (noun.animate and draft.chance(0.25))):
        return noun_phrase(draft, noun, size, opening=opening)
    core = draft.rng.choice([n for n in (2, 3, 4) if size - n in _tails(noun, past)])
    head = noun_phrase(draft, noun, core, opening=opening)
    tail, qualities = _tail(draft, head, size - core, past)
    return replace(head, french=[*head.french, *tail], qualities=head.qualities | qualities)


def _tails(noun: Noun, past: bool) -> tuple[int, ...]:
    """How many words can follow `noun`; an object relative has no past, where French agrees."""
    if noun.animate:
        return (2, 3, 4, 5, 6)
    return (3, 4) if past else (3, 4, 5, 6)


def _tail(draft: Draft, head: Mention, size: int, past: bool) -> tuple[list[Item], frozenset[str]]:
    """What follows the noun, and the qualities that it adds."""
    nothing: frozenset[str] = frozenset()
    animate = head.noun.animate
    if animate and (size < 4 or (size == 4 and draft.chance(0.2))):
        return _acting(draft, head, size, past), nothing
    if animate and (past or draft.chance(0.5)):
        return _acting_on(draft, head, size, past), nothing
    if "place" in head.noun.tags and size < 5 and draft.chance(0.6):
        return places.place(draft, size, places.NEARBY), nothing
    if past or size < 4 or (size == 4 and draft.chance(0.2)):
        return _described(draft, head, size, past)
    return _acted_on(draft, head, size), nothing


def _acting(draft: Draft, head: Mention, size: int, past: bool) -> list[Item]:
    """Who sleeps, that never sleeps, that does not sleep."""
    pronoun = ("qui", draft.say(_who(head.noun)))
    phrase = VerbPhrase(draft, size - 1, past=past)
    verb = draft.pick(lexicon.intransitives(head.noun, past, phrase.among))
    return [pronoun, *phrase.write(verb, head.is_plural)]


def _acting_on(draft: Draft, head: Mention, size: int, past: bool) -> list[Item]:
    """That sees the cat."""
    pronoun = ("qui", draft.say(_who(head.noun)))
    verb = draft.pick(lexicon.transitives(head.noun, past))
    predicate = VerbPhrase(draft, 1, past=past).write(verb, head.is_plural)
    thing = noun_phrase(draft, draft.pick(lexicon.objects(verb)), size - 2)
    return [pronoun, *predicate, *thing.french]


def _acted_on(draft: Draft, head: Mention, size: int) -> list[Item]:
    """That the cat sees."""
    pronoun = ("que", draft.say("that"))
    verb = draft.pick(lexicon.done_to(head.noun))
    subject = noun_phrase(draft, draft.pick(lexicon.subjects(verb)), size - 2)
    predicate = VerbPhrase(draft, 1, past=False).write(verb, subject.is_plural)
    return [pronoun, *subject.french, *predicate]


def _described(
    draft: Draft, head: Mention, size: int, past: bool
) -> tuple[list[Item], frozenset[str]]:
    """That is heavy, that is very heavy."""
    pronoun = ("qui", draft.say(_who(head.noun)))
    finite = copula(draft, head.is_plural, past)
    very = [("très", draft.say("very"))] if size > 3 else []
    adjective = pick_predicate(draft, head, graded=size > 3)
    form = adjective.agree(head.gender, head.is_plural)
    french = [pronoun, finite, *very, (form, draft.say(adjective.english))]
    return french, frozenset({adjective.quality})


def _who(noun: Noun) -> str:
    return "who" if "person" in noun.tags else "that"
