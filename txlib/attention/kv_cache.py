"""Keys and values of the tokens so far, kept from one step of decoding to the next."""

import copy

import torch
from torch import Tensor

from txlib.attention import cache_checks
from txlib.attention.cache_buffer import last_slots, new_buffer, resized, write_slots

FIRST_SLOTS = 32  # of a cache that grows


class KVCache:
    """One attention layer's keys and values, in memory that is set aside once.

    A token's key depends on no later token: computed once, it serves every later query. Slot p of
    a row holds position p; what lies behind a row's length is rubbish that the next `append`
    overwrites. Rows may differ in length: `counts` of `append` and tensors in `rollback` make them.

    Lengths that agree are one int, and nothing is asked of the device then. Those that differ cost
    a mask a step, and are read back when rows are rolled back, selected or given `counts`.

    With a `window` the buffer has at most 2 W slots; when it is full, the last W - 1 are moved to
    the front, so that W + 1 steps share one move.

    Where gradients are asked for, nothing is written in place: `append` concatenates, and they flow
    back through what is kept. That is slow, and for rows of one length only; decode within
    `torch.no_grad()`.

    Source: what Shazeer 2019, section 2.4, passes on between steps, `prev_K` and `prev_V`; the
    window: Beltagy et al. 2020, section 3.1, causal; chapter 8.

    Args:
        batch_size: B, at least 1.
        num_kv_heads: H_kv, at least 1.
        head_dim: D, at least 1.
        max_len: positions that a row may have in all, at least 1; None has no limit, and the buffer
            doubles whenever it is full.
        window: W, keys that a query may see, its own included, at least 1; all if None.
        device: where the buffer is.
        dtype: of what is kept; torch's default if None.

    Raises:
        ValueError: if a size is below 1.
    """

    def __init__(
        self,
        batch_size: int,
        num_kv_heads: int,
        head_dim: int,
        *,
        max_len: int | None,
        window: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        sizes = {"batch_size": batch_size, "num_kv_heads": num_kv_heads, "head_dim": head_dim}
        cache_checks.check_sizes(sizes, {"max_len": max_len, "window": window})
        self.max_len = max_len
        self.window = window
        bounds = [size for size in (max_len, window and 2 * window) if size is not None]
        self._capacity = min(bounds, default=None)  # of the buffer, between two calls
        slots = FIRST_SLOTS if self._capacity is None else self._capacity
        self._sizes = (batch_size, num_kv_heads, head_dim)
        self._take(new_buffer((2, batch_size, num_kv_heads, slots, head_dim), device, dtype))
        self._offset: int | Tensor = 0  # position of each row's next token
        self._start: int | Tensor = 0  # position of each row's slot 0
        self._longest = 0  # the largest length, known without asking the device
        self._used = 0  # slots of the row that uses most

    @property
    def offset(self) -> int | Tensor:
        """Position of the next token: an int where all rows agree, else int64 (B,)."""
        return self._offset

    @property
    def start(self) -> int | Tensor:
        """Position of the oldest key kept, like `offset`; above 0 with a window alone."""
        return self._start

    @property
    def lengths(self) -> Tensor:
        """int64 (B,), tokens appended so far: the position of each row's next one."""
        if isinstance(self._offset, Tensor):
            return self._offset
        return torch.full(self._sizes[:1], self._offset, device=self._buffer.device)

    @property
    def nbytes(self) -> int:
        """Bytes set aside for keys and values together."""
        return self._buffer.nbytes

    def append(
        self, keys: Tensor, values: Tensor, counts: Tensor | None = None
    ) -> tuple[Tensor, Tensor, int | Tensor]:
        """Put new tokens behind each row's last, and return what their queries may look at.

        Args:
            keys: (B, H_kv, T, D), of positions `offset` to `offset` + T - 1.
            values: likewise.
            counts: int64 (B,), how many of the T are real tokens, padded on the right; all if None.
                Padding needs room, but is forgotten at once.

        Returns:
            Keys and values, (B, H_kv, T_k, D), views into the buffer, good until the next call; and
            which of the T_k the first of the T is: T_k - T, or int64 (B,) where rows had unequal
            lengths. With a window those that none of the T may see are left out, as far as rows
            agree.

        Raises:
            ValueError: if shapes do not agree, `counts` are no integers from 0 to T, more than
                `max_len` positions would be held, or gradients meet rows of unequal lengths.
        """
        T = cache_checks.check_new_tokens(keys, values, self._sizes, self._buffer)
        counted = None if counts is None else cache_checks.listed(counts, "counts", len(keys), T)
        if self.max_len is not None and self._longest + T > self.max_len:
            raise ValueError(
                f"a row holds at most max_len={self.max_len} positions, got {T} more after "
                f"{self._longest}"
            )
        uniform = isinstance(self._offset, int)
        first = self._used if uniform else self._rows_used()
        if torch.is_grad_enabled() and (keys.requires_grad or self._buffer.requires_grad):
            if not uniform or counts is not None:
                raise ValueError(
                    "rows of unequal lengths are written in place, which no gradient passes: use "
                    f"torch.no_grad(), got keys of requires_grad={keys.requires_grad}"
                )
            kept = self._kept(self._used if self.window is None else self.window - 1)
            first = self._used
            self._take(torch.cat((kept, torch.stack((keys, values))), dim=3))
        else:
            if self._make_room(T):
                first = self._used if uniform else self._rows_used()
            for half, new in zip(self._halves, (keys, values), strict=True):
                write_slots(half, new, first)
        end = self._used + T
        unseen = max(0, first - self.window + 1) if uniform and self.window is not None else 0
        seen = [half.narrow(2, unseen, end - unseen) for half in self._halves]
        if keys.dtype != self._buffer.dtype:
            seen = [half.to(keys.dtype) for half in seen]
        if counted is None:
            self._offset, self._longest, self._used = self._offset + T, self._longest + T, end
        else:
            before = self._each(self._offset)
            self._settle([old + new for old, new in zip(before, counted, strict=True)])
        grown = self._capacity is not None and self._buffer.shape[3] > self._capacity
        if grown and not self._buffer.requires_grad:
            self._take(resized(self._kept(self._capacity), self._capacity))
        return *seen, first - unseen

    def rollback(self, lengths: int | Tensor) -> None:
        """Forget each row's newest tokens: what a draft foretold and was refused, say.

        Args:
            lengths: of all rows, or int64 (B,), from 0 to their own; with a window, not so far back
                that keys would be missing which it has dropped. What one `append` of at most W + 1
                tokens brought can always be taken back.

        Raises:
            ValueError: if `lengths` are no such numbers.
        """
        held = self._each(self._offset)
        wanted = cache_checks.lengths_wanted(lengths, len(held), self._longest)
        cache_checks.check_rollback(wanted, held, self._each(self._start), self.window)
        self._settle(wanted)

    def select(self, rows: Tensor) -> "KVCache":
        """Another cache, of other rows of the batch, as beams are chosen; this one stays.

        Args:
            rows: int64 (B_new,), repeats allowed.

        Returns:
            A cache whose row i is row `rows[i]`, with a buffer of its own.

        Raises:
            ValueError: if `rows` are no rows of this one. On a GPU numbers are not looked at.
        """
        cache_checks.check_rows(rows, self._sizes[0], self._buffer)
        new = copy.copy(self)
        with torch.inference_mode(False):
            new._take(self._buffer[:, rows])
        new._sizes = (len(rows), *self._sizes[1:])
        if isinstance(self._offset, Tensor):
            new._offset = self._offset[rows]
            if isinstance(self._start, Tensor):
                new._start = self._start[rows]
            new._settle(new._offset.tolist())
        return new

    def __repr__(self) -> str:
        """Sizes and lengths."""
        B, H_kv, D = self._sizes
        return (
            f"KVCache(batch_size={B}, num_kv_heads={H_kv}, head_dim={D}, max_len={self.max_len}, "
            f"window={self.window}, lengths={self.lengths.tolist()})"
        )

    def _each(self, positions: int | Tensor) -> list[int]:
        if isinstance(positions, int):
            return [positions] * self._sizes[0]
        return positions.tolist()

    def _settle(self, lengths: list[int]) -> None:
        """Take these lengths for the rows', as one int where nothing tells the rows apart."""
        starts = self._each(self._start)
        if len(set(lengths)) == len(set(starts)) == 1:
            self._offset, self._start = lengths[0], starts[0]
        else:
            self._offset = torch.tensor(lengths, device=self._buffer.device)
        self._longest = max(lengths)
        self._used = max(length - start for length, start in zip(lengths, starts, strict=True))

    def _take(self, buffer: Tensor) -> None:
        self._buffer = buffer  # (2, B, H_kv, S, D)
        self._halves = buffer.unbind(0)  # keys and values, looked at in every step

    def _make_room(self, T: int) -> bool:
        """See to it that T more slots can be written to; whether that moved anything."""
        slots, is_traced = self._buffer.shape[3], self._buffer.requires_grad
        full = self._used + T > slots
        if not (full or is_traced):
            return False
        moved = full and self.window is not None
        kept = self._kept(self.window - 1 if moved else self._used)
        needed = self._used + T
        if needed > slots or is_traced:  # a graph wants its tensors as they are
            self._take(resized(kept, max(needed, slots if self._capacity else 2 * slots)))
        else:
            self._buffer[:, :, :, : self._used] = kept.clone()  # old and new slots may overlap
        return True

    def _kept(self, count: int) -> Tensor:
        """Let each row's slots begin with its last `count`, or all it has: these, not yet moved."""
        if self._used <= count:
            return self._buffer[:, :, :, : self._used]
        used = self._used if isinstance(self._offset, int) else self._rows_used()
        kept = last_slots(self._buffer, used, count)
        gone = used - count
        self._start = self._start + (gone.clamp(min=0) if isinstance(gone, Tensor) else gone)
        self._used = count
        return kept

    def _rows_used(self) -> Tensor:
        return self._offset - self._start
