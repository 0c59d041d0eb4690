import re
from collections import Counter

import pytest

from txlib.data.grammar import SPLITS, Referent, animal_and_street, detokenize, generate
from txlib.data.grammar.generation import split_of

LENGTHS = {"train": (4, 30), "validation": (4, 30), "test": (4, 30), "beyond": (31, 40)}


@pytest.mark.parametrize(
    ("adjective", "english", "french", "referent"),
    [
        (
            "tired",
            "the animal did not cross the street because it was too tired.",
            "l'animal n'a pas traversé la rue parce qu'il était trop fatigué.",
            Referent(8, 1, 10, 1),
        ),
        (
            "wide",
            "the animal did not cross the street because it was too wide.",
            "l'animal n'a pas traversé la rue parce qu'elle était trop large.",
            Referent(8, 6, 10, 7),
        ),
    ],
)
def test_animal_and_street(adjective, english, french, referent):
    pair = animal_and_street(adjective)
    assert detokenize(pair.source) == english
    assert detokenize(pair.target) == french
    assert pair.referent == referent
    # l' animal n' a pas traversé la rue parce qu' il était trop fatigué .
    sources = [0, 1, 3, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12]
    assert pair.alignment == set(enumerate(sources))


@pytest.mark.parametrize("adjective", ["tired", "wide"])
def test_animal_and_street_belongs_to_no_split(adjective):
    source = animal_and_street(adjective).source
    assert split_of(source) is None
    assert split_of(("the", "dog", "sleeps", "and", *source)) is None


@pytest.mark.parametrize("split", SPLITS)
def test_same_seed_same_pairs_and_a_longer_list_begins_with_the_shorter(split):
    pairs = generate(split, 60, seed=3)
    assert generate(split, 60, seed=3) == pairs
    assert generate(split, 20, seed=3) == pairs[:20]
    assert generate(split, 60, seed=4) != pairs


def test_splits_are_disjoint_whatever_the_seeds():
    sources = {
        split: {pair.source for seed in (0, 5) for pair in generate(split, 150, seed=seed)}
        for split in SPLITS
    }
    for split, others in sources.items():
        assert all(split_of(source) == split for source in others)
    assert len(set().union(*sources.values())) == sum(map(len, sources.values()))


def test_shares_of_the_splits():
    counts = Counter(split_of(("the", "cat", str(number), ".")) for number in range(20_000))
    assert counts["validation"] == pytest.approx(1600, rel=0.1)
    assert counts["test"] == pytest.approx(1600, rel=0.1)
    assert counts.total() == counts["validation"] + counts["test"] + counts["train"]


def test_sources_are_all_different(corpus):
    assert len({pair.source for _, pair in corpus}) == len(corpus)


@pytest.mark.parametrize("split", SPLITS)
def test_lengths_are_spread_evenly(corpus, split):
    low, high = LENGTHS[split]
    counts = Counter(len(pair.source) for name, pair in corpus if name == split)
    mean = counts.total() / (high - low + 1)
    assert set(counts) == set(range(low, high + 1))
    spread = 5 * mean**0.5  # five standard deviations of a count
    assert all(abs(count - mean) < spread for count in counts.values())


def test_length_limits():
    lengths = {len(pair.source) for pair in generate("train", 200, min_length=6, max_length=8)}
    assert lengths == {6, 7, 8}
    assert {len(pair.source) for pair in generate("beyond", 50, max_length=32)} == {31, 32}


def test_a_length_that_runs_dry_gives_way_to_another(monkeypatch):
    monkeypatch.setattr("txlib.data.grammar.generation.PATIENCE", 300)
    counts = Counter(len(p.source) for p in generate("test", 700, min_length=4, max_length=5))
    assert counts[4] < counts[5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "dev", "size": 1}, "split must be one of ('train', 'validation', 'test', "),
        ({"split": "train", "size": -1}, "size must be at least 0, got -1"),
        (
            {"split": "train", "size": 1, "min_length": 3},
            "lengths of 'train' must satisfy 4 <= min_length <= max_length <= 30, "
            "got min_length=3 and max_length=None",
        ),
        ({"split": "test", "size": 1, "max_length": 31}, "got min_length=4 and max_length=31"),
        ({"split": "beyond", "size": 1, "max_length": 30}, "must satisfy 31 <= min_length"),
        (
            {"split": "train", "size": 1, "min_length": 9, "max_length": 8},
            "got min_length=9 and max_length=8",
        ),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        generate(**arguments)


def test_more_than_there_is(monkeypatch):
    monkeypatch.setattr("txlib.data.grammar.generation.PATIENCE", 50)
    with pytest.raises(ValueError, match="size must not exceed the sentences there are, got"):
        generate("test", 100_000, max_length=4)


def test_nothing_asked_nothing_given():
    assert generate("train", 0) == []


def test_wrong_adjective():
    with pytest.raises(ValueError, match="adjective must be 'tired' or 'wide', got 'blue'"):
        animal_and_street("blue")
