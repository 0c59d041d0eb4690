import pytest
import torch

from txlib.recipes.gpu_decoding import STATIC, measure_decoding

SIZES = {"vocab_size": 31, "n_embd": 8, "n_layer": 1, "n_head": 2}


@pytest.mark.filterwarnings("ignore")  # of transformers
def test_our_tokens_are_those_of_transformers():
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    rows = measure_decoding(
        torch.device("cpu"), torch.float32, sizes=SIZES, batches=(1, 3), new=4, repeats=1
    )
    assert [row["batch"] for row in rows] == [1, 3]
    assert [row["same_tokens"] for row in rows] == [1.0, 1.0]
    assert set(rows[0]["speed_over"]) == {"transformers", STATIC, "txlib, no cache"}
    assert set(rows[1]["tokens_per_second"]) == {"txlib", "transformers", STATIC}
    for row in rows:
        for name, speed in row["tokens_per_second"].items():
            expected = 1000 * row["batch"] * 4 / row["milliseconds"][name]
            assert speed == pytest.approx(expected)
