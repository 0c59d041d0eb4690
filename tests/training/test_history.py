import json

import pytest

from txlib.training import History


@pytest.fixture
def history():
    history = History()
    for loss, speed in ((3.0, 10.0), (2.0, 30.0), (2.5, 20.0)):
        history.append(loss, 0.1, 1.5, speed)
    history.evaluations += [{"step": 1, "loss": 2.0}, {"step": 3, "loss": 1.0}]
    history.evaluations += [{"step": 4, "loss": 1.0}]
    return history


def test_axes_and_summaries(history):
    assert history.steps == [1, 2, 3]
    assert len(history) == 3
    assert history.throughput == 20.0
    assert history.best() == {"step": 3, "loss": 1.0}
    assert repr(history) == "History(3 steps, last loss 2.500, 3 evaluations)"


def test_survives_json(history):
    assert History.from_dict(json.loads(json.dumps(history.to_dict()))) == history


def test_a_copy_does_not_share_its_lists(history):
    copy = History.from_dict(history.to_dict())
    copy.append(1.0, 0.1, 1.0, 5.0)
    assert len(history) == 3


def test_empty():
    assert History().best() is None
    assert History().throughput == 0.0
    assert repr(History()) == "History(0 steps, 0 evaluations)"


def test_errors(history):
    with pytest.raises(ValueError, match=r"data must have the keys .* got \{'losses': \[\]\}"):
        History.from_dict({"losses": []})
    with pytest.raises(ValueError, match="every evaluation must have the key 'bleu'"):
        history.best("bleu")
