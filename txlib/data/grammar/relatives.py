"""Noun phrases that may carry a relative clause: "the cat that the king sees"."""

from dataclasses import replace

from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.noun_phrases import OPEN, PERSON, Mention, noun_phrase
from txlib.data.grammar.nouns import Noun
from txlib.data.grammar.verb_phrases import copula, verb_phrase


def full_noun_phrase(
    draft: Draft, noun: Noun, size: int, *, past: bool, opening: str = OPEN
) -> Mention:
    """A noun phrase of `size` English words, 2 to 10, with a relative clause if it is long.

    Args:
        draft: receives the English.
        noun: its head.
        size: English words; up to 4 without, from 5 with a relative clause.
        past: the tense of the relative clause.
        opening: as for `noun_phrase`.
    """
    if size < 5:
        return noun_phrase(draft, noun, size, opening=opening)
    core = draft.rng.choice([n for n in (2, 3, 4) if 3 <= size - n <= 6])
    head = noun_phrase(draft, noun, core, opening=opening)
    return replace(head, french=[*head.french, *_relative(draft, head, size - core, past)])


def _relative(draft: Draft, head: Mention, size: int, past: bool) -> list[Item]:
    """A relative clause of 3 to 6 English words."""
    active = lexicon.transitives(head.noun, past)
    passive = () if past else lexicon.done_to(head.noun)
    if size == 3 or not (active or passive):
        return _described(draft, head, size, past)
    if active and (not passive or draft.chance(0.5)):
        pronoun = ("qui", draft.say(_who(head.noun)))
        verb = draft.pick(active)
        predicate, _ = verb_phrase(draft, verb, head.is_plural, 1, past=past)
        thing = noun_phrase(draft, draft.pick(lexicon.nouns(verb.objects)), size - 2)
        return [pronoun, *predicate, *thing.french]
    pronoun = ("que", draft.say("that"))
    verb = draft.pick(passive)
    subject = noun_phrase(draft, draft.pick(lexicon.nouns(verb.subjects)), size - 2)
    predicate, _ = verb_phrase(draft, verb, subject.is_plural, 1)
    return [pronoun, *subject.french, *predicate]


def _described(draft: Draft, head: Mention, size: int, past: bool) -> list[Item]:
    pronoun = ("qui", draft.say(_who(head.noun)))
    finite = copula(draft, head.is_plural, past)
    very = [("très", draft.say("very"))] if size > 3 else []
    adjective = draft.pick(lexicon.predicates(head.noun))
    form = adjective.agree(head.gender, head.is_plural)
    return [pronoun, finite, *very, (form, draft.say(adjective.english))]


def _who(noun: Noun) -> str:
    return "who" if noun.tags & PERSON else "that"
