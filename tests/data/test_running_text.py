from itertools import islice

import pytest
import torch

from txlib.data.running_text import RunningText, TextBatch


def test_only_piece_there_is():
    batch = RunningText(ids=[7, 5, 6, 8], length=3, batch_size=2).batch(0)
    assert batch.tokens.tolist() == [[7, 5, 6]] * 2
    assert batch.targets.tolist() == [[5, 6, 8]] * 2
    assert batch.num_target_tokens == 6


def test_pieces_are_stretches_of_the_text_and_every_start_comes():
    text = RunningText(ids=range(100, 110), length=4, batch_size=200)
    batch = text.batch(3)
    assert (batch.targets == batch.tokens + 1).all()
    assert (batch.tokens.diff(dim=1) == 1).all()
    assert sorted(set(batch.tokens[:, 0].tolist())) == list(range(100, 106))


def test_a_batch_depends_on_seed_and_step_alone():
    text = RunningText(ids=range(50), length=5, batch_size=3, seed=1)
    streamed = list(islice(text.stream(start_step=2), 2))
    assert all(
        torch.equal(batch.tokens, text.batch(step).tokens)
        for step, batch in enumerate(streamed, start=2)
    )
    assert not torch.equal(streamed[0].tokens, streamed[1].tokens)
    other = RunningText(ids=range(50), length=5, batch_size=3, seed=2)
    assert not torch.equal(other.batch(2).tokens, streamed[0].tokens)


def test_a_batch_moves():
    moved = TextBatch(torch.zeros(2, 3), torch.ones(2, 3)).to("meta")
    assert moved.tokens.is_meta
    assert moved.targets.is_meta


def test_errors():
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        RunningText(ids=[1, 2], length=0)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got -1"):
        RunningText(ids=[1, 2], length=1, batch_size=-1)
    with pytest.raises(ValueError, match=r"ids must be more than length=2, .* got 2"):
        RunningText(ids=[1, 2], length=2)
