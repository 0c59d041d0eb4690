import pytest

from txlib.widgets.sentence_templates import check_templates, expand, expand_all, parse


def test_template_by_hand():
    assert parse("a {cat| dog } {sleeps|waits}.") == [
        "a ",
        ["cat", "dog"],
        " ",
        ["sleeps", "waits"],
        ".",
    ]
    assert expand("a {cat|dog} {sleeps|waits}.") == [
        "a cat sleeps.",
        "a cat waits.",
        "a dog sleeps.",
        "a dog waits.",
    ]
    assert (parse("no slot."), expand("no slot.")) == (["no slot."], ["no slot."])


def test_a_sentence_of_two_templates_is_one():
    assert expand_all(["{a|b} c.", "a {c|d}."], 4) == ["a c.", "b c.", "a d."]


def test_every_text_stands_alone_by_default():
    assert check_templates(None, ["a {b}.", "c."], 9) == [["a {b}."], ["c."]]
    assert check_templates(["{a|b}.", "c."], ["b.", "c."], 9) == [[["a", "b"], "."], ["c."]]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("a {cat}.", r"two or more different words .*, got \{cat\} in 'a \{cat\}\.'"),
        ("a {cat|cat}.", r"different words .*, got \{cat\|cat\}"),
        ("a {cat| }.", r"different words .*, got \{cat\| \}"),
        ("a {cat|dog.", r"close every brace that it opens, got 'a \{cat\|dog\.'"),
        ("a {b|{c|d}}.", "close every brace"),
        ("{a|b}" * 7, "at most 6 places, got 7"),
        (" ", "template must be a string that is not blank, got ' '"),
    ],
)
def test_errors(template, message):
    with pytest.raises(ValueError, match=message):
        parse(template)


def test_lists_of_templates_are_checked():
    with pytest.raises(ValueError, match="must be a sequence of strings, not empty, got 'a b'"):
        expand_all("a b", 3)
    with pytest.raises(ValueError, match=r"not empty, got \[\]"):
        expand_all([], 3)
    with pytest.raises(ValueError, match="sentences must be at most 3 in all, got 4"):
        expand_all(["{a|b}{c|d}"], 3)
    with pytest.raises(ValueError, match=r"at least one entry each, got 'x'"):
        check_templates(["{a|b}", "x"], ["a"], 9)
    with pytest.raises(ValueError, match=r"reach every entry, got none for 'c'"):
        check_templates(["{a|b}"], ["a", "c"], 9)
