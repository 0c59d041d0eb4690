"""Because it was too ...: the sentences whose "it" meaning alone resolves."""

from random import Random

from txlib.data.grammar import lexicon, places
from txlib.data.grammar.composition import Sizes, compositions
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import Item
from txlib.data.grammar.noun_phrases import ONLY_THE, Mention, noun_phrase
from txlib.data.grammar.nouns import Noun
from txlib.data.grammar.verb_phrases import copula, verb_phrase
from txlib.data.grammar.verbs import PLACED_VERBS

ANIMAL = frozenset({"animal"})
PRONOUNS = {"m": "il", "f": "elle"}
TIRED = ["hungry", "lazy", "nervous", "scared", "shy", "sick", "tired", "weak"]
AFRAID = ["nervous", "scared", "shy", "tired"]
# verb, whether it is negated, what the animal may be, and what each place may be
SCENES = (
    (
        "cross",
        True,
        TIRED,
        {
            "bridge": "long narrow slippery",
            "desert": "vast",
            "field": "flooded vast",
            "lake": "deep",
            "market": "crowded noisy",
            "stream": "deep",
            "forest": "dark vast",
            "river": "deep wide",
            "road": "noisy slippery wide",
            "square": "crowded noisy",
            "street": "crowded dark noisy wide",
            "valley": "deep vast",
        },
    ),
    ("climb", True, TIRED, {"path": "slippery steep", "hill": "steep"}),
    (
        "avoid",
        False,
        AFRAID,
        {
            "bridge": "narrow slippery",
            "market": "crowded noisy",
            "path": "narrow slippery steep",
            "museum": "crowded",
            "beach": "crowded",
            "cave": "dark",
            "forest": "dark",
            "road": "noisy slippery",
            "street": "crowded dark noisy",
        },
    ),
    (
        "leave",
        False,
        ("hungry", "nervous", "scared"),
        {
            "market": "crowded noisy",
            "beach": "crowded",
            "cave": "dark flooded",
            "square": "crowded noisy",
        },
    ),
)
SLOTS = ((2, 3, 4), (1, 3), (2, 3), (0, 1, 2, 3))
FIXED = len(["because", "it", "was", "too", "tired"])
SCENE_SIZES = tuple(range(10, 17))


def scene(draft: Draft, size: int, past: bool) -> list[Item]:
    """An animal, a place and a reason, in `size` English words, 10 to 16.

    Gender of the animal, gender of the place, and which of the two "it" is are three independent
    fair coins, so that no word but the reason tells the pronoun.
    """
    rng = draft.rng
    animal = draft.pick(_by_gender(lexicon.nouns(ANIMAL), rng))
    word, negative, reasons, grounds = rng.choice(SCENES)
    ground = draft.pick(_by_gender([lexicon.BY_NAME[name] for name in grounds], rng))
    about_animal = draft.chance(0.5)
    reason = rng.choice(reasons if about_animal else grounds[ground.english[0]].split())
    verb_size = 3 if negative else 1
    choices = [s for s in compositions(size - FIXED, SLOTS) if s[1] == verb_size]
    if not choices:
        choices = [s for s in compositions(size - FIXED, SLOTS)]
    return write_scene(draft, animal, word, ground, reason, about_animal, rng.choice(choices), past)


def write_scene(
    draft: Draft,
    animal: Noun,
    verb: str,
    ground: Noun,
    reason: str,
    about_animal: bool,
    sizes: Sizes,
    past: bool,
) -> list[Item]:
    """The scene with every choice made; `sizes` are those of animal, verb, place and time."""
    subject_size, verb_size, ground_size, time_size = sizes
    subject = noun_phrase(
        draft, animal, subject_size, opening=ONLY_THE, is_plural=False, neutral=True
    )
    predicate, _ = verb_phrase(
        draft, PLACED_VERBS[verb], False, verb_size, past=past, negative=True
    )
    setting = noun_phrase(
        draft, ground, ground_size, opening=ONLY_THE, is_plural=False, neutral=True
    )
    when = places.time(draft, time_size, past)
    named = subject if about_animal else setting
    return [
        *subject.french,
        *predicate,
        *setting.french,
        *when,
        *_reason(draft, named, reason, past),
    ]


def _reason(draft: Draft, named: Mention, reason: str, past: bool) -> list[Item]:
    because, pronoun = draft.say("because", "it")
    draft.referents.append((pronoun, named.position))
    finite = copula(draft, False, past)
    too = draft.say("too")
    adjective = lexicon.ADJECTIVE[reason]
    return [
        ("parce", (because,)),
        ("que", (because,)),
        (PRONOUNS[named.gender], (pronoun,)),
        finite,
        ("trop", too),
        (adjective.agree(named.gender, False), draft.say(reason)),
    ]


def _by_gender(nouns, rng: Random) -> list[Noun]:
    gender = rng.choice("mf")
    return [noun for noun in nouns if noun.gender == gender]
