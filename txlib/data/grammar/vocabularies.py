"""Every word that the grammar can write, on either side."""

from collections.abc import Iterable
from functools import cache

from txlib.data.grammar import noun_phrases, places, scenes, sentences, verb_phrases
from txlib.data.grammar.adjectives import ADJECTIVES
from txlib.data.grammar.french import CONTRACTED, ELIDED, LIAISON
from txlib.data.grammar.nouns import NOUNS
from txlib.data.grammar.verbs import GIVING_VERBS, INTRANSITIVES, PLACED_VERBS, TRANSITIVES, Verb

VERBS: tuple[Verb, ...] = (*INTRANSITIVES, *TRANSITIVES, *PLACED_VERBS.values(), *GIVING_VERBS)


@cache
def english_vocabulary() -> tuple[str, ...]:
    """All English tokens of the grammar, sorted."""
    found = set(
        [
            "the",
            "a",
            "an",
            "this",
            "these",
            "'s",
            "not",
            "do",
            "does",
            "did",
            "to",
            "that",
            "who",
            "very",
            "too",
            "it",
            ".",
            ",",
            "and",
            "but",
        ]
    )
    for noun in NOUNS:
        found.update(noun.english if noun.countable else noun.english[:1])
    found.update(adjective.english for adjective in ADJECTIVES)
    for verb in VERBS:
        found.update(verb.english, filter(None, [verb.past]))
    found.update(english for english, _ in noun_phrases.NUMERALS)
    found.update(english for english, _ in verb_phrases.ADVERBS)
    found.update(("never", "already"))
    for english, _ in (*verb_phrases.MODALS, verb_phrases.WANT, *verb_phrases.BE.values()):
        found.update(english)
    for english, *_ in places.PREPOSITIONS:
        found.update(english)
    for english, _ in (*places.PRESENT, *places.PAST):
        found.update(english.split())
    found.update(sentences.SUBORDINATORS)
    return tuple(sorted(found))


@cache
def french_vocabulary() -> tuple[str, ...]:
    """All French tokens of the grammar, sorted."""
    found = set(
        [
            "ne",
            "pas",
            "jamais",
            "déjà",
            "qui",
            "que",
            "parce",
            "très",
            "trop",
            "à",
            "de",
            ".",
            ",",
            "et",
            "mais",
        ]
    )
    found.update(ELIDED.values(), LIAISON.values(), CONTRACTED.values())
    found.update(verb_phrases.HAVE, scenes.PRONOUNS.values(), noun_phrases.A.values())
    for noun in NOUNS:
        found.update(noun.french if noun.countable else noun.french[:1])
    for adjective in ADJECTIVES:
        found.update(adjective.masculine, adjective.feminine, [adjective.before_vowel])
    for verb in VERBS:
        found.update(verb.french, [verb.participle, verb.infinitive])
    found.update(_flat(noun_phrases.THE.values()), _flat(noun_phrases.THIS.values()))
    found.update(french for _, french in (*noun_phrases.NUMERALS, *verb_phrases.ADVERBS))
    for _, french in (*verb_phrases.MODALS, verb_phrases.WANT, *verb_phrases.BE.values()):
        found.update(french)
    for _, french, _ in places.PREPOSITIONS:
        found.update(french)
    for _, french in (*places.PRESENT, *places.PAST):
        found.update(word for word, _ in french)
    found.update(_flat(sentences.SUBORDINATORS.values()))
    return tuple(sorted(found))


def _flat(groups: Iterable[Iterable[str]]) -> list[str]:
    return [word for group in groups for word in group]
