import pytest
import torch

from txlib.attention import KVCache
from txlib.widgets import CacheStepper
from txlib.widgets.cache_stepper import MOST_TOKENS, PRESETS

SHAPE = {"num_heads": 6, "num_kv_heads": 3, "head_dim": 8, "num_layers": 2}
WORDS = ["a", "b", "c", "d", "e"]


def stepper(**changes: object) -> CacheStepper:
    return CacheStepper(**({"tokens": WORDS} | SHAPE | changes))


def test_numbers_by_hand():
    widget = stepper()
    assert widget.costs() == {"without": (0, 0, 0), "with": (0, 0, 0)}
    widget.history = [1, 1, 1]  # 1 + 2 + 3 tokens anew, their queries see 1, 1 + 2 and 1 + 2 + 3
    vectors, pairs = 2 * 2 * 3, 2 * 6
    assert widget.costs()["without"] == (vectors * 6, 0, pairs * 10)
    assert widget.costs()["with"] == (vectors * 3, vectors * (0 + 1 + 2), pairs * 6)
    widget.history = [1, 1, 1, -2, 1]
    assert widget.length == 2
    assert widget.costs()["without"] == (vectors * 8, 0, pairs * 13)
    assert widget.costs()["with"] == (vectors * 4, vectors * 4, pairs * 8)
    assert widget.cache_bytes(5) == 2 * 2 * 3 * 8 * 2 * 5
    assert widget.alt == (
        "Decoding 5 tokens in 2 layers of 6 heads, 3 of them with keys and values of their own. "
        "Without a cache 180 keys and values are computed and 420 products; with one 60 and 180, "
        "and it holds 960 bytes at the end."
    )


def test_window_by_hand():
    widget = stepper(window=2)
    widget.history = [1, 1, 1, 1]
    vectors, pairs = 2 * 2 * 3, 2 * 6
    assert widget.costs()["with"] == (vectors * 4, vectors * 3, pairs * (1 + 2 + 2 + 2))
    assert widget.costs()["without"].products == pairs * (1 + 3 + 5 + 7)
    assert widget.cache_bytes(1) * 2 == widget.cache_bytes(2) == widget.cache_bytes(9)


@pytest.mark.parametrize("size", [1, 7, MOST_TOKENS])
def test_sums_have_the_closed_forms(size):
    widget = stepper(tokens=["w"] * size)
    widget.history = [1] * size
    without, cached = widget.costs()["without"], widget.costs()["with"]
    assert without.computed == 12 * size * (size + 1) / 2
    assert without.products == 12 * size * (size + 1) * (size + 2) / 6
    assert cached.computed == 12 * size
    assert cached.products == 12 * size * (size + 1) / 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_bytes_are_those_of_the_library(dtype):
    widget = stepper(bytes_per_number=dtype.itemsize)
    for length in (1, 4, 9):
        caches = [KVCache(1, 3, 8, max_len=length, dtype=dtype) for _ in range(2)]
        assert widget.cache_bytes(length) == sum(cache.nbytes for cache in caches)


def test_products_are_those_of_a_real_cache():
    for window in (None, 2):
        widget = stepper(num_heads=1, num_kv_heads=1, num_layers=1, window=window)
        cache = KVCache(1, 1, 8, max_len=9, window=window)
        seen = 0
        for _ in WORDS:
            key = torch.zeros(1, 1, 1, 8)
            seen += cache.append(key, key)[0].shape[2]
            widget.history = [*widget.history, 1]
            assert widget.costs()["with"].products == seen


def test_presets_are_real():
    transformers = pytest.importorskip("transformers")
    for name, config in {
        "GPT-2 small": transformers.GPT2Config(),
        "Llama 2 7B": transformers.LlamaConfig(),
        "Mistral 7B": transformers.MistralConfig(),
        "Falcon 7B": transformers.FalconConfig(),
    }.items():
        shape = PRESETS[name]
        assert shape["num_layers"] == config.num_hidden_layers
        assert shape["num_heads"] == config.num_attention_heads
        assert shape["num_heads"] * shape["head_dim"] == config.hidden_size
        kv = getattr(config, "num_key_value_heads", None) or shape["num_heads"]
        assert shape["num_kv_heads"] == (1 if getattr(config, "multi_query", False) else kv)


def test_own_shape_is_the_first_preset():
    widget = stepper(presets={"tiny": SHAPE | {"num_layers": 1}})
    assert [one["name"] for one in widget.presets] == ["this example", "tiny"]
    assert widget.presets[0] == {"name": "this example"} | SHAPE
    assert len(stepper().presets) == 1 + len(PRESETS)


def test_extremes_can_be_drawn():
    for widget in (stepper(tokens=["a"]), stepper(tokens=["w"] * MOST_TOKENS, window=5)):
        assert widget._repr_mimebundle_()[0]["image/png"]
    titles = [axes.get_title() for axes in stepper(tokens=["a", "b"]).fallback().axes[:2]]
    assert titles[0] == "Without a cache:\n3 tokens computed"
    assert titles[1].endswith("2 tokens computed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": []}, "tokens must hold 1 to 24 strings, got 0"),
        ({"tokens": "abc"}, "tokens must be a sequence of strings, got 'abc'"),
        ({"num_heads": 0}, "num_heads must be a whole number from 1 to 256, got 0"),
        ({"num_kv_heads": 4}, "num_kv_heads must divide num_heads, got 4 and 6"),
        ({"head_dim": 1025}, "head_dim must be a whole number from 1 to 1024, got 1025"),
        ({"num_layers": True}, "num_layers must be a whole number from 1 to 256, got True"),
        ({"window": 6}, "window must be a whole number from 1 to 5, got 6"),
        ({"bytes_per_number": 3}, r"bytes_per_number must be one of \(4, 2, 1\), got 3"),
        ({"bytes_per_number": True}, "bytes_per_number must be one of .*, got True"),
        ({"presets": ["GPT"]}, r"presets must map names to shapes, got \['GPT'\]"),
        ({"presets": {"x": {"num_heads": 1}}}, r"presets\['x'\]: a shape must name num_heads, "),
        ({"presets": {"x": SHAPE | {"head_dim": 0}}}, r"presets\['x'\]: head_dim must be .* got 0"),
        ({"presets": {" ": SHAPE}}, "presets must be a string that is not blank, got ' '"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        stepper(**change)
