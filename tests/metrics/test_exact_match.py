import pytest

from txlib.metrics import exact_match


def test_by_hand():
    hypotheses = ["le chat dort", "Le chat dort", "le chat dort ", ""]
    assert exact_match(hypotheses, ["le chat dort", "le chat dort", "le chat dort", ""]) == 0.5
    assert exact_match(["a", "b", "c"], ["a", "b", "x"]) == pytest.approx(2 / 3)


def test_bounds():
    assert exact_match(["a"], ["a"]) == 1.0
    assert exact_match(["a"], ["b"]) == 0.0


def test_errors():
    with pytest.raises(ValueError, match="equal in number, got 1 and 2"):
        exact_match(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="at least one sentence"):
        exact_match([], [])
    with pytest.raises(ValueError, match="hypotheses must be a sequence"):
        exact_match("a", ["a"])
