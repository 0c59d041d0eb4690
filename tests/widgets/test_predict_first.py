import pytest

from txlib.widgets import PredictFirst


def test_traits_by_hand(predict):
    assert (predict.options, predict.answer) == (["zeros", "1/n each"], 1)
    assert (predict.choice, predict.committed) == (-1, False)
    assert repr(predict) == (
        "PredictFirst(question='What does `s... scores give?', options=['zeros', '1/n each'])"
    )
    assert predict.alt == (
        "Predict first: What does softmax of equal scores give? Options: zeros; 1/n each. "
        "Answer: 1/n each. They sum to 1."
    )


def test_state_for_the_browser_is_complete(predict):
    state = predict.get_state()
    named = ("question", "options", "answer", "explanation", "choice", "committed")
    assert {name: state[name] for name in named} == {name: getattr(predict, name) for name in named}


def test_answer_may_be_its_text():
    assert PredictFirst("why?", ("a", "b", "c"), "c", "so").answer == 2


def test_picture_shows_question_options_and_answer(predict):
    written = [text.get_text() for text in predict.fallback().axes[0].texts]
    assert written == [
        "What does softmax of equal scores give?",
        "○  zeros",
        "○  1/n each",
        "",
        "Answer: 1/n each. They sum to 1.",
    ]


def test_long_and_wide_texts_are_wrapped():
    widget = PredictFirst("为什么注意力比循环快" * 12, ["word " * 60, "b"], 0, "x" * 300)
    assert len(widget.fallback().axes[0].texts) > 10
    assert widget._repr_mimebundle_()[0]["image/png"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": " "}, "question must be a string that is not blank, got ' '"),
        ({"explanation": ""}, "explanation must be a string that is not blank, got ''"),
        ({"options": ["a"]}, "options must hold 2 to 8 strings, got 1"),
        (
            {"options": ["a", "b", "a"]},
            r"options must differ .*, got \['a', 'b', 'a'\]",
        ),
        ({"answer": 2}, "answer must be a whole number from 0 to 1, got 2"),
        ({"answer": "c"}, r"answer must be one of \['a', 'b'\], got 'c'"),
        ({"answer": True}, "answer must be a whole number from 0 to 1, got True"),
    ],
)
def test_errors(change, message):
    arguments = {"question": "q", "options": ["a", "b"], "answer": 0, "explanation": "e"} | change
    with pytest.raises(ValueError, match=message):
        PredictFirst(**arguments)


@pytest.mark.parametrize("text", ["W" * 10_000, "e" + "\u0301" * 200, "a\nb\tc\u2028d"])
def test_any_text_is_drawn(text):
    figure = PredictFirst(text, [text, "b"], 0, text).fallback()
    figure.canvas.draw()
    assert figure.get_figheight() < 30
