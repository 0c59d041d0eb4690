"""What a training run remembers of itself."""

import math
from dataclasses import asdict, dataclass, field, fields
from statistics import median
from typing import Any, Self

from txlib.checks import check_number, check_text, shown


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
        check_text("key", key)
        if any(key not in evaluation for evaluation in self.evaluations):
            raise ValueError(f"every evaluation must have the key {key!r}, got {self.evaluations}")
        return min(self.evaluations, key=lambda evaluation: evaluation[key], default=None)

    def append(self, loss: float, rate: float, norm: float, tokens_per_second: float) -> None:
        """Remember one more step.

        Raises:
            ValueError: if one is no number.
        """
        given = {"loss": loss, "rate": rate, "norm": norm, "tokens_per_second": tokens_per_second}
        for name, value in given.items():
            check_number(name, value)
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
            ValueError: if `data` has other keys, a list is none or of another length, or an entry
                is not what a run writes.
        """
        names = [f.name for f in fields(cls)]
        if not isinstance(data, dict) or set(data) != set(names):
            raise ValueError(f"data must have the keys {names}, got {shown(data)}")
        for name, values in data.items():
            fits = _is_evaluation if name == "evaluations" else _is_finite
            if not isinstance(values, list) or not all(map(fits, values)):
                raise ValueError(f"data[{name!r}] must be what a run writes, got {shown(values)}")
        lengths = {name: len(data[name]) for name in names if name != "evaluations"}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"data must have one entry a step in each list, got {lengths}")
        return cls(**{name: list(values) for name, values in data.items()})

    def __repr__(self) -> str:
        last = f", last loss {self.losses[-1]:.3f}" if self.losses else ""
        return f"History({len(self)} steps{last}, {len(self.evaluations)} evaluations)"


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_evaluation(value: Any) -> bool:
    """Numbers by name, among them a whole `"step"`; a model may be judged NaN or infinite."""
    return (
        isinstance(value, dict)
        and type(value.get("step")) is int
        and isinstance(value.get("loss", 0.0), int | float)
    )
