import random
from itertools import chain, islice

import pytest
import torch

from txlib.data.batching import BucketedBatches, make_batch
from txlib.data.vocabulary import BOS, EOS, PAD


@pytest.fixture
def pairs():
    generator = random.Random(0)
    lengths = [(generator.randint(0, 30), generator.randint(0, 35)) for _ in range(1003)]
    return [([10 + i] * n, [2000 + i] * m) for i, (n, m) in enumerate(lengths)]


def rows(batch):
    """The batch as a list of plain tuples, to compare two."""
    names = ("source", "source_mask", "target_in", "target_out", "target_mask")
    return [tuple(map(tuple, getattr(batch, name).tolist())) for name in names]


def test_batch_by_hand():
    batch = make_batch([([5, 6, 7], [8]), ([9], []), ((4,), (5, 6))])
    assert batch.source.tolist() == [[5, 6, 7, EOS], [9, EOS, PAD, PAD], [4, EOS, PAD, PAD]]
    assert batch.target_in.tolist() == [[BOS, 8, PAD], [BOS, PAD, PAD], [BOS, 5, 6]]
    assert batch.target_out.tolist() == [[8, EOS, PAD], [EOS, PAD, PAD], [5, 6, EOS]]
    assert batch.source_mask.tolist() == [[True] * 4, *[[True, True, False, False]] * 2]
    assert batch.target_mask.tolist() == [[True, True, False], [True, False, False], [True] * 3]
    assert batch.num_target_tokens == 6
    assert batch.source.dtype == batch.target_in.dtype == batch.target_out.dtype == torch.int64
    assert batch.source_mask.dtype == batch.target_mask.dtype == torch.bool


def test_id_zero_inside_a_sentence_is_still_a_token():
    batch = make_batch([([PAD, 5], [PAD])])
    assert batch.source_mask.all()
    assert batch.target_mask.all()


def test_to_moves_every_tensor():
    batch = make_batch([([5], [6])]).to("meta")
    assert {tensor.device.type for tensor in vars(batch).values()} == {"meta"}


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_pair_comes_once_an_epoch(pairs, shuffle):
    batches = BucketedBatches(pairs, 64, shuffle=shuffle)
    indices = batches.indices(3)
    assert sorted(chain(*indices)) == list(range(len(pairs)))
    assert len(indices) == len(batches) == 16
    assert {len(batch) for batch in indices} == {62, 63}


def test_batches_hold_the_pairs_of_their_indices(pairs):
    batches = BucketedBatches(pairs, 64, seed=5)
    for batch, indices in zip(batches.epoch(2), batches.indices(2), strict=True):
        assert rows(batch) == rows(make_batch([pairs[i] for i in indices]))


def test_without_shuffling_the_order_is_kept(pairs):
    batches = BucketedBatches(pairs, 64, shuffle=False)
    assert list(chain(*batches.indices(0))) == list(range(len(pairs)))
    assert batches.indices(7) == batches.indices(0)


def test_bucketing_saves_most_padding(pairs):
    def padding(shuffle):
        masks = [b.target_mask for b in BucketedBatches(pairs, 16, shuffle=shuffle).epoch(0)]
        return 1 - sum(m.sum().item() for m in masks) / sum(m.numel() for m in masks)

    assert padding(True) < 0.5 * padding(False)


def test_order_depends_on_seed_and_epoch_alone(pairs):
    batches = BucketedBatches(pairs, 64, seed=1)
    list(batches.epoch(4))
    again = BucketedBatches(pairs, 64, seed=1)
    assert batches.indices(3) == again.indices(3)
    assert batches.indices(3) != batches.indices(4)
    assert batches.indices(3) != BucketedBatches(pairs, 64, seed=2).indices(3)


def test_order_is_pinned():
    pairs = [([9] * n, [9]) for n in (3, 1, 2, 5, 4)]
    assert BucketedBatches(pairs, 2, seed=11).indices(6) == [[4, 3], [1], [2, 0]]


def test_neighbours_change_between_epochs(pairs):
    batches = BucketedBatches(pairs * 5, 16)
    first, second = ({frozenset(b) for b in batches.indices(n)} for n in (0, 1))
    assert len(first & second) < 0.1 * len(first)


def test_batches_of_like_length_do_not_come_in_a_row(pairs):
    widths = [batch.source.shape[1] for batch in BucketedBatches(pairs, 16).epoch(0)]
    assert widths != sorted(widths)


@pytest.mark.parametrize("start", [0, 1, 15, 16, 17, 40])
def test_stream_resumes_at_any_step(pairs, start):
    batches = BucketedBatches(pairs, 64, seed=3)
    whole = [rows(b) for b in islice(batches.stream(), 43)]
    resumed = [rows(b) for b in islice(batches.stream(start), 43 - start)]
    assert resumed == whole[start:]
    assert whole[16:32] == [rows(b) for b in batches.epoch(1)]


@pytest.mark.parametrize("shuffle", [True, False])
def test_ranks_share_each_batch(pairs, shuffle):
    whole = BucketedBatches(pairs, 64, seed=2, shuffle=shuffle)
    shares = [
        BucketedBatches(pairs, 64, seed=2, shuffle=shuffle, rank=rank, world_size=3)
        for rank in range(3)
    ]
    assert [len(share) for share in shares] == [len(whole)] * 3
    for batch, *parts in zip(whole.indices(1), *(s.indices(1) for s in shares), strict=True):
        assert sorted(chain(*parts)) == sorted(batch)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
        assert min(map(len, parts)) >= 1


def test_inputs_are_left_alone(pairs):
    before = [(list(source), list(target)) for source, target in pairs]
    list(BucketedBatches(pairs, 64).epoch(0))
    assert pairs == before


def test_single_pair():
    batches = BucketedBatches([([5], [6])], 64)
    assert len(batches) == 1
    assert next(batches.stream(9)).source.tolist() == [[5, EOS]]


def test_no_pairs():
    with pytest.raises(ValueError, match="pairs must hold at least one pair"):
        make_batch([])
    with pytest.raises(ValueError, match="pairs must hold at least one pair"):
        BucketedBatches([], 4)


def test_numbers_out_of_range(pairs):
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        BucketedBatches(pairs, 0)
    for rank, world_size in ((2, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match=rf"rank must lie in .*got {rank} of {world_size}"):
            BucketedBatches(pairs, 64, rank=rank, world_size=world_size)
    with pytest.raises(ValueError, match="epoch must not be negative, got -1"):
        BucketedBatches(pairs, 64).epoch(-1)
    with pytest.raises(ValueError, match="start_step must not be negative, got -1"):
        BucketedBatches(pairs, 64).stream(-1)


def test_batches_too_small_for_the_ranks(pairs):
    with pytest.raises(ValueError, match="at least world_size = 4 pairs, got batches of 3 from 7"):
        BucketedBatches(pairs[:7], 6, rank=0, world_size=4)
