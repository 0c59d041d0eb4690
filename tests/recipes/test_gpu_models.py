import torch

from txlib.recipes import gpu_models
from txlib.recipes.gpu_models import BareAttention, measure_training_step, measure_versions

CPU = torch.device("cpu")


def test_versions_and_those_that_cannot_run():
    (row,) = measure_versions(CPU, torch.float32, heads=2, head_dim=4, lengths=(5,), repeats=1)
    assert (row["length"], row["heads"], row["head_dim"]) == (5, 2, 4)
    assert set(row["milliseconds"]) == {"materialised", "tiled, plain PyTorch", "SDPA"}
    assert set(row["bytes"].values()) == {None}
    assert list(row["unavailable"]) == ["Triton"]


def test_a_training_step_of_three_modules_with_the_same_weights(monkeypatch):
    seen = []
    step = gpu_models._step
    monkeypatch.setattr(
        gpu_models, "_step", lambda module, read: seen.append(read()) or step(module, read)
    )
    (row,) = measure_training_step(
        CPU, torch.float32, d_model=8, num_heads=2, sizes=((3, 5),), repeats=1, at_once=0.0
    )
    assert (row["batch"], row["length"]) == (3, 5)
    assert set(row["speed_over"]) == {"nn.MultiheadAttention", "bare SDPA"}
    assert row["unavailable"] == {}
    for other in seen[1:]:
        torch.testing.assert_close(other, seen[0])


def test_the_bare_module_is_causal():
    bare, x = BareAttention(8, 2), torch.randn(3, 5, 8)
    changed = x.clone()
    changed[:, 3] += 1
    assert bare(changed)[:, :3].equal(bare(x)[:, :3])
