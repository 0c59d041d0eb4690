"""Sentences that differ in one English word, and with it in what "it" is."""

from random import Random

from txlib.checks import check_whole
from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.generation import SPLITS, split_of
from txlib.data.grammar.pair import Pair
from txlib.data.grammar.plots import NOT, SCENES
from txlib.data.grammar.reasons import TIME, neutral_sizes, write_scene
from txlib.data.grammar.sentences import finish
from txlib.data.grammar.verbs import VERB

PLOTS = tuple(scene for scene in SCENES if "animal" in scene.actors)
PATIENCE = 60_000  # candidates in a row that bring nothing new
PHRASE = (2, 3)  # words of the animal, and of the object


def twins(split: str, size: int, *, seed: int = 0) -> list[tuple[Pair, Pair]]:
    """Pairs of sentences alike but for the reason, which is the animal's or the object's.

    "The mouse did not cross the bridge because it was too tired", and "too narrow". Animal and
    object differ in gender, so one needs *il* and the other *elle*, and nothing but the reason
    tells. Who always takes the first noun, or the last, is right once in each pair of twins. All
    animals, objects and reasons are equally likely here.

    Args:
        split: "train", "validation" or "test"; both sentences belong to it.
        size: how many pairs of twins, all different.
        seed: another seed gives others, in part the same.

    Returns:
        For each, the sentence whose reason is the animal's and the one whose reason is the
        object's.

    Raises:
        ValueError: if `split` is unknown or "beyond", whose sentences are longer, or there are
            fewer than `size`.
    """
    if not isinstance(split, str) or split not in SPLITS or split == "beyond":
        raise ValueError(f"split must be 'train', 'validation' or 'test', got {split!r}")
    check_whole("size", size, least=0)
    check_whole("seed", seed)
    rng = Random(f"twins {split} {seed}")
    found: dict[tuple[str, ...], tuple[Pair, Pair]] = {}
    wasted = 0
    while len(found) < size:
        both = _draw(rng, split)
        wasted += 1
        if both and both[0].source not in found:
            found[both[0].source], wasted = both, 0
        if wasted > PATIENCE:
            raise ValueError(
                f"size must not exceed the twins there are, got size={size} for {split!r}, where "
                f"{len(found)} were found"
            )
    return list(found.values())


def _draw(rng: Random, split: str) -> tuple[Pair, Pair] | None:
    """Twins, or None where chance brought none of this split."""
    plot = rng.choice(PLOTS)
    ground = lexicon.NOUN[rng.choice(sorted(plot.grounds))]
    actor = rng.choice([noun for noun in lexicon.nouns("animal") if noun.gender != ground.gender])
    own, other = rng.choice(plot.own), rng.choice(plot.grounds[ground.english[0]])
    sizes = *(rng.choice(neutral_sizes(noun, PHRASE)) for noun in (actor, ground)), rng.choice(TIME)
    past, chance = rng.random() < 0.5, rng.random()

    def write(reason: str, about_actor: bool) -> Pair:
        draft = Draft(Random(chance))
        items = write_scene(
            draft,
            actor=actor,
            verb=VERB[plot.verb],
            negative=plot.verb_size == NOT,
            ground=ground,
            reason=lexicon.ADJECTIVE[reason],
            about_actor=about_actor,
            sizes=sizes,
            past=past,
        )
        return finish(draft, items)

    first = write(own, True)
    if split_of(first.source) != split:
        return None
    second = write(other, False)
    # a noun is not described by its own reason, so the adjectives of the two may differ
    alike = first.source[:-2] == second.source[:-2]
    return (first, second) if alike and split_of(second.source) == split else None
