"""The tiles that T_q * T_k pairs of queries and keys are cut into, and what is visible in each."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from txlib.checks import check_whole


@dataclass(frozen=True, kw_only=True)
class TileGrid:
    """Which tiles there are, which can be skipped, and which need a mask.

    Tiles are slices of the positions; those at an edge may be smaller. Most lie where everything or
    nothing is visible: the first need no mask, the others are never formed.

    Attributes:
        T_q: number of queries.
        T_k: number of keys.
        tile_q: queries in a tile, at least 1.
        tile_k: keys in a tile, at least 1.
        is_causal: hide the future, aligned lower-right: see `causal_mask`.
        key_lengths: integers (B,), 0 to T_k: of sentence b, keys from `key_lengths[b]` on are
            hidden. None hides none.
        device: where masks are made; `key_lengths` must be there.

    Raises:
        ValueError: if a tile is below 1.
    """

    T_q: int
    T_k: int
    tile_q: int
    tile_k: int
    is_causal: bool = False
    key_lengths: Tensor | None = None
    device: torch.device | str | None = None

    def __post_init__(self) -> None:
        for name, size in (("tile_q", self.tile_q), ("tile_k", self.tile_k)):
            check_whole(name, size, least=1)

    def query_tiles(self) -> Iterator[slice]:
        """All tiles of queries."""
        return _cut(0, self.T_q, self.tile_q)

    def key_tiles(self) -> Iterator[slice]:
        """All tiles of keys."""
        return _cut(0, self.T_k, self.tile_k)

    def key_tiles_seen_by(self, rows: slice) -> Iterator[slice]:
        """The tiles of keys of which a tile of queries sees any, cut off after the last seen."""
        end = self._extremes[1]
        if self.is_causal:
            end = min(end, rows.stop + self._shift)
        return _cut(0, end, self.tile_k)

    def query_tiles_that_see(self, cols: slice) -> Iterator[slice]:
        """The tiles of queries that see any of a tile of keys, from the first query that does."""
        if cols.start >= self._extremes[1]:
            return iter(())
        start = max(0, cols.start - self._shift) if self.is_causal else 0
        return _cut(start, self.T_q, self.tile_q)

    def hide(self, scores: Tensor, rows: slice, cols: slice) -> None:
        """Overwrite with -inf, in place, what may not be attended to in a tile.

        Args:
            scores: (B, H, t_q, t_k), those of the queries `rows` and the keys `cols`.
            rows: the positions of its queries.
            cols: those of its keys.
        """
        seen_by_all = rows.start + self._shift + 1  # keys before this one
        if self.is_causal and cols.stop > seen_by_all:
            i, j = self._positions(rows), self._positions(cols, seen_by_all)
            _last(scores, len(j)).masked_fill_(j > i[:, None] + self._shift, -torch.inf)
        in_all_sentences = self._extremes[0]
        if cols.stop > in_all_sentences:
            j = self._positions(cols, in_all_sentences)
            padding = j >= self.key_lengths[:, None, None, None]  # (B, 1, 1, t)
            _last(scores, len(j)).masked_fill_(padding, -torch.inf)

    def _positions(self, tile: slice, start: int = 0) -> Tensor:
        """Of a tile, those from `start` on."""
        return torch.arange(max(tile.start, start), tile.stop, device=self.device)

    @property
    def _shift(self) -> int:
        return self.T_k - self.T_q

    @cached_property
    def _extremes(self) -> tuple[int, int]:
        """The shortest and the longest of the key lengths."""
        if self.key_lengths is None or not len(self.key_lengths):
            return self.T_k, self.T_k
        return int(self.key_lengths.min()), int(self.key_lengths.max())


def _cut(start: int, stop: int, size: int) -> Iterator[slice]:
    for first in range(start, stop, size):
        yield slice(first, min(first + size, stop))


def _last(scores: Tensor, count: int) -> Tensor:
    return scores[..., scores.shape[-1] - count :]
