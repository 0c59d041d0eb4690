"""Running text for a model that foretells each next token: one long row of ids, cut anywhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import torch
from torch import Tensor

from txlib.checks import check_whole, shown
from txlib.data.order_questions import MOST


@dataclass(frozen=True)
class TextBatch:
    """Pieces of a text.

    Attributes:
        tokens: int64 (B, T), what is read.
        targets: int64 (B, T), the token after each.
    """

    tokens: Tensor
    targets: Tensor

    @property
    def num_target_tokens(self) -> int:
        """How many tokens the loss is taken over: all."""
        return self.targets.numel()

    def to(self, device: torch.device | str) -> "TextBatch":
        """The same batch on a device."""
        return TextBatch(self.tokens.to(device), self.targets.to(device))


@dataclass(frozen=True, kw_only=True)
class RunningText:
    """Pieces that begin at random places, without end; batch i depends on `seed` and i alone.

    Args:
        ids: the text, more than `length` ids.
        length: T of a piece, at least 1.
        batch_size: B, at least 1.
        seed: another seed, other pieces.

    Raises:
        ValueError: if an argument is not as stated.

    Example:
        >>> text = RunningText(ids=range(100), length=4, batch_size=2)
        >>> batch = text.batch(0)
        >>> torch.equal(batch.tokens[:, 1:], batch.targets[:, :-1])  # the next token, everywhere
        True
    """

    ids: Sequence[int]
    length: int
    batch_size: int = 32
    seed: int = 0
    _row: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("length", "batch_size"):
            check_whole(name, getattr(self, name), least=1)
        check_whole("seed", self.seed, least=-MOST, most=MOST)
        if isinstance(self.ids, (str, bytes)) or not hasattr(self.ids, "__len__"):
            raise ValueError(f"ids must be a row of whole numbers, got {shown(self.ids)}")
        try:
            row = torch.as_tensor(self.ids)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            row = None
        if row is None or row.ndim != 1 or (row.is_floating_point() and len(row)):
            raise ValueError(f"ids must be a row of whole numbers, got {shown(self.ids)}")
        if row.dtype == torch.bool or row.is_complex() or (len(row) and row.min() < 0):
            raise ValueError(f"ids must be whole numbers from 0, got {shown(self.ids)}")
        if len(self.ids) <= self.length:
            raise ValueError(
                f"ids must be more than length={self.length}, for each has a next, "
                f"got {len(self.ids)}"
            )
        object.__setattr__(self, "_row", row.long())

    def batch(self, step: int) -> TextBatch:
        """The batch of one step, 0 first.

        Raises:
            ValueError: if `step` is no whole number from 0.
        """
        check_whole("step", step, least=0, most=MOST)
        random = torch.Generator().manual_seed(int(self.seed) * 1_000_003 + int(step))
        starts = len(self.ids) - self.length
        first = torch.randint(starts, (self.batch_size, 1), generator=random)
        pieces = self._row[first + torch.arange(self.length + 1)]  # (B, T + 1)
        return TextBatch(pieces[:, :-1], pieces[:, 1:])

    def stream(self, start_step: int = 0) -> Iterator[TextBatch]:
        """Batches from a step on, for `txlib.training.fit`.

        Raises:
            ValueError: if `start_step` is no whole number from 0.
        """
        check_whole("start_step", start_step, least=0, most=MOST)
        return map(self.batch, count(start_step))
