"""What a training run remembers of itself."""

from dataclasses import asdict, dataclass, field, fields
from statistics import median
from typing import Any, Self


@dataclass(kw_only=True)
class History:
    """One entry a step, and one for each evaluation.

    Args:
        losses: the training loss of each step, before its update; step 1 comes first.
        learning_rates: the rate of each update.
        gradient_norms: the norm before clipping.
        tokens_per_second: real target tokens, over all processes, by the time the step took.
        evaluations: what `evaluate` returned, with the number of `"step"`s done by then.
    """

    losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    tokens_per_second: list[float] = field(default_factory=list)
    evaluations: list[dict[str, float]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def steps(self) -> list[int]:
        """1, 2, ... as many as there were steps: the other lists' axis."""
        return list(range(1, len(self) + 1))

    @property
    def throughput(self) -> float:
        """Tokens per second in the median step, which a stalled step does not move; 0 if none."""
        return median(self.tokens_per_second or [0.0])

    def best(self, key: str = "loss") -> dict[str, float] | None:
        """The evaluation of the lowest `key`, the earliest of equals; None if there was none.

        Raises:
            ValueError: if an evaluation has no such `key`.
        """
        if any(key not in evaluation for evaluation in self.evaluations):
            raise ValueError(f"every evaluation must have the key {key!r}, got {self.evaluations}")
        return min(self.evaluations, key=lambda evaluation: evaluation[key], default=None)

    def append(self, loss: float, rate: float, norm: float, tokens_per_second: float) -> None:
        """Remember one more step."""
        self.losses.append(loss)
        self.learning_rates.append(rate)
        self.gradient_norms.append(norm)
        self.tokens_per_second.append(tokens_per_second)

    def to_dict(self) -> dict[str, Any]:
        """All lists by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The history that `to_dict` gave.

        Raises:
            ValueError: if `data` has other keys.
        """
        names = [f.name for f in fields(cls)]
        if sorted(data) != sorted(names):
            raise ValueError(f"data must have the keys {names}, got {sorted(data)}")
        return cls(**{name: list(values) for name, values in data.items()})

    def __repr__(self) -> str:
        last = f", last loss {self.losses[-1]:.3f}" if self.losses else ""
        return f"History({len(self)} steps{last}, {len(self.evaluations)} evaluations)"
