import pytest

from txlib.attention.head_sizes import head_sizes


def test_what_is_not_given_follows():
    assert head_sizes(12, 6) == (6, 2, 12)
    assert head_sizes(12, 6, 3, 5, 7) == (3, 5, 7)
    assert head_sizes(13, 6, head_dim=5) == (6, 5, 13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 6), "d_model must be at least 1, got 0"),
        ((12, 0), "num_heads must be at least 1, got 0"),
        ((12, 6, 0), "num_kv_heads must be at least 1, got 0"),
        ((12, 6, 3, -1), "head_dim must be at least 1, got -1"),
        ((12, 6, 3, 5, 0), "memory_size must be at least 1, got 0"),
        ((12, 6, 4), "num_kv_heads must divide num_heads, got 4 and 6"),
        ((13, 6), "num_heads must divide d_model where head_dim is not given, got 6 and 13"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        head_sizes(*arguments)
