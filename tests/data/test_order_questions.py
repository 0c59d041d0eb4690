import itertools

import pytest
import torch

from txlib.data.order_questions import OrderQuestions

TASKS = ("place", "distance")


@pytest.mark.parametrize("task", TASKS)
def test_every_answer_is_the_token_asked_for(task):
    questions = OrderQuestions(task=task, length=13, reach=5, num_tokens=7, batch_size=40, seed=3)
    batch = questions.batch(2)
    asked = 0
    for row, answers, marks in zip(batch.tokens, batch.answers, batch.is_question, strict=True):
        for position in marks.nonzero().flatten().tolist():
            k = row[position].item() - 7
            target = k if task == "place" else position - k - 1
            assert 0 <= k < 5
            assert 0 <= target < position
            assert not marks[target]
            assert answers[position] == row[target]
            asked += 1
        assert (row[~marks] < 7).all()
    assert asked == batch.num_target_tokens > 40


def test_the_latest_of_a_kind_is_the_last_one_before():
    batch = OrderQuestions(task="latest", length=15, reach=3, num_tokens=6, batch_size=40).batch(1)
    asked = 0
    for row, answers, marks in zip(
        batch.tokens.tolist(), batch.answers.tolist(), batch.is_question.tolist(), strict=True
    ):
        for position, mark in enumerate(marks):
            if mark:
                kind = row[position] - 6
                past = [row[t] for t in range(position) if not marks[t] and row[t] % 3 == kind]
                assert answers[position] == past[-1]
                asked += 1
    assert asked == batch.num_target_tokens > 40


@pytest.mark.parametrize("task", [*TASKS, "latest"])
def test_all_questions_and_all_tokens_occur(task):
    batch = OrderQuestions(task=task, length=20, reach=5, num_tokens=6, batch_size=200).batch(0)
    assert set(batch.tokens.unique().tolist()) == set(range(6 + 5))
    assert 0.4 < batch.is_question.float().mean() < 0.5


def test_far_positions_ask_about_places_that_short_sequences_have():
    batch = OrderQuestions(task="place", length=60, reach=4, batch_size=50).batch(0)
    late = batch.tokens[:, 40:][batch.is_question[:, 40:]]
    assert set((late - 16).tolist()) <= {0, 1, 2, 3}


def test_stream_begins_at_any_step_and_seeds_differ():
    questions = OrderQuestions(task="place", length=8, reach=8, batch_size=4)
    later = list(itertools.islice(questions.stream(2), 2))
    for batch, step in zip(later, (2, 3), strict=True):
        assert torch.equal(batch.tokens, questions.batch(step).tokens)
    other = OrderQuestions(task="place", length=8, reach=8, batch_size=4, seed=1).batch(2)
    assert not torch.equal(other.tokens, later[0].tokens)


def test_shapes_sizes_and_device():
    questions = OrderQuestions(task="distance", length=9, reach=3, num_tokens=4, batch_size=2)
    batch = questions.batch(0).to("cpu")
    assert batch.tokens.shape == batch.answers.shape == batch.is_question.shape == (2, 9)
    assert questions.vocab_size == 7
    assert not batch.is_question[:, 0].any()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"task": "time"}, r"task must be one of \('place', .*\), got 'time'"),
        ({"length": 1}, "length must be at least 2, got 1"),
        ({"reach": 0}, "reach must be at least 1, got 0"),
        ({"num_tokens": 1}, "num_tokens must be at least 2, got 1"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ],
)
def test_bad_arguments(changed, message):
    with pytest.raises(ValueError, match=message):
        OrderQuestions(**{"task": "place", "length": 8, "reach": 8, **changed})
