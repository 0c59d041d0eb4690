"""Corpora: as many different sentences of a split as asked for, in an order that a seed fixes."""

import hashlib
from random import Random

from txlib.checks import check_one_of, check_whole
from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.pair import Pair
from txlib.data.grammar.reasons import write_scene
from txlib.data.grammar.sentences import finish, sentence
from txlib.data.grammar.verbs import VERB

SPLITS = ("train", "validation", "test", "beyond")
LENGTHS = {split: (4, 30) for split in SPLITS} | {"beyond": (31, 40)}
RESERVED = "the animal did not cross the street because it was too"
REASONS = {"tired": True, "wide": False}
PATIENCE = 2000  # candidates in a row that bring nothing new before a length counts as exhausted


def generate(
    split: str,
    size: int,
    *,
    seed: int = 0,
    min_length: int = 4,
    max_length: int | None = None,
) -> list[Pair]:
    """`size` pairs of a split, all different, their lengths spread evenly.

    To which split a sentence belongs is a function of its English alone: up to 30 words, a hash
    gives 8 in 100 to validation, 8 to test and the rest to train; above, it is the length. So no
    sentence of one split occurs in another, whatever the seeds. The sentences of
    `animal_and_street` belong to none, nor does one that contains them.

    Args:
        split: "train", "validation" or "test", of 4 to 30 English tokens, or "beyond", 31 to 40.
        size: how many pairs; a longer list begins with the shorter one.
        seed: another seed gives other sentences, in part the same short ones.
        min_length: the least English tokens, final "." included. "beyond" starts at 31.
        max_length: the most; None is the split's own limit. A length that has no new sentences
            left is passed over, and the others make up for it.

    Returns:
        The pairs in random order of length.

    Raises:
        ValueError: if `split` is unknown, `size` negative, the lengths leave the split's range, or
            the range has fewer than `size` sentences.

    Example:
        >>> from txlib.data.grammar import detokenize
        >>> pair = generate("train", 1)[0]
        >>> detokenize(pair.source)
        'this ant runs while the boys sleep, and this book is small.'
        >>> detokenize(pair.target)
        'cette fourmi court pendant que les garçons dorment, et ce livre est petit.'
    """
    check_one_of("split", split, SPLITS)
    check_whole("size", size, least=0)
    check_whole("seed", seed)
    check_whole("min_length", min_length)
    if max_length is not None:
        check_whole("max_length", max_length)
    low, high = LENGTHS[split]
    first = max(min_length, low) if split == "beyond" else min_length
    last = high if max_length is None else max_length
    if not low <= first <= last <= high:
        raise ValueError(
            f"lengths of {split!r} must satisfy {low} <= min_length <= max_length <= {high}, "
            f"got min_length={min_length} and max_length={max_length}"
        )
    rng = Random(f"{split} {seed}")
    lengths = list(range(first, last + 1))
    seen: set[tuple[str, ...]] = set()
    pairs: list[Pair] = []
    while len(pairs) < size:
        if not lengths:
            raise ValueError(
                f"size must not exceed the sentences there are, got size={size} for {split!r} "
                f"from {first} to {last} tokens, where {len(pairs)} were found"
            )
        length = rng.choice(lengths)
        pair = _draw(rng, length, split, seen)
        if pair is None:
            lengths.remove(length)
        else:
            seen.add(pair.source)
            pairs.append(pair)
    return pairs


def animal_and_street(adjective: str) -> Pair:
    """The sentence that made self-attention famous; its "it" is the animal or the street.

    Args:
        adjective: "tired" or "wide".

    Raises:
        ValueError: if `adjective` is another one.
    """
    if not isinstance(adjective, str) or adjective not in REASONS:
        raise ValueError(f"adjective must be 'tired' or 'wide', got {adjective!r}")
    draft = Draft(Random(0))
    items = write_scene(
        draft,
        actor=lexicon.NOUN["animal"],
        verb=VERB["cross"],
        negative=True,
        ground=lexicon.NOUN["street"],
        reason=lexicon.ADJECTIVE[adjective],
        about_actor=REASONS[adjective],
        sizes=(2, 2, 0),
        past=True,
    )
    return finish(draft, items)


def split_of(source: tuple[str, ...]) -> str | None:
    """The split to which an English sentence belongs; None if it is reserved."""
    text = " ".join(source)
    if RESERVED in text:
        return None
    if len(source) > LENGTHS["train"][1]:
        return "beyond"
    share = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32
    return "validation" if share < 0.08 else "test" if share < 0.16 else "train"


def _draw(rng: Random, length: int, split: str, seen: set[tuple[str, ...]]) -> Pair | None:
    for _ in range(PATIENCE):
        pair = sentence(rng, length)
        if pair.source not in seen and split_of(pair.source) == split:
            return pair
    return None
