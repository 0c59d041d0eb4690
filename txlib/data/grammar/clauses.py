"""Clauses of an exact length: who does what to whom, where and when."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from txlib.data.grammar import lexicon, places
from txlib.data.grammar.composition import Sizes, compositions
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.noun_phrases import DEFINITE, OPEN, noun_phrase, pick_predicate
from txlib.data.grammar.relatives import full_noun_phrase
from txlib.data.grammar.subjects import subject
from txlib.data.grammar.verb_phrases import VerbPhrase, copula
from txlib.data.grammar.verbs import COME, GIVING_VERBS, GO

SUBJECT, OBJECT, VERB = (2, 3, 4, 5, 6, 7), (2, 3, 4, 5, 6, 7, 8), (1, 2, 3)
TIME, PLACE = (0, 1, 2, 3), (3, 4, 5)
CLAUSE_SIZES, EVENT_SIZES = range(3, 14), range(3, 10)


@dataclass(frozen=True)
class Setting:
    """What a clause takes over from its sentence.

    Attributes:
        past: its tense.
        among: the verbs that it may use, by English base form.
    """

    past: bool
    among: frozenset[str] = lexicon.ALL

    def times(self, phrase: VerbPhrase) -> tuple[places.Time, ...]:
        """The times that suit the tense and the verb."""
        if self.past:
            return places.PAST
        return places.HABITS if phrase.habitual else places.NOW


def intransitive(draft: Draft, sizes: Sizes, setting: Setting) -> list[Item]:
    """The small cat | does not sleep | in the garden | today."""
    subject_size, verb_size, place_size, time_size = sizes
    phrase = VerbPhrase(draft, verb_size, past=setting.past, timed=time_size > 0)
    actor = subject(draft, subject_size, setting.past, opening=_opening(phrase))
    among = setting.among & phrase.among
    if place_size > 4:  # nobody swims in front of a house
        among -= {"swim"}
    verb = draft.pick(lexicon.intransitives(actor.noun, setting.past, among))
    predicate = phrase.write(verb, actor.is_plural)
    where = []
    if place_size:
        swims = verb.english[1] == "swim"
        where = places.place(draft, place_size, places.IN_WATER if swims else places.ANYWHERE)
    when = places.time(draft, time_size, setting.times(phrase))
    return [*actor.french, *predicate, *where, *when]


def transitive(draft: Draft, sizes: Sizes, setting: Setting) -> list[Item]:
    """The king | never sees | the cat that sleeps | in the garden | at night."""
    subject_size, verb_size, object_size, place_size, time_size = sizes
    phrase = VerbPhrase(draft, verb_size, past=setting.past, timed=time_size > 0)
    actor = subject(draft, subject_size, setting.past, opening=_opening(phrase))
    among = setting.among & phrase.among
    if place_size:
        among &= lexicon.PLACEABLE
    verb = draft.pick(lexicon.transitives(actor.noun, setting.past, among))
    predicate = phrase.write(verb, actor.is_plural)
    nouns = lexicon.objects(verb)
    if place_size:  # a place is nowhere else
        nouns = [noun for noun in nouns if "place" not in noun.tags]
    noun = draft.pick(nouns)
    thing = full_noun_phrase(draft, noun, object_size, past=setting.past, opening=_opening(phrase))
    where = places.place(draft, place_size) if place_size else []
    when = places.time(draft, time_size, setting.times(phrase))
    return [*actor.french, *predicate, *thing.french, *where, *when]


def giving(draft: Draft, sizes: Sizes, setting: Setting) -> list[Item]:
    """The girl | gives | the apple | to | the boy, or: gives the boy the apple."""
    subject_size, verb_size, object_size, receiver_size, time_size, to = sizes
    phrase = VerbPhrase(draft, verb_size, past=setting.past, timed=time_size > 0)
    opening = _opening(phrase)
    people = lexicon.nouns("person")
    actor = subject(draft, subject_size, setting.past, opening=opening, nouns=people)
    verb = draft.pick(GIVING_VERBS)
    predicate = phrase.write(verb, actor.is_plural)
    noun = draft.pick(lexicon.objects(verb))
    receiver_noun = draft.pick(people)
    if to:
        thing = noun_phrase(draft, noun, object_size, opening=opening)
        preposition = draft.say("to")
        receiver = noun_phrase(draft, receiver_noun, receiver_size, opening=opening)
    else:
        receiver = noun_phrase(draft, receiver_noun, receiver_size, opening=opening)
        preposition = (receiver.position,)
        thing = noun_phrase(draft, noun, object_size, opening=opening)
    when = places.time(draft, time_size, setting.times(phrase))
    return [*actor.french, *predicate, *thing.french, ("à", preposition), *receiver.french, *when]


def going(draft: Draft, sizes: Sizes, setting: Setting) -> list[Item]:
    """The queen | goes | to the market | every day; comes | from the forest."""
    subject_size, verb_size, place_size, time_size = sizes
    phrase = VerbPhrase(draft, verb_size, past=False, timed=time_size > 0)
    actor = subject(draft, subject_size, False, opening=_opening(phrase))
    coming = not phrase.is_infinitive and draft.chance(0.5)
    verb, english, french = (COME, "from", "de") if coming else (GO, "to", "à")
    predicate = phrase.write(verb, actor.is_plural)
    preposition = (french, draft.say(english))
    noun = draft.pick(lexicon.objects(verb))
    where = noun_phrase(draft, noun, place_size, opening=DEFINITE, is_plural=False)
    when = places.time(draft, time_size, setting.times(phrase))
    return [*actor.french, *predicate, preposition, *where.french, *when]


def describing(draft: Draft, sizes: Sizes, setting: Setting) -> list[Item]:
    """The key | is not | very | heavy."""
    subject_size, negative, intense = sizes
    kind = draft.rng.choice(("animal", "person", "thing", "thing", "food", "place"))
    nouns = lexicon.nouns(kind)
    actor = subject(draft, subject_size, setting.past, opening=DEFINITE, nouns=nouns)
    finite = copula(draft, actor.is_plural, setting.past)
    negation = draft.say("not") if negative else ()
    very = [("très", draft.say("very"))] if intense else []
    adjective = pick_predicate(draft, actor, graded=bool(intense))
    form = adjective.agree(actor.gender, actor.is_plural)
    described = [*very, (form, draft.say(adjective.english))]
    if negative:
        return [*actor.french, ("ne", negation), finite, ("pas", negation), *described]
    return [*actor.french, finite, *described]


@dataclass(frozen=True)
class Template:
    """A kind of clause.

    Attributes:
        write: what writes it, given the sizes of its parts.
        slots: the sizes that each part may have.
        fixed: the words that it has besides.
        event: whether it is for what follows "when" and its like: short, and affirmed.
        past: whether it has a past.
        happens: whether it tells what happens, not how things are.
    """

    write: Callable[[Draft, Sizes, Setting], list[Item]]
    slots: tuple[Sizes, ...]
    fixed: int = 0
    event: bool = False
    past: bool = True
    happens: bool = True


NONE, ONE = (0,), (1,)
TEMPLATES = (
    Template(intransitive, (SUBJECT, VERB, NONE, TIME)),
    Template(intransitive, (SUBJECT, VERB, PLACE, NONE)),
    Template(transitive, (SUBJECT, VERB, OBJECT, NONE, TIME)),
    Template(transitive, (SUBJECT, VERB, OBJECT, NONE, NONE)),
    Template(transitive, ((2, 3, 4), (1, 2, 3), (2, 3, 4), PLACE, (0, 1))),
    Template(giving, ((2, 3, 4, 5), VERB, (2, 3, 4), (2, 3), TIME, (0, 1))),
    Template(going, ((2, 3, 4, 5), VERB, (2, 3), TIME), fixed=1, past=False),
    Template(describing, (SUBJECT, (0, 1), (0, 1)), fixed=2, happens=False),
    Template(intransitive, ((2, 3, 4, 5), ONE, (0, 3), NONE), event=True),
    Template(transitive, ((2, 3, 4, 5), ONE, (2, 3, 4, 5), NONE, NONE), event=True),
)


def clause(
    draft: Draft, size: int, setting: Setting, *, event: bool = False, happens: bool = False
) -> list[Item]:
    """A clause of `size` English words, 3 to 13, without a pronoun.

    Args:
        draft: receives the English.
        size: English words; at most 9 for an event.
        setting: its tense and its verbs.
        event: whether it must affirm that something happens.
        happens: whether it must tell what happens, affirmed or denied.
    """
    template, choices = draft.rng.choice(_feasible(size, setting.past, event, happens))
    return template.write(draft, draft.rng.choice(choices), setting)


@cache
def _feasible(
    size: int, past: bool, event: bool, happens: bool
) -> tuple[tuple[Template, tuple[Sizes, ...]], ...]:
    fitting = [
        t
        for t in TEMPLATES
        if t.event == event and (t.past or not past) and (t.happens or not happens)
    ]
    found = [(t, compositions(size - t.fixed, t.slots)) for t in fitting]
    return tuple((template, choices) for template, choices in found if choices)


def _opening(phrase: VerbPhrase) -> str:
    return DEFINITE if phrase.negated else OPEN
