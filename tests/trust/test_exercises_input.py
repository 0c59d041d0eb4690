"""Checks of exercises, fed with functions that go wrong in every way: each gets a kind verdict."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from kinds import any_text, is_whole, junk
from sheets import tries
from students import NOT_FUNCTIONS, STUDENTS

from txlib.exercises import Verdict, check, exercises


def settings():
    return torch.get_default_dtype(), torch.is_grad_enabled(), torch.initial_seed()


def judged(name, answer):
    """The verdict, after a look at what it says."""
    before = settings()
    verdict = check(name, answer)
    assert settings() == before, "the answer's settings outlived the check"
    assert isinstance(verdict, Verdict)
    assert not verdict.passed
    assert verdict.exercise == name
    for said in (repr(verdict), verdict._repr_markdown_()):
        said.encode()  # half of a character would stop the page
        assert name in said
        assert " at 0x" not in said
        assert len(said) < 2000
    return verdict


@tries(12, 120)
@given(data=st.data())
def test_hostile_answers(tally, data):
    tally("exercises: hostile answers")
    name = data.draw(st.sampled_from(exercises()))
    answer = data.draw(st.sampled_from(STUDENTS) | st.sampled_from(NOT_FUNCTIONS))
    judged(name, answer)


@tries(3, 30)
@given(data=st.data())
def test_the_same_answer_gets_the_same_verdict(tally, data):
    tally("exercises: hostile answers")
    name, answer = data.draw(st.sampled_from(exercises())), data.draw(st.sampled_from(STUDENTS))
    assert judged(name, answer) == judged(name, answer)


@tries(10, 150)
@given(name=junk() | any_text())
def test_other_names(tally, name):
    tally("exercises: hostile answers")
    with pytest.raises(ValueError, match=r"name must be an exercise: one of .*; got"):
        check(name, abs)


@tries(10, 150)
@given(chapter=junk() | st.integers(-2, 12))
def test_other_chapters(tally, chapter):
    tally("exercises: hostile answers")
    if chapter is None or is_whole(chapter, 1, 8):
        assert exercises(chapter)
    else:
        with pytest.raises(ValueError, match=r"chapter must be one of .* got"):
            exercises(chapter)
