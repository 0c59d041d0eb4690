from random import Random

import pytest

from txlib.data.grammar import places
from txlib.data.grammar.draft import Draft


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("the cat sleeps in the garden .", "le chat dort dans le jardin ."),
        ("the cat sleeps near the garden .", "le chat dort près du jardin ."),
        ("the cat sleeps near the trees .", "le chat dort près des arbres ."),
        ("the cat sleeps near the school .", "le chat dort près de l' école ."),
        ("the cat sleeps near the hamlet .", "le chat dort près du hameau ."),
        ("the girl works at the market .", "la fille travaille au marché ."),
        ("the girl works at the old hospital .", "la fille travaille au vieil hôpital ."),
        ("the girl sings in front of the house .", "la fille chante devant la maison ."),
        ("the cow swims in the lake .", "la vache nage dans le lac ."),
        ("the cat sleeps in the afternoon .", "le chat dort l' après-midi ."),
        ("the cat slept last week .", "le chat a dormi la semaine dernière ."),
    ],
)
def test_places_and_times(write, english, french):
    assert write(english).target == tuple(french.split())


def test_contraction_in_the_alignment(write):
    pair = write("the cat sleeps near the garden .")
    # près du: "near"; du: also "the"
    assert pair.alignment >= {(3, 3), (4, 3), (4, 4), (5, 5)}


@pytest.mark.parametrize("prepositions", [places.ANYWHERE, places.NEARBY])
@pytest.mark.parametrize("size", [3, 4])
def test_place_has_its_size(size, prepositions):
    for seed in range(200):
        draft = Draft(Random(seed))
        places.place(draft, size, prepositions)
        assert len(draft.english) == size


@pytest.mark.parametrize("times", [places.NOW, places.HABITS, places.RECENT, places.PAST])
@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_time_has_its_size_and_translates_all_of_it(size, times):
    for seed in range(50):
        draft = Draft(Random(seed))
        items = places.time(draft, size, times)
        assert len(draft.english) == size
        assert {position for _, positions in items for position in positions} == set(range(size))
