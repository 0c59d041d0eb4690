"""Every word that the grammar can write, on either side."""

from collections.abc import Iterable
from functools import cache

from txlib.data.grammar import noun_phrases, places, sentences, verb_phrases
from txlib.data.grammar.adjectives import ADJECTIVES
from txlib.data.grammar.french import CONTRACTED, ELIDED, LIAISON
from txlib.data.grammar.lexicon import ALL, CHOICES
from txlib.data.grammar.nouns import NOUNS
from txlib.data.grammar.plots import SCENES
from txlib.data.grammar.verbs import VERB, VERBS

# the words that functions, not tables, put into sentences
ENGLISH = """
    . , and but 's the a an this these who that
    it they he she him her them
    not did to from very too
    """
FRENCH = """
    . , et mais qui que parce
    il elle ils elles le la les
    ne pas de à très trop
    """


INVOLUNTARY = (ALL - CHOICES) | {"come"}
_WITH_PAST = {verb for verb in VERBS if verb.past} | {VERB[scene.verb] for scene in SCENES}


@cache
def english_vocabulary() -> tuple[str, ...]:
    """All English tokens of the grammar, sorted."""
    found = set(ENGLISH.split()).union(verb_phrases.DO, sentences.SUBORDINATORS)
    for noun in NOUNS:
        found.update(noun.english if noun.countable else noun.english[:1])
    found.update(adjective.english for adjective in ADJECTIVES)
    for verb in VERBS:
        found.update(verb.english, [verb.past] if verb.past else [])
    found.update(english for english, _ in (*noun_phrases.NUMERALS, *_adverbs()))
    for english, _ in (*verb_phrases.MODALS, verb_phrases.WANT, *verb_phrases.BE.values()):
        found.update(english)
    for english, *_ in (*places.ANYWHERE, *places.HABITS, *places.PAST):
        found.update(english.split())
    return tuple(sorted(found))


@cache
def french_vocabulary() -> tuple[str, ...]:
    """All French tokens of the grammar, sorted."""
    found = set(FRENCH.split()).union(verb_phrases.HAVE, noun_phrases.A.values())
    found.update(ELIDED.values(), LIAISON.values(), CONTRACTED.values())
    found.update(_flat(sentences.SUBORDINATORS.values()))
    found.update(_flat(noun_phrases.THE.values()), _flat(noun_phrases.THIS.values()))
    for noun in NOUNS:
        found.update(noun.french if noun.countable else noun.french[:1])
    for adjective in ADJECTIVES:
        found.update(adjective.masculine, adjective.feminine, [adjective.before_vowel])
    for verb in VERBS:
        found.update(verb.french)
        found.update([verb.participle] if verb in _WITH_PAST else [])
        found.update([] if verb.english[1] in INVOLUNTARY else [verb.infinitive])
    found.update(french for _, french in (*noun_phrases.NUMERALS, *_adverbs()))
    for _, french in (*verb_phrases.MODALS, verb_phrases.WANT, *verb_phrases.BE.values()):
        found.update(french)
    found.update(_flat(french for _, french, _ in places.ANYWHERE))
    found.update(word for _, french in (*places.HABITS, *places.PAST) for word, _ in french)
    return tuple(sorted(found))


def _adverbs() -> tuple[tuple[str, str], ...]:
    return (*verb_phrases.FREQUENCIES, verb_phrases.NEVER, *verb_phrases.STEPS)


def _flat(groups: Iterable[Iterable[str]]) -> list[str]:
    return [word for group in groups for word in group]
