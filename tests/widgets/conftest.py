import numpy as np
import pytest

from txlib.widgets import (
    AttentionExplorer,
    CacheStepper,
    GradientFlow,
    MaskMaker,
    PositionExplorer,
    PredictFirst,
    QueryKeyValue2D,
    SoftmaxDial,
    TilingStepper,
    TranslatorExplorer,
    UnrolledNetwork,
)

TOKENS = ["the", "très long token that overflows", "翻译机", "<img src=x onerror=alert(1)>", "$x$"]


@pytest.fixture
def attention() -> AttentionExplorer:
    weights = np.random.default_rng(0).dirichlet(np.ones(4), size=(2, 3, 5))
    return AttentionExplorer(weights, TOKENS, TOKENS[1:], {(0, 0), (4, 3)}, layer=1, query=4)


@pytest.fixture
def cache() -> CacheStepper:
    """Four of five tokens read, two taken back, one read again."""
    widget = CacheStepper(TOKENS, num_heads=6, num_kv_heads=3, head_dim=8, num_layers=2)
    widget.history = [1, 1, 1, 1, -2, 1]
    return widget


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
def tiling() -> TilingStepper:
    rng = np.random.default_rng(5)
    query, key, value = (rng.normal(size=size) for size in ((5, 3), (7, 3), (7, 2)))
    return TilingStepper(query, key, value, tile_q=2, tile_k=3, is_causal=True)


def translation(text: str, target: list[str], referent: tuple[int, ...] = ()) -> dict:
    """An entry of two layers of three heads, its weights made up from its text."""
    rng = np.random.default_rng(len(text))
    source = [*text.split(), "<eos>"]
    sizes = {"encoder": (len(source),) * 2, "decoder": (len(target),) * 2}
    sizes["cross"] = (len(target), len(source))
    weights = {kind: rng.dirichlet(np.ones(k), (2, 3, q)) for kind, (q, k) in sizes.items()}
    return weights | {
        "text": text,
        "translation": " ".join(target),
        "source": source,
        "target": target,
        "probabilities": rng.random(len(target)),
        "rivals": [[(TOKENS[3], 0.25), ("b", 0.125)]] * len(target),
        "referent": referent,
    }


@pytest.fixture
def translator() -> TranslatorExplorer:
    entries = [
        translation("the cat sleeps , it is tired", ["le", "chat", TOKENS[1], "il"], (4, 1, 3, 1)),
        translation("the cow sleeps , it is tired", ["la", "vache", TOKENS[2], "elle"], (4, 1)),
        translation(TOKENS[3], TOKENS),
    ]
    templates = ["the {cat|cow} sleeps , it is {tired|wide}", TOKENS[3]]
    return TranslatorExplorer(entries, templates, layer=1, head=2)


@pytest.fixture
def unrolled() -> UnrolledNetwork:
    return UnrolledNetwork(TOKENS, source=1, target=4, show_convolution=True)


@pytest.fixture(scope="session")
def tiny_translator():
    """A Transformer of two layers of three heads that has learned nothing."""
    import torch

    from txlib.data.vocabulary import Vocabulary
    from txlib.models import Transformer, TransformerConfig
    from txlib.recipes.translation_data import WordTokenizer
    from txlib.recipes.translator import Translator

    source, target = (
        WordTokenizer(Vocabulary(words.split()))
        for words in (
            "the cat dog cow sees sleeps because it is big wide .",
            "le la chat chien vache voit dort parce qu' il elle est .",
        )
    )
    torch.manual_seed(3)
    config = TransformerConfig(
        source_vocab_size=len(source),
        target_vocab_size=len(target),
        d_model=12,
        num_heads=3,
        num_layers=2,
        norm_order="pre",
    )
    model = Transformer(config).eval()
    parts = {"source": source, "target": target, "lowercase": False}
    return Translator(kind="transformer", model=model, tokenizer="word", **parts)
