"""Positions as a table: one learned vector for each."""

from torch import Tensor, nn

from txlib.checks import check_number, check_whole
from txlib.positions.offsets import check_offset, positions_from
from txlib.positions.sinusoidal import check_embeddings
from txlib.tensor_checks import check_like, check_scale


class LearnedEncoding(nn.Module):
    """Adds to each embedding the vector that training found for its position.

    A position that training never reached keeps its first, random, vector, and beyond the table
    there is none.

    Source: Gehring et al. 2017, section 3.1; BERT and GPT-2 do the same; chapter 4.

    Args:
        max_seq_len: rows of the table, at least 1: positions 0 to `max_seq_len` - 1.
        d_model: C, features of an embedding, at least 1.
        std: deviation of the first values, at least 0; BERT's and GPT-2's order of magnitude.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> encoding = LearnedEncoding(max_seq_len=16, d_model=8)
        >>> encoding(torch.randn(2, 5, 8)).shape
        torch.Size([2, 5, 8])
    """

    def __init__(self, max_seq_len: int, d_model: int, *, std: float = 0.02):
        super().__init__()
        for name, size in (("max_seq_len", max_seq_len), ("d_model", d_model)):
            check_whole(name, size, least=1)
        check_number("std", std)
        if not std >= 0:
            raise ValueError(f"std must be at least 0, got {std}")
        check_scale("std", std)
        self.table = nn.Embedding(max_seq_len, d_model)
        nn.init.normal_(self.table.weight, std=std)

    def forward(self, x: Tensor, offset: int | Tensor = 0) -> Tensor:
        """Embeddings that know where they stand.

        Args:
            x: (B, T, C).
            offset: position of the first of them, at least 0, or int64 (B,), each row's; above 0
                when decoding from a cache. Reading a tensor waits for a GPU.

        Returns:
            (B, T, C), with the dtype of `x`.

        Raises:
            ValueError: if `x` does not end in C, `offset` is negative or the table too short.
        """
        max_seq_len, d_model = self.table.weight.shape
        check_embeddings(x, d_model)
        check_like("x", x, self.table.weight, any_floats=True)
        check_offset(offset, x)
        alike = not isinstance(offset, Tensor)
        first, farthest = (offset, offset) if alike else map(int, offset.aminmax())
        end = farthest + x.shape[1]
        if first < 0:
            raise ValueError(f"offset must be at least 0, got {first}")
        if end > max_seq_len:
            raise ValueError(
                f"positions must lie below max_seq_len={max_seq_len}, the rows of the table; "
                f"got {x.shape[1]} from {farthest} on, which ends at {end - 1}"
            )
        if alike:
            return x + self.table.weight[offset:end].to(x.dtype)
        rows = positions_from(offset, x.shape[1], device=x.device)  # (B, T)
        return x + self.table(rows).to(x.dtype)
