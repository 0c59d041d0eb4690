"""Subjects: one noun phrase, or two that share a verb and make it plural."""

from collections.abc import Sequence
from dataclasses import replace

from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.noun_phrases import OPEN, Mention, noun_phrase
from txlib.data.grammar.nouns import Noun
from txlib.data.grammar.relatives import full_noun_phrase

# what two animals, or two persons, are sure to have in common: no wings, no age, no beauty
ANY_ANIMAL, ANY_PERSON = lexicon.NOUN["hedgehog"], lexicon.NOUN["brother"]


def subject(
    draft: Draft,
    size: int,
    past: bool,
    *,
    opening: str = OPEN,
    nouns: Sequence[Noun] = (),
) -> Mention:
    """Who does it: "the old king", "the king who sings", "the king and the queen".

    Args:
        draft: receives the English.
        size: English words, 2 to 8; from 5 on there may be two nouns.
        past: the tense of a relative clause.
        opening: as for `noun_phrase`.
        nouns: the nouns to choose from; none given means all animals, or all persons.
    """
    nouns = nouns or lexicon.nouns(draft.rng.choice(("animal", "person")))
    noun = draft.pick(nouns)
    if size < 5 or not noun.animate or draft.chance(0.6):
        return full_noun_phrase(draft, noun, size, past=past, opening=opening)
    sizes = [n for n in (2, 3, 4) if 2 <= size - 1 - n <= 4]
    first_size = draft.rng.choice(sizes)
    first = noun_phrase(draft, noun, first_size, opening=opening)
    conjunction = ("et", draft.say("and"))
    other = draft.pick(nouns)
    second = noun_phrase(draft, other, size - 1 - first_size, opening=opening)
    both = noun.tags & other.tags
    return replace(
        first,
        french=[*first.french, conjunction, *second.french],
        noun=ANY_PERSON if "person" in both else ANY_ANIMAL,
        gender="f" if first.gender == second.gender == "f" else "m",
        is_plural=True,
        qualities=first.qualities | second.qualities,
    )
