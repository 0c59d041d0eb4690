"""Pronouns: the forms that stand for a mention, and the clauses in which one moves."""

from txlib.data.grammar import lexicon, places
from txlib.data.grammar.composition import compositions
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.noun_phrases import DEFINITE, OPEN, Mention, noun_phrase
from txlib.data.grammar.nouns import Noun
from txlib.data.grammar.subjects import subject
from txlib.data.grammar.verb_phrases import VerbPhrase
from txlib.data.grammar.verbs import TRANSITIVES, VERB, Verb

# what one does first, and what one may do next to the same thing
SEQUELS: dict[str, tuple[str, ...]] = {
    "build": ("clean", "paint", "sell"),
    "buy": ("carry", "clean", "eat", "hide", "read", "repair", "sell", "wear"),
    "choose": ("buy", "eat", "take", "wear"),
    "clean": ("close", "repair", "sell", "wear"),
    "feed": ("protect", "wash", "watch"),
    "find": ("eat", "feed", "follow", "hide", "protect", "take", "wash"),
    "hear": ("avoid", "follow", "help"),
    "lose": ("find",),
    "meet": ("avoid", "follow", "greet", "help"),
    "open": ("clean", "close", "read"),
    "paint": ("admire", "sell"),
    "prepare": ("drink", "eat", "sell"),
    "protect": ("feed", "follow", "help"),
    "read": ("hide", "sell"),
    "repair": ("clean", "drive", "sell"),
    "see": ("admire", "avoid", "buy", "follow", "greet", "take"),
    "take": ("carry", "eat", "hide", "read", "wash", "wear"),
    "visit": ("admire", "explore", "paint"),
    "wash": ("feed", "sell", "wear"),
    "watch": ("admire", "follow", "help", "paint"),
    "write": ("hide", "read", "sell"),
}
FIRST_VERBS = tuple(verb for verb in TRANSITIVES if verb.english[1] in SEQUELS)
SLOTS = ((2, 3, 4, 5, 6), (2, 3, 4), (0, 2, 3), (1, 2, 3), (0, 1, 2, 3))
FIXED = len(("takes", "and", "it"))
SEQUEL_SIZES = range(8, 18)


def subject_pronoun(mention: Mention) -> tuple[str, str]:
    """The pronoun that stands for `mention` before a verb, in English and in French."""
    if mention.is_plural:
        return "they", "ils" if mention.gender == "m" else "elles"
    french = "il" if mention.gender == "m" else "elle"
    if "person" not in mention.noun.tags:
        return "it", french
    return ("he" if mention.gender == "m" else "she"), french


def object_pronoun(mention: Mention) -> tuple[str, str]:
    """The pronoun that stands for `mention` as an object, in English and in French."""
    if mention.is_plural:
        return "them", "les"
    french = "le" if mention.gender == "m" else "la"
    if "person" not in mention.noun.tags:
        return "it", french
    return ("him" if mention.gender == "m" else "her"), french


def sequel(draft: Draft, size: int, past: bool = False) -> list[Item]:
    """The girl takes the apple and eats it: two verbs, one object, in `size` words, 8 to 17.

    A second subject comes in where nobody can take it for the object: the girl takes the apple and
    the boy eats it. In the present alone: a French participle would agree with the pronoun.

    Raises:
        ValueError: if `past`.
    """
    if past:
        raise ValueError(f"a sequel must be in the present, got past={past}")
    first, second, noun, actors = _plot(draft)
    alone = noun.animate or "animal" in actors[0].tags
    slots = (*SLOTS[:2], (0,), *SLOTS[3:]) if alone else SLOTS
    actor_size, object_size, other_size, verb_size, time_size = draft.rng.choice(
        compositions(size - FIXED, slots)
    )
    actor = subject(draft, actor_size, False, nouns=actors)
    start = VerbPhrase(draft, 1, past=False).write(first, actor.is_plural)
    thing = noun_phrase(draft, noun, object_size)
    follow_up = VerbPhrase(draft, verb_size, past=False, timed=True)
    contrast = follow_up.negated and "but" not in draft.english
    english, french = ("but", "mais") if contrast else ("and", "et")
    conjunction = (french, draft.say(english))
    other: list[Item] = []
    doer = actor
    if other_size:
        opening = DEFINITE if follow_up.negated else OPEN
        others = [n for n in lexicon.subjects(second) if "person" in n.tags]
        doer = noun_phrase(draft, draft.pick(others), other_size, opening=opening)
        other = doer.french
    end = follow_up.write(second, doer.is_plural, object_pronoun(thing))
    when = places.time(draft, time_size, places.NOW)
    return [*actor.french, *start, *thing.french, conjunction, *other, *end, *when]


def _plot(draft: Draft) -> tuple[Verb, Verb, Noun, list[Noun]]:
    """Two verbs, the object of both, and the subjects for both: all animals, or all persons."""
    while True:
        first = draft.pick(FIRST_VERBS)
        second = VERB[draft.rng.choice(SEQUELS[first.english[1]])]
        shared = [n for n in lexicon.objects(first) if n.tags & second.objects]
        kind = draft.rng.choice(("animal", "person"))
        actors = [n for n in lexicon.nouns(kind) if kind in first.subjects & second.subjects]
        if shared and actors:
            return first, second, draft.pick(shared), actors
