from collections import Counter

import pytest

from txlib.data.grammar import generate, twins
from txlib.data.grammar.generation import split_of

FOUND = twins("test", 40)


def test_twins_differ_in_the_reason_alone():
    for one, other in FOUND:
        assert one.source[:-2] == other.source[:-2]
        assert one.source[-2] != other.source[-2]
        assert one.source[-5:-2] in {("it", "was", "too"), ("it", "is", "too")}


def test_one_is_il_and_the_other_elle():
    for both in FOUND:
        assert {pair.target[pair.referent.target_pronoun] for pair in both} == {"il", "elle"}


def test_it_is_the_first_noun_and_then_the_second():
    for one, other in FOUND:
        assert one.referent.source_pronoun == other.referent.source_pronoun
        assert one.referent.source_noun < other.referent.source_noun < one.referent.source_pronoun


def test_they_belong_to_their_split_and_are_all_different():
    sentences = [pair.source for both in FOUND for pair in both]
    assert {split_of(source) for source in sentences} == {"test"}
    assert len({one.source for one, _ in FOUND}) == 40
    assert not {*sentences} & {pair.source for pair in generate("train", 3000)}


def test_a_seed_fixes_them_and_a_longer_list_begins_with_the_shorter():
    assert twins("test", 20) == FOUND[:20]
    assert twins("test", 20, seed=1) != FOUND[:20]
    assert twins("test", 0) == []


def test_both_genders_come_first():
    firsts = Counter(one.target[one.referent.target_pronoun] for one, _ in FOUND)
    assert min(firsts["il"], firsts["elle"]) > 8


@pytest.mark.parametrize(
    ("split", "size", "message"),
    [
        ("beyond", 1, "split must be 'train', 'validation' or 'test', got 'beyond'"),
        ("dev", 1, "split must be .* got 'dev'"),
        ("test", -1, "size must be at least 0, got -1"),
        ("test", 10**6, r"size must not exceed the twins there are, got size=1000000 for 'test'"),
    ],
)
def test_errors(monkeypatch, split, size, message):
    monkeypatch.setattr("txlib.data.grammar.reason_twins.PATIENCE", 300)
    with pytest.raises(ValueError, match=message):
        twins(split, size)
