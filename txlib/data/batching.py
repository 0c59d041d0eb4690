"""Batches of sentence pairs: padded, masked, grouped by length, and repeatable."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import chain, islice, pairwise

import torch
from torch import Tensor

from txlib.checks import check_flag, check_sequence, check_whole, shown
from txlib.data.vocabulary import BOS, EOS, PAD

EncodedPair = tuple[Sequence[int], Sequence[int]]
WINDOW = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """B sentence pairs, ready for teacher forcing: `target_out` is `target_in` one step ahead.

    Args:
        source: (B, T_s) int64; each row is a sentence, EOS, then PAD.
        source_mask: (B, T_s) bool, True = a real token, EOS included.
        target_in: (B, T_t) int64; BOS, the sentence, then PAD: what the decoder is given.
        target_out: (B, T_t) int64; the sentence, EOS, then PAD: what it must say.
        target_mask: (B, T_t) bool, True = a real token, in `target_in` and `target_out` alike.
    """

    source: Tensor
    source_mask: Tensor
    target_in: Tensor
    target_out: Tensor
    target_mask: Tensor

    @property
    def num_target_tokens(self) -> int:
        """How many tokens the loss is taken over: words of the targets and one EOS a row."""
        return int(self.target_mask.sum())

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on `device`."""
        return Batch(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def make_batch(pairs: Sequence[EncodedPair]) -> Batch:
    """Pad encoded pairs into one batch, adding EOS to sources, and BOS and EOS to targets.

    Args:
        pairs: (source ids, target ids), neither with BOS or EOS; a sentence may be empty.

    Raises:
        ValueError: if there is no pair, one is no pair, or an id is no whole number from 0.

    Example:
        >>> batch = make_batch([([5, 6, 7], [8, 9]), ([5], [9])])
        >>> batch.source  # 2 ends a sentence, 0 is padding
        tensor([[5, 6, 7, 2],
                [5, 2, 0, 0]])
        >>> batch.target_in  # 1 begins one
        tensor([[1, 8, 9],
                [1, 9, 0]])
        >>> batch.target_out  # the same, one place on
        tensor([[8, 9, 2],
                [9, 2, 0]])
    """
    check_sequence("pairs", pairs, "pairs of sentences")
    if not pairs:
        raise ValueError(f"pairs must hold at least one pair, got {pairs!r}")
    pairs = [(_ids(source), _ids(target)) for source, target in map(_pair, pairs)]
    source, source_mask = _pad([[*source, EOS] for source, _ in pairs])
    target_in, target_mask = _pad([[BOS, *target] for _, target in pairs])
    target_out, _ = _pad([[*target, EOS] for _, target in pairs])
    return Batch(
        source=source,
        source_mask=source_mask,
        target_in=target_in,
        target_out=target_out,
        target_mask=target_mask,
    )


def _pair(pair: object) -> tuple[object, object]:
    if isinstance(pair, (str, bytes)) or not hasattr(pair, "__len__") or len(pair) != 2:
        raise ValueError(f"pairs must hold (source ids, target ids), got {shown(pair)}")
    return tuple(pair)


def _ids(sentence: object) -> list[int]:
    """The ids as a list of numbers that an embedding can look up."""
    listed = sentence.tolist() if hasattr(sentence, "tolist") else sentence
    if isinstance(listed, (str, bytes)) or not isinstance(listed, Sequence):
        raise ValueError(f"pairs must hold sequences of ids, got {shown(sentence)}")
    if not {type(i) for i in listed} <= {int}:  # numpy's numbers, or none
        for i in listed:
            check_whole("ids in pairs", i)
    if listed and not 0 <= min(listed) <= max(listed) < 2**63:
        raise ValueError(f"ids in pairs must be from 0 up, got {min(listed)} and {max(listed)}")
    return list(map(int, listed))


def _pad(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows of unequal length as (B, T) ids and their (B, T) mask, True = a real token."""
    lengths = torch.tensor([len(row) for row in rows])
    width = int(lengths.max())
    ids = torch.tensor([[*row, *[PAD] * (width - len(row))] for row in rows], dtype=torch.int64)
    return ids, torch.arange(width) < lengths[:, None]


class BucketedBatches:
    """Batches of sentences of like length, in an order that depends on the seed and epoch alone.

    An epoch shuffles the pairs, sorts them within windows of 50 batches by the length of the longer
    side, cuts the batches and shuffles these: little padding, and yet other neighbours each time.
    Every pair comes once an epoch. Batch sizes differ by at most one, so no epoch ends on a tiny
    batch.

    With `world_size` R, rank r takes every R-th pair of each batch: together the ranks see at each
    step what one process alone would see. Shares may differ by one pair, and so in tokens: weigh a
    rank's mean loss by its tokens.

    Args:
        pairs: encoded (source ids, target ids), without BOS and EOS.
        batch_size: the most pairs in a batch, over all ranks together.
        seed: chooses the sequence of epochs.
        shuffle: False keeps the order of `pairs`, the same each epoch, as an evaluation wants it.
        rank: this process, in [0, world_size).
        world_size: how many processes share each batch.

    Raises:
        ValueError: if there are no pairs, a number is out of range, or a batch would be too small
            to give every rank a pair.
    """

    def __init__(
        self,
        pairs: Sequence[EncodedPair],
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        rank: int = 0,
        world_size: int = 1,
    ):
        check_sequence("pairs", pairs, "pairs of sentences")
        if not pairs:
            raise ValueError(f"pairs must hold at least one pair, got {pairs!r}")
        for pair in pairs:
            for side in _pair(pair):
                if not hasattr(side, "__len__") or isinstance(side, (str, bytes)):
                    raise ValueError(f"pairs must hold sequences of ids, got {shown(side)}")
        for name, number in (("batch_size", batch_size), ("seed", seed), ("rank", rank)):
            check_whole(name, number)
        check_whole("batch_size", batch_size, least=1)
        check_whole("world_size", world_size)
        check_flag("shuffle", shuffle)
        if not 0 <= rank < world_size:
            raise ValueError(f"rank must lie in [0, world_size), got {rank} of {world_size}")
        self._num_batches = -(-len(pairs) // batch_size)
        smallest = len(pairs) // self._num_batches
        if smallest < world_size:
            raise ValueError(
                f"every batch must hold at least world_size = {world_size} pairs, got batches of "
                f"{smallest} from {len(pairs)} pairs and batch_size {batch_size}"
            )
        self._pairs = pairs
        self._seed = seed
        self._shuffle = shuffle
        self._rank = rank
        self._world_size = world_size

    def __len__(self) -> int:
        """Batches in an epoch, on every rank alike."""
        return self._num_batches

    def indices(self, epoch: int) -> list[list[int]]:
        """Which pairs each batch of `epoch` holds on this rank, as positions in `pairs`."""
        check_whole("epoch", epoch)
        if epoch < 0:
            raise ValueError(f"epoch must not be negative, got {epoch}")
        order = list(range(len(self._pairs)))
        batches = self._cut(order) if not self._shuffle else self._shuffled(order, epoch)
        return [batch[self._rank :: self._world_size] for batch in batches]

    def epoch(self, n: int) -> Iterator[Batch]:
        """The batches of epoch `n` (0, 1, ...): a pure function of the seed and `n`."""
        check_whole("n", n)
        return self._make(self.indices(n))

    def stream(self, start_step: int = 0) -> Iterator[Batch]:
        """Epoch after epoch without end, from any step on.

        Args:
            start_step: batches already consumed, at least 0; the stream goes on as if they had
                been read, without building them.
        """
        check_whole("start_step", start_step)
        if start_step < 0:
            raise ValueError(f"start_step must not be negative, got {start_step}")
        return self._stream(*divmod(start_step, len(self)))

    def _stream(self, epoch: int, done: int) -> Iterator[Batch]:
        while True:
            yield from self._make(islice(self.indices(epoch), done, None))
            epoch, done = epoch + 1, 0

    def _make(self, batches: Iterable[list[int]]) -> Iterator[Batch]:
        return (make_batch([self._pairs[i] for i in batch]) for batch in batches)

    def _cut(self, order: list[int]) -> list[list[int]]:
        total, count = len(order), len(self)
        edges = [k * total // count for k in range(count + 1)]
        return [order[low:high] for low, high in pairwise(edges)]

    def _shuffled(self, order: list[int], epoch: int) -> list[list[int]]:
        generator = random.Random(f"{self._seed}/{epoch}")
        generator.shuffle(order)
        cut = self._cut(order)
        batches = []
        for start in range(0, len(cut), WINDOW):
            window = cut[start : start + WINDOW]
            members = iter(sorted(chain.from_iterable(window), key=self._length))
            batches += [list(islice(members, len(batch))) for batch in window]
        generator.shuffle(batches)
        return batches

    def _length(self, index: int) -> tuple[int, int]:
        source, target = map(len, self._pairs[index])
        return max(source, target), source
