"""What a check answers: passed or not, one kind message, perhaps a hint."""

from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Verdict:
    """The answer to one attempt at an exercise; a notebook shows it as text.

    Attributes:
        exercise: the exercise's name.
        passed: whether the learner's function did what was asked.
        message: what the function does, in a sentence or two.
        hint: a push in the right direction that does not give the answer away.
        diagnosis: a short stable name of what was found: "passed", "not yet", "call", "raises",
            "mutates", "constant", "type", "shape", "dtype", "value", or a misconception's name.
    """

    exercise: str
    passed: bool
    message: str
    hint: str | None = None
    diagnosis: str = "passed"

    @property
    def _opening(self) -> str:
        if self.passed:
            return "Passed"
        return "Not yet" if self.diagnosis == "not yet" else "Not quite"

    def __repr__(self) -> str:
        text = f"{self._opening}: {self.exercise}. {self.message}"
        return f"{text}\nHint: {self.hint}" if self.hint else text

    def _repr_markdown_(self) -> str:
        text = f"**{self._opening}:** `{self.exercise}`. {self.message}"
        return f"{text}\n\n*Hint:* {self.hint}" if self.hint else text
