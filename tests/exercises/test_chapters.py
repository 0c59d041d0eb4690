"""What holds for the exercises of every chapter."""

import importlib

import pytest

from txlib.exercises import check, exercises
from txlib.exercises.compare import difference
from txlib.exercises.registry import _CHAPTERS

BY_CHAPTER = {
    chapter: importlib.import_module(module).EXERCISES for chapter, module in _CHAPTERS.items()
}
EXERCISES = {name: e for found in BY_CHAPTER.values() for name, e in found.items()}
EVERY = [(e, m) for e in EXERCISES.values() for m in e.misconceptions]


@pytest.mark.parametrize("chapter", BY_CHAPTER)
def test_registry_and_chapter_agree(chapter):
    found = BY_CHAPTER[chapter]
    assert tuple(found) == exercises(chapter=chapter)
    assert all(e.chapter == chapter and e.name == name for name, e in found.items())


def test_no_name_stands_twice():
    assert len(EXERCISES) == sum(map(len, BY_CHAPTER.values()))


@pytest.mark.parametrize("name", EXERCISES)
def test_stubs_fail_kindly(name):
    def raises(*arguments):
        raise NotImplementedError

    def dots(*arguments): ...

    for stub in (raises, dots, lambda *arguments: ...):
        verdict = check(name, stub)
        assert not verdict.passed
        assert verdict.diagnosis == "not yet"
        assert repr(verdict).startswith(f"Not yet: {name}. ")


@pytest.mark.parametrize("name", EXERCISES)
def test_reference_passes(name):
    assert check(name, EXERCISES[name].reference).passed


@pytest.mark.parametrize(("exercise", "misconception"), EVERY, ids=lambda item: item.name)
def test_no_wrong_turn_is_taken_for_another(exercise, misconception):
    for wrong in misconception.answers:

        def answer(*inputs, wrong=wrong):
            pick = wrong if misconception.applies(*inputs) else exercise.reference
            return pick(*inputs)

        assert check(exercise.name, answer).diagnosis == misconception.name


@pytest.mark.parametrize("name", EXERCISES)
def test_every_wrong_turn_has_its_own_words(name):
    found = EXERCISES[name].misconceptions
    assert len(found) >= 5
    for words in ("name", "message", "hint"):
        assert len({getattr(m, words) for m in found}) == len(found)
    for m in found:
        assert m.message.endswith(".")
        assert 30 < len(m.message) < 240
        assert len(m.hint) > 20


@pytest.mark.parametrize("name", EXERCISES)
def test_inputs_are_the_same_every_time_and_never_alike(name):
    first, second = EXERCISES[name].cases(), EXERCISES[name].cases()
    right = [EXERCISES[name].reference(*inputs) for inputs in first]
    again = [EXERCISES[name].reference(*inputs) for inputs in second]
    assert all(difference(a, b) is None for a, b in zip(right, again, strict=True))
    assert any(difference(right[0], other) is not None for other in right[1:])
