import pytest

from txlib.widgets import PredictFirst, SoftmaxDial, UnrolledNetwork

TOKENS = ["the", "très long token that overflows", "翻译机", "<img src=x onerror=alert(1)>", "$x$"]


@pytest.fixture
def predict() -> PredictFirst:
    return PredictFirst(
        "What does `softmax` of equal scores give?", ["zeros", "1/n each"], 1, "They sum to 1."
    )


@pytest.fixture
def softmax() -> SoftmaxDial:
    return SoftmaxDial([1, 2.5, 2.5, -4, 0], TOKENS, temperature=0.5)


@pytest.fixture
def unrolled() -> UnrolledNetwork:
    return UnrolledNetwork(TOKENS, source=1, target=4, show_convolution=True)
