"""Verbs of an exact length: negation, adverb, modal, tense, and the pronoun that moves."""

from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.verbs import Verb

Words = tuple[int, ...]  # English positions
Pronoun = tuple[str, str]  # an object pronoun: English, French

FREQUENCIES = (("often", "souvent"), ("always", "toujours"), ("sometimes", "parfois"))
NEVER = ("never", "jamais")
STEPS = (("also", "aussi"), ("finally", "enfin"))
MODALS = ((("can", "can"), ("peut", "peuvent")), (("must", "must"), ("doit", "doivent")))
WANT = (("wants", "want"), ("veut", "veulent"))
DO = ("does", "do")
HAVE = ("a", "ont")
BE = {False: (("is", "are"), ("est", "sont")), True: (("was", "were"), ("était", "étaient"))}


class VerbPhrase:
    """How a verb is said, decided before anything of it is written.

    Args:
        draft: the source of chance.
        size: English words, an object pronoun not counted: 1 is the bare verb, 2 has an adverb
            or a modal, 3 "does not" or "wants to".
        past: "saw", "a vu"; otherwise "sees", "voit".
        timed: whether a time follows, which would quarrel with "often" or "never".
        negative: for size 3, True for "not" alone; None leaves it to chance.
    """

    def __init__(
        self,
        draft: Draft,
        size: int,
        *,
        past: bool,
        timed: bool = False,
        negative: bool | None = None,
    ):
        self._draft = draft
        self._past = past
        self._adverb: tuple[str, str] | None = None
        self._modal = size == 2 and not past and draft.chance(0.5)
        if size == 2 and not self._modal:
            frequencies = (NEVER, NEVER) if past else (*FREQUENCIES, NEVER, NEVER)
            self._adverb = draft.pick_evenly(STEPS if timed else STEPS + frequencies)
        self._not = size == 3 and bool(past or negative or draft.chance(0.6))
        self._want = size == 3 and not self._not

    @property
    def negated(self) -> bool:
        """Whether French says "ne"."""
        return self._not or self._adverb == NEVER

    @property
    def habitual(self) -> bool:
        """Whether "every day" can follow: what is denied or has an adverb bears no second one."""
        return not self._not and self._adverb is None

    @property
    def is_infinitive(self) -> bool:
        """Whether the verb follows another: "can see", "wants to see"."""
        return self._modal or self._want

    @property
    def among(self) -> frozenset[str]:
        """The verbs that can be said so: all, or after "wants to" what one can want to do."""
        return lexicon.CHOICES if self.is_infinitive else lexicon.ALL

    def write(self, verb: Verb, is_plural: bool, pronoun: Pronoun | None = None) -> list[Item]:
        """Says `verb` in English and returns its French; a pronoun moves before the verb."""
        if self._not:
            return self._write_negated(verb, is_plural, pronoun)
        if self.is_infinitive:
            return self._write_infinitive(verb, is_plural, pronoun)
        say = self._draft.say
        adverb = say(self._adverb[0]) if self._adverb else ()
        main = say(verb.past if self._past else verb.english[is_plural])
        clitic = self._clitic(pronoun)
        finite, *rest = self._conjugated(verb, is_plural, (), main)
        ne = [("ne", adverb)] if self.negated else []
        moved = [(self._adverb[1], adverb)] if self._adverb else []
        return [*ne, *clitic, finite, *moved, *rest]

    def _write_negated(self, verb: Verb, is_plural: bool, pronoun: Pronoun | None) -> list[Item]:
        say = self._draft.say
        auxiliary = say("did" if self._past else DO[is_plural])
        negation = say("not")
        main = say(verb.english[1])
        clitic = self._clitic(pronoun)
        finite, *rest = self._conjugated(verb, is_plural, auxiliary, main)
        return [("ne", negation), *clitic, finite, ("pas", negation), *rest]

    def _write_infinitive(self, verb: Verb, is_plural: bool, pronoun: Pronoun | None) -> list[Item]:
        say = self._draft.say
        english, french = WANT if self._want else self._draft.rng.choice(MODALS)
        modal = say(english[is_plural])
        main = say("to", verb.english[1]) if self._want else say(verb.english[1])
        return [(french[is_plural], modal), *self._clitic(pronoun), (verb.infinitive, main)]

    def _conjugated(self, verb: Verb, is_plural: bool, auxiliary: Words, main: Words) -> list[Item]:
        if self._past:
            return [(HAVE[is_plural], auxiliary or main), (verb.participle, main)]
        return [(verb.french[is_plural], auxiliary + main)]

    def _clitic(self, pronoun: Pronoun | None) -> list[Item]:
        return [(pronoun[1], self._draft.say(pronoun[0]))] if pronoun else []


def copula(draft: Draft, is_plural: bool, past: bool) -> Item:
    """A form of "to be"; its French past is the imparfait."""
    english, french = BE[past]
    return french[is_plural], draft.say(english[is_plural])
