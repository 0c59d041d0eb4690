"""A question that the reader answers before the experiment does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import traitlets

from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.validation import check_integer, check_text, check_texts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_OPTIONS, MOST_DRAWN = 8, 1000  # characters of one text in the still picture
LINE_COLUMNS = 78


class PredictFirst(CourseWidget):
    """Asks for a prediction, and tells what happens only once the reader has committed to one.

    The choice lives in the page: it is gone when the page is closed, and no file holds it.

    Args:
        question: plain text; `code` between backticks.
        options: 2 to 8 different answers, plain text likewise.
        answer: the right one, as its index from 0 or as its text.
        explanation: why it is right; shown with the verdict.

    Attributes:
        choice: index of the option that the reader has picked, -1 before.
        committed: whether the reader has committed to it.

    Raises:
        ValueError: if a text is blank, options repeat or are too few or many, or `answer` is none
            of them.
    """

    _esm = bundle("predict_first.js")
    _css = bundle("predict_first.css")
    _shown = ("question", "options")

    question = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    answer = traitlets.Int().tag(sync=True)
    explanation = traitlets.Unicode().tag(sync=True)
    choice = traitlets.Int(-1).tag(sync=True)
    committed = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, question: str, options: Sequence[str], answer: int | str, explanation: str
    ) -> None:
        options = check_texts("options", options, least=2, most=MOST_OPTIONS)
        if len(set(options)) < len(options):
            raise ValueError(f"options must differ from each other, got {options!r}")
        if isinstance(answer, str):
            if answer not in options:
                raise ValueError(f"answer must be one of {options!r}, got {answer!r}")
            answer = options.index(answer)
        super().__init__(
            question=check_text("question", question),
            options=options,
            answer=check_integer("answer", answer, least=0, most=len(options) - 1),
            explanation=check_text("explanation", explanation),
        )

    @property
    def alt(self) -> str:
        """The question, its options and the answer."""
        listed = "; ".join(self.options)
        return (
            f"Predict first: {self.question} Options: {listed}. "
            f"Answer: {self.options[self.answer]}. {self.explanation}"
        ).replace("`", "")

    def fallback(self) -> "Figure":
        """The question and its options, and below a line the answer."""
        question = picture.shorten(self.question, MOST_DRAWN)
        lines = [(line, "question") for line in picture.wrap(question, LINE_COLUMNS - 8)]
        for option in self.options:
            first, *rest = picture.wrap(picture.shorten(option, MOST_DRAWN), LINE_COLUMNS - 4)
            lines += [(f"○  {first}", "option"), *((f"    {line}", "option") for line in rest)]
        lines.append(("", "option"))
        told = f"Answer: {self.options[self.answer]}. {self.explanation}"
        told = picture.shorten(told, 2 * MOST_DRAWN)
        lines += [(line, "answer") for line in picture.wrap(told, LINE_COLUMNS)]
        figure = picture.blank(7.2, 0.24 * len(lines) + 0.2)
        axes = figure.axes[0]
        axes.set(xlim=(0, 1), ylim=(len(lines), 0))
        styles = {
            "question": {"fontsize": 11, "fontweight": "bold"},
            "option": {"fontsize": 10.5},
            "answer": {"fontsize": 9.5, "color": picture.QUIET},
        }
        for row, (line, role) in enumerate(lines):
            picture.write(axes, 0.01, row + 0.5, line, va="center", in_layout=False, **styles[role])
        return figure
