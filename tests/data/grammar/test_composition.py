from txlib.data.grammar.composition import compositions


def test_all_ways_by_hand():
    assert set(compositions(6, ((1, 2), (0, 3), (1, 2, 4)))) == {(1, 3, 2), (2, 3, 1), (2, 0, 4)}


def test_no_way_is_an_empty_answer():
    assert compositions(9, ((1,), (2,))) == ()
