"""Because it was too ...: clauses whose pronoun is decided by what the reason can be said of."""

from collections.abc import Iterable
from functools import cache

from txlib.data.grammar import lexicon, places
from txlib.data.grammar.adjectives import Adjective
from txlib.data.grammar.composition import Sizes, compositions
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.noun_phrases import ONLY_THE, Mention, noun_phrase
from txlib.data.grammar.nouns import Noun
from txlib.data.grammar.plots import MOODS, NOT, REFUSALS, SCENES, YES
from txlib.data.grammar.pronouns import subject_pronoun
from txlib.data.grammar.subjects import subject
from txlib.data.grammar.verb_phrases import VerbPhrase, copula
from txlib.data.grammar.verbs import VERB, Verb

REASON = len(("because", "it", "was", "too", "tired"))
ACTOR, GROUND, TIME = (2, 3, 4), (2, 3), (0, 1, 2, 3)
VERB_SCENE_SIZES = {YES: range(10, 16), NOT: range(12, 17)}  # what every scene can reach
SCENE_SIZES = range(10, 17)
MOOD_SLOTS = ((2, 3, 4, 5, 6), TIME)
MOOD_SIZES = range(8, 17)


def scene(draft: Draft, size: int, past: bool) -> list[Item]:
    """An actor, an object and a reason, in `size` English words, 10 to 16.

    The gender of the actor, that of the object, and which of the two the pronoun means are three
    independent fair coins, so that among animals nothing but the reason tells.
    """
    rng = draft.rng
    plot = rng.choice([plot for plot in SCENES if size in VERB_SCENE_SIZES[plot.verb_size]])
    actor = draft.pick(_of_one_gender(draft, lexicon.nouns(rng.choice(plot.actors))))
    ground = draft.pick(_of_one_gender(draft, [lexicon.NOUN[name] for name in plot.grounds]))
    about_actor = draft.chance(0.5)
    reasons = plot.own if about_actor else plot.grounds[ground.english[0]]
    reason = lexicon.ADJECTIVE[rng.choice(reasons)]
    slots = (neutral_sizes(actor, ACTOR), neutral_sizes(ground, GROUND), TIME)
    sizes = rng.choice(compositions(size - plot.verb_size - REASON, slots))
    verb = VERB[plot.verb]
    negative = plot.verb_size == NOT
    return write_scene(draft, actor, verb, negative, ground, reason, about_actor, sizes, past)


def write_scene(
    draft: Draft,
    actor: Noun,
    verb: Verb,
    negative: bool,
    ground: Noun,
    reason: Adjective,
    about_actor: bool,
    sizes: Sizes,
    past: bool,
) -> list[Item]:
    """The scene with every choice made; `sizes` are those of the actor, the object, the time."""
    actor_size, ground_size, time_size = sizes
    predicate = VerbPhrase(draft, NOT if negative else YES, past=past, negative=negative)
    who = _plain_phrase(draft, actor, actor_size, reason if about_actor else None)
    does = predicate.write(verb, False)
    what = _plain_phrase(draft, ground, ground_size, None if about_actor else reason)
    when = places.time(draft, time_size, places.RECENT if past else places.NOW)
    why = _reason(draft, who if about_actor else what, reason, "too", past)
    return [*who.french, *does, *what.french, *when, *why]


def mood(draft: Draft, size: int, past: bool) -> list[Item]:
    """The boy cries because he is very sad: a reason of one's own, in 8 to 16 words."""
    found = {words: compositions(size - words - REASON, MOOD_SLOTS) for words in (YES, NOT)}
    verb_size = draft.rng.choice([words for words in found if found[words]])
    sizes = draft.rng.choice(found[verb_size])
    negative = verb_size == NOT
    table = REFUSALS if negative else MOODS
    verb = draft.pick_evenly([VERB[word] for word in table])
    predicate = VerbPhrase(draft, verb_size, past=past, negative=negative)
    who = subject(draft, sizes[0], past, opening=ONLY_THE, nouns=lexicon.subjects(verb))
    does = predicate.write(verb, who.is_plural)
    when = places.time(draft, sizes[1], places.RECENT if past else places.NOW)
    reasons = [lexicon.ADJECTIVE[reason] for reason in table[verb.english[1]]]
    fitting = [reason for reason in reasons if reason.tags & who.noun.tags]
    fresh = [reason for reason in fitting if reason.quality not in who.qualities]
    reason = draft.pick_evenly(fresh or fitting)
    why = _reason(draft, who, reason, "too" if negative else "very", past)
    return [*who.french, *does, *when, *why]


def _reason(draft: Draft, named: Mention, reason: Adjective, degree: str, past: bool) -> list[Item]:
    english, french = subject_pronoun(named)
    because, pronoun = draft.say("because", english)
    if english == "it":
        draft.referents.append((pronoun, named.position))
    finite = copula(draft, named.is_plural, past)
    adverb = ({"too": "trop", "very": "très"}[degree], draft.say(degree))
    form = reason.agree(named.gender, named.is_plural)
    adjective = (form, draft.say(reason.english))
    conjunction = [("parce", (because,)), ("que", (because,))]
    return [*conjunction, (french, (pronoun,)), finite, adverb, adjective]


def _plain_phrase(draft: Draft, noun: Noun, size: int, reason: Adjective | None) -> Mention:
    """The noun with "the" and adjectives that give no reason and do not contradict its own."""
    return noun_phrase(
        draft,
        noun,
        size,
        opening=ONLY_THE,
        is_plural=False,
        neutral=True,
        avoided=reason.quality if reason else "",
    )


def _of_one_gender(draft: Draft, nouns: Iterable[Noun]) -> list[Noun]:
    gender = draft.rng.choice("mf")
    return [noun for noun in nouns if noun.gender == gender]


@cache
def neutral_sizes(noun: Noun, sizes: Sizes) -> Sizes:
    """Those of `sizes` for which `noun` has enough neutral adjectives."""
    sides = [bool(lexicon.adjectives(noun, side, True)) for side in (True, False)]
    return tuple(size for size in sizes if size - 2 <= sum(sides))
