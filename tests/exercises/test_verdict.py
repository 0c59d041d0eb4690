from txlib.exercises import Verdict


def test_plain_and_markdown():
    verdict = Verdict("shift_right", False, "It moves left.", "Look at BOS.", "shifted-left")
    assert repr(verdict) == "Not quite: shift_right. It moves left.\nHint: Look at BOS."
    assert verdict._repr_markdown_() == (
        "**Not quite:** `shift_right`. It moves left.\n\n*Hint:* Look at BOS."
    )


def test_openings():
    assert repr(Verdict("f", True, "Right.")) == "Passed: f. Right."
    assert repr(Verdict("f", False, "Empty.", diagnosis="not yet")) == "Not yet: f. Empty."
    assert Verdict("f", True, "Right.")._repr_markdown_() == "**Passed:** `f`. Right."
