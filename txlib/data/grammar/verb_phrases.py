"""Verbs of an exact length: negation, adverb, modal, tense, and the pronoun that moves."""

from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.verbs import Verb

ADVERBS = (("often", "souvent"), ("always", "toujours"), ("sometimes", "parfois"))
MODALS = (
    (("can", "can"), ("peut", "peuvent")),
    (("must", "must"), ("doit", "doivent")),
)
WANT = (("wants", "want"), ("veut", "veulent"))
BE = {False: (("is", "are"), ("est", "sont")), True: (("was", "were"), ("était", "étaient"))}
HAVE = ("a", "ont")
PRESENT_SIZES, PAST_SIZES = (1, 2, 3), (1, 2, 3)


def verb_phrase(
    draft: Draft,
    verb: Verb,
    is_plural: bool,
    size: int,
    *,
    past: bool = False,
    pronoun: tuple[str, str] | None = None,
    negative: bool | None = None,
) -> tuple[list[Item], bool]:
    """A verb of `size` English words, 1 to 3, its object pronoun not counted.

    Args:
        draft: receives the English.
        verb: the verb.
        is_plural: the number of its subject.
        size: 1 is the bare verb; 2 "often", "never" or a modal; 3 "does not" or "wants to".
        past: "saw", "a vu"; otherwise "sees", "voit".
        pronoun: English and French of an object pronoun, said after the verb, written before.
        negative: for size 3, whether it must be (or not be) negated; None leaves it to chance.

    Returns:
        The French, and whether the verb is negated.
    """
    if size == 3:
        if negative is None:
            negative = past or draft.chance(0.75)
        return (_negated if negative else _wanted)(draft, verb, is_plural, past, pronoun), negative
    if size == 2:
        if draft.chance(0.35):
            return _adverbial(draft, verb, is_plural, past, ("never", "jamais"), pronoun), True
        if not past and draft.chance(0.5):
            return _modal(draft, verb, is_plural, pronoun), False
        if not past:
            adverb = draft.rng.choice(ADVERBS)
            return _adverbial(draft, verb, is_plural, past, adverb, pronoun), False
        return _adverbial(draft, verb, is_plural, past, ("already", "déjà"), pronoun), False
    said = draft.say(verb.past if past else verb.english[is_plural])
    finite, rest = _finite(verb, is_plural, past, said, said)
    return [*_clitic(draft, pronoun), finite, *rest], False


def copula(draft: Draft, is_plural: bool, past: bool) -> Item:
    """A form of "to be"; its French past is the imparfait."""
    english, french = BE[past]
    return french[is_plural], draft.say(english[is_plural])


def _finite(
    verb: Verb, is_plural: bool, past: bool, auxiliary: tuple[int, ...], main: tuple[int, ...]
) -> tuple[Item, list[Item]]:
    """The French finite verb and what follows it: nothing, or the participle."""
    if past:
        return (HAVE[is_plural], auxiliary), [(verb.participle, main)]
    return (verb.french[is_plural], auxiliary if auxiliary == main else auxiliary + main), []


def _clitic(draft: Draft, pronoun: tuple[str, str] | None) -> list[Item]:
    return [(pronoun[1], draft.say(pronoun[0]))] if pronoun else []


def _negated(draft, verb, is_plural, past, pronoun) -> list[Item]:
    auxiliary = draft.say("did" if past else ("does", "do")[is_plural])
    negation = draft.say("not")
    main = draft.say(verb.english[1])
    finite, rest = _finite(verb, is_plural, past, auxiliary, main)
    return [("ne", negation), *_clitic(draft, pronoun), finite, ("pas", negation), *rest]


def _wanted(draft, verb, is_plural, past, pronoun) -> list[Item]:
    wants = draft.say(WANT[0][is_plural])
    main = draft.say("to", verb.english[1])
    clitic = _clitic(draft, pronoun)
    return [(WANT[1][is_plural], wants), *clitic, (verb.infinitive, main)]


def _modal(draft, verb, is_plural, pronoun) -> list[Item]:
    english, french = draft.rng.choice(MODALS)
    modal = draft.say(english[is_plural])
    main = draft.say(verb.english[1])
    return [(french[is_plural], modal), *_clitic(draft, pronoun), (verb.infinitive, main)]


def _adverbial(draft, verb, is_plural, past, adverb, pronoun) -> list[Item]:
    """An adverb goes before the English verb, but behind the French finite verb."""
    english, french = adverb
    spoken = draft.say(english)
    main = draft.say(verb.past if past else verb.english[is_plural])
    finite, rest = _finite(verb, is_plural, past, main, main)
    negation = [("ne", spoken)] if english == "never" else []
    return [*negation, *_clitic(draft, pronoun), finite, (french, spoken), *rest]
