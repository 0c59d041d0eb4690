"""Clauses of an exact length: who does what to whom, where and when."""

from collections.abc import Callable
from dataclasses import dataclass

from txlib.data.grammar import lexicon, places
from txlib.data.grammar.composition import Sizes, compositions
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.noun_phrases import ANIMATE, DEFINITE, OPEN, Mention
from txlib.data.grammar.relatives import full_noun_phrase
from txlib.data.grammar.verb_phrases import copula, verb_phrase

SUBJECT, OBJECT = (2, 3, 4, 5, 6, 7), (2, 3, 4, 5, 6, 7, 8)
VERB = (1, 2, 3)
TAIL = (0, 1, 2, 3, 4, 5)
CLAUSE_SIZES = tuple(range(3, 15))


def intransitive(draft: Draft, sizes: Sizes, past: bool) -> list[Item]:
    """The small cat | does not sleep | in the garden."""
    subject_size, verb_size, tail_size = sizes
    subject, french = _subject(draft, subject_size, past)
    verb = draft.pick(lexicon.intransitives(subject.noun, past))
    predicate, _ = verb_phrase(draft, verb, subject.is_plural, verb_size, past=past)
    return [*french, *predicate, *_tail(draft, tail_size, past)]


def transitive(draft: Draft, sizes: Sizes, past: bool) -> list[Item]:
    """The king | never sees | the cat that sleeps | today."""
    subject_size, verb_size, object_size, time_size = sizes
    subject, french = _subject(draft, subject_size, past)
    verb = draft.pick(lexicon.transitives(subject.noun, past))
    predicate, negated = verb_phrase(draft, verb, subject.is_plural, verb_size, past=past)
    noun = draft.pick(lexicon.nouns(verb.objects))
    opening = DEFINITE if negated else OPEN
    thing = full_noun_phrase(draft, noun, object_size, past=past, opening=opening)
    return [*french, *predicate, *thing.french, *places.time(draft, time_size, past)]


def describing(draft: Draft, sizes: Sizes, past: bool) -> list[Item]:
    """The key | is not | very | heavy."""
    subject_size, *switches = sizes
    negative, intense = map(bool, switches)
    subject, french = _subject(draft, subject_size, past, lexicon.DESCRIBED)
    finite = copula(draft, subject.is_plural, past)
    negation = draft.say("not") if negative else ()
    very = [("très", draft.say("very"))] if intense else []
    adjective = draft.pick(lexicon.predicates(subject.noun))
    form = adjective.agree(subject.gender, subject.is_plural)
    described = [*very, (form, draft.say(adjective.english))]
    if negative:
        return [*french, ("ne", negation), finite, ("pas", negation), *described]
    return [*french, finite, *described]


@dataclass(frozen=True)
class Template:
    """A kind of clause: what writes it, the sizes of its parts, the words that it always has."""

    write: Callable[[Draft, Sizes, bool], list[Item]]
    slots: tuple[Sizes, ...]
    fixed: int = 0


TEMPLATES = (
    Template(intransitive, (SUBJECT, VERB, TAIL)),
    Template(transitive, (SUBJECT, VERB, OBJECT, (0, 1, 2, 3))),
    Template(transitive, (SUBJECT, VERB, OBJECT, (0,))),
    Template(describing, (SUBJECT, (0, 1), (0, 1)), fixed=2),
)


def clause(draft: Draft, size: int, past: bool) -> list[Item]:
    """A clause of `size` English words, 3 to 14, without a pronoun."""
    template, choices = draft.rng.choice(_feasible(size))
    return template.write(draft, draft.rng.choice(choices), past)


def _feasible(size: int) -> list[tuple[Template, tuple[Sizes, ...]]]:
    found = [(t, compositions(size - t.fixed, t.slots)) for t in TEMPLATES]
    return [(template, choices) for template, choices in found if choices]


def _subject(
    draft: Draft, size: int, past: bool, tags: frozenset[str] = ANIMATE
) -> tuple[Mention, list[Item]]:
    subject = full_noun_phrase(draft, draft.pick(lexicon.nouns(tags)), size, past=past)
    return subject, subject.french


def _tail(draft: Draft, size: int, past: bool) -> list[Item]:
    if size >= 4 or (size == 3 and draft.chance(0.8)):
        return places.place(draft, size)
    return places.time(draft, size, past)
