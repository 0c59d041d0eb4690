"""Tasks about order: which token stood there? Asked by place, by distance, or for the latest."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal, get_args

import torch
from torch import Tensor

from txlib.checks import check_one_of, check_whole

MOST = 2**40  # of seeds and steps, so that any two of them still make one of torch's seeds

Task = Literal["place", "distance", "latest"]


@dataclass(frozen=True)
class OrderBatch:
    """Sequences of tokens, with a question at about every second position.

    Attributes:
        tokens: int64 (B, T): a token as it is, or a question's number above all tokens.
        answers: int64 (B, T): the token asked for; anything where there is no question.
        is_question: bool (B, T).
    """

    tokens: Tensor
    answers: Tensor
    is_question: Tensor

    @property
    def num_target_tokens(self) -> int:
        """Questions in the batch."""
        return int(self.is_question.sum())

    def to(self, device: torch.device | str) -> "OrderBatch":
        """The same batch on a device."""
        return OrderBatch(*(x.to(device) for x in (self.tokens, self.answers, self.is_question)))


@dataclass(frozen=True, kw_only=True)
class OrderQuestions:
    """Random tokens and questions among them, without end; batch i depends on `seed` and i alone.

    A question with number k asks, by task: "place": which token stood at position k (0 first)?
    "distance": which token stood k + 1 positions before this one? "latest": of the tokens that
    leave k when divided by `reach`, which came last? It only asks for what exists: an earlier
    position that holds a token, not a question. By place and by distance, all such positions that
    the questions can name have equal chances; kinds, as often as they have come. Chapter 4.

    Args:
        task: "place", "distance" or "latest".
        length: T, at least 2.
        reach: how many questions there are, k = 0 ... reach - 1, at least 1.
        num_tokens: different tokens, at least 2. Question k is written `num_tokens` + k.
        batch_size: B, at least 1.
        seed: another seed, other batches.

    Raises:
        ValueError: if an argument is not as stated.
    """

    task: Task
    length: int
    reach: int
    num_tokens: int = 16
    batch_size: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        check_one_of("task", self.task, get_args(Task))
        check_whole("seed", self.seed, least=-MOST, most=MOST)
        for name, least in (("length", 2), ("reach", 1), ("num_tokens", 2), ("batch_size", 1)):
            check_whole(name, getattr(self, name), least=least)

    @property
    def vocab_size(self) -> int:
        """V: tokens and questions."""
        return self.num_tokens + self.reach

    def batch(self, step: int) -> OrderBatch:
        """The batch of one step, 0 first.

        Raises:
            ValueError: if `step` is no whole number from 0.
        """
        check_whole("step", step, least=0, most=MOST)
        random = torch.Generator().manual_seed(int(self.seed) * 1_000_003 + int(step))
        B, T = self.batch_size, self.length
        tokens = torch.randint(self.num_tokens, (B, T), generator=random)
        asks = torch.rand(B, T, generator=random) < 0.5
        asks[:, 0] = False  # nothing comes before it
        position = torch.arange(T)
        distance = position[:, None] - position  # (T, T), query by key
        there = (distance > 0) & ~asks[:, None]  # (B, T, T)
        lots = torch.rand(B, T, T, generator=random)
        if self.task == "latest":
            kind = tokens % self.reach
            number = kind.gather(1, lots.masked_fill(~there, -1.0).argmax(dim=-1))
            there &= kind[:, None] == number[..., None]
            target = torch.where(there, position, -1).argmax(dim=-1)  # (B, T), the position meant
        else:
            there &= (position if self.task == "place" else distance - 1) < self.reach
            target = lots.masked_fill(~there, -1.0).argmax(dim=-1)
            number = target if self.task == "place" else position - target - 1
        asks = asks & there.any(dim=-1)
        return OrderBatch(
            tokens=torch.where(asks, self.num_tokens + number, tokens),
            answers=tokens.gather(1, target),
            is_question=asks,
        )

    def stream(self, start_step: int = 0) -> Iterator[OrderBatch]:
        """Batches from a step on, without end.

        Raises:
            ValueError: if `start_step` is no whole number from 0.
        """
        check_whole("start_step", start_step, least=0, most=MOST)
        return map(self.batch, count(start_step))
