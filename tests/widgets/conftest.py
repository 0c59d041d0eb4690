import numpy as np
import pytest

from txlib.widgets import (
    AttentionExplorer,
    GradientFlow,
    MaskMaker,
    PositionExplorer,
    PredictFirst,
    QueryKeyValue2D,
    SoftmaxDial,
    UnrolledNetwork,
)

TOKENS = ["the", "très long token that overflows", "翻译机", "<img src=x onerror=alert(1)>", "$x$"]


@pytest.fixture
def attention() -> AttentionExplorer:
    weights = np.random.default_rng(0).dirichlet(np.ones(4), size=(2, 3, 5))
    return AttentionExplorer(weights, TOKENS, TOKENS[1:], {(0, 0), (4, 3)}, layer=1, query=4)


@pytest.fixture
def gradients() -> GradientFlow:
    arms = {token: {3: [0.5 * i + j for j in range(3)]} for i, token in enumerate(TOKENS)}
    return GradientFlow(arms | {"overflow": {2: [np.inf, np.nan], 4: [0, 1e-30, 1, 9]}}, depth=3)


@pytest.fixture
def mask() -> MaskMaker:
    return MaskMaker(TOKENS, kind="window", also=["causal"], window=2, query=3)


@pytest.fixture
def position() -> PositionExplorer:
    return PositionExplorer(32, base=500.0, pairs=(0, 2), panel="dial")


@pytest.fixture
def predict() -> PredictFirst:
    return PredictFirst(
        "What does `softmax` of equal scores give?", ["zeros", "1/n each"], 1, "They sum to 1."
    )


@pytest.fixture
def query_key_value() -> QueryKeyValue2D:
    keys = [[1.0, 0.2], [-0.5, 1.2], [0.3, -1.0], [2.0, 2.345], [-1.0, -1.0]]
    return QueryKeyValue2D(keys, scaled=False, d_k=8, labels=TOKENS)


@pytest.fixture
def softmax() -> SoftmaxDial:
    return SoftmaxDial([1, 2.5, 2.5, -4, 0], TOKENS, temperature=0.5)


@pytest.fixture
def unrolled() -> UnrolledNetwork:
    return UnrolledNetwork(TOKENS, source=1, target=4, show_convolution=True)
