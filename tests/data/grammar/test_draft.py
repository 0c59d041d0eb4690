from collections import Counter
from random import Random

import pytest

from txlib.data.grammar.draft import Draft


def test_say_returns_the_positions_of_its_words():
    draft = Draft(Random(0))
    assert draft.say("the") == (0,)
    assert draft.say("old", "cat") == (1, 2)
    assert draft.english == ["the", "old", "cat"]


@pytest.mark.parametrize("pick", [Draft.pick, Draft.pick_evenly])
def test_pick_repeats_nothing_until_it_must(pick):
    draft = Draft(Random(0))
    assert sorted(pick(draft, "abcde") for _ in range(5)) == list("abcde")
    assert pick(draft, "abcde") in "abcde"


def test_early_options_are_picked_more_often():
    counts = Counter(Draft(Random(seed)).pick("abcd") for seed in range(2000))
    assert counts["a"] > 2 * counts["b"] > 2 * counts["d"] > 0


def test_even_picks_are_even():
    counts = Counter(Draft(Random(seed)).pick_evenly("abcd") for seed in range(2000))
    assert all(400 < counts[option] < 600 for option in "abcd")
