import math
from functools import partial

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode

from txlib.positions import (
    RelativeKeys,
    relative_attention,
    relative_distances,
    relative_scores_gather,
    relative_scores_skew,
)

B, H, T_Q, T_K, D, D_V = 2, 3, 5, 7, 4, 6  # all different: a swapped axis cannot pass
WAYS = {"gather": relative_scores_gather, "skew": relative_scores_skew}

ways = pytest.mark.parametrize("scores", WAYS.values(), ids=WAYS)


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def test_who_sees_nothing_gets_nothing():
    leaves = [normal(H, T_K, D), normal(H, T_Q, D), normal(H, T_Q, D_V)]
    tables = [normal(5, D), normal(5, D_V)]
    for leaf in (*leaves, *tables):
        leaf.requires_grad_()
    out = relative_attention(*leaves, *tables, is_causal=True)
    out.sum().backward()
    assert out[:, : T_K - T_Q].eq(0).all()
    assert out[:, T_K - T_Q :].ne(0).any()
    assert all(leaf.grad.isfinite().all() for leaf in (*leaves, *tables))


class Largest(TorchDispatchMode):
    """The number of elements of the largest float tensor that is made."""

    numel = 0

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        result = op(*args, **(kwargs or {}))
        for made in result if isinstance(result, tuple) else (result,):
            if isinstance(made, torch.Tensor) and made.is_floating_point():
                self.numel = max(self.numel, made.numel())
        return result


def kept_for_backward(run):
    storages = {}

    def keep(x):
        if x.is_floating_point():
            storages[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes() // 4
        return x

    with saved_tensors_hooks(keep, lambda x: x):
        result = run()
    assert result.requires_grad
    return sum(storages.values())


@pytest.mark.parametrize("n", [64, 128])
def test_memory_is_what_the_docstrings_say(n):
    query = torch.randn(1, 2, n, 16, requires_grad=True)
    table = torch.randn(9, 16, requires_grad=True)
    largest = {}
    for name, scores in WAYS.items():
        with Largest() as made, torch.no_grad():
            scores(query, table, n)
        largest[name] = made.numel
    assert largest == {"gather": n * n * 16, "skew": 2 * n * 2 * n}
    kept = {name: kept_for_backward(partial(f, query, table, n)) for name, f in WAYS.items()}
    assert kept == {"gather": n * n * 16 + query.numel(), "skew": 2 * n * 16 + query.numel()}


@pytest.mark.parametrize(("T_q", "T_k"), [(0, T_K), (T_Q, 0)])
def test_nobody_asks_or_nothing_is_there(T_q, T_k):
    for scores in WAYS.values():
        assert scores(normal(B, H, T_q, D), normal(5, D), T_k).shape == (B, H, T_q, T_k)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_errs_at_most_twice_as_much_as_the_formula(dtype):
    module = RelativeKeys(32, 20)
    query = torch.randn(B, H, 33, 32).to(dtype)
    mine = module(query, 65)
    assert mine.dtype == dtype
    exact = relative_scores_gather(query.double(), module.table.double(), 65) / math.sqrt(32)
    plain = relative_scores_gather(query, module.table.to(dtype), 65) / math.sqrt(32)
    assert (mine - exact).abs().max() <= 2 * (plain - exact).abs().max()
    mine.sum().backward()
    assert module.table.grad.dtype == torch.float32


def test_products_beyond_float16_are_scaled_in_time():
    module = RelativeKeys(64, 1).half()
    module.table.data.fill_(60.0)
    query = torch.full((1, 1, 2, 64), 60.0).half()  # 64 * 60 * 60 is more than 65504
    assert module(query, 2).eq(28_800).all()


def test_device_follows_and_the_table_is_saved():
    module = RelativeKeys(D, 3).to("meta")
    assert module(torch.zeros(B, H, T_Q, D, device="meta"), T_K).device.type == "meta"
    assert list(module.state_dict()) == ["table"]
    assert module.table.shape == (7, D)


@ways
def test_gradcheck_and_arguments_stay_as_they_were(scores):
    leaves = [leaf.requires_grad_() for leaf in (normal(2, 3, D), normal(5, D))]
    before = [leaf.detach().clone() for leaf in leaves]
    assert torch.autograd.gradcheck(partial(scores, num_keys=4), leaves)
    assert all(torch.equal(a, b) for a, b in zip(leaves, before, strict=True))


@ways
def test_errors_of_the_scores(scores):
    query = normal(B, H, T_Q, D)
    shape = r"key_table must have shape \(2 \* max_distance \+ 1, 4\) as query asks, got "
    for wrong in ((6, D), (5, D_V), (5,)):
        with pytest.raises(ValueError, match=shape):
            scores(query, normal(*wrong), T_K)
    with pytest.raises(ValueError, match=r"query must have shape \(..., T, D\), got \(4,\)"):
        scores(query[0, 0, 0], normal(5, D), T_K)
    with pytest.raises(ValueError, match="num_keys must be at least 0, got -1"):
        scores(query, normal(5, D), -1)


def test_other_errors():
    with pytest.raises(ValueError, match="T_q must be at least 0, got -1"):
        relative_distances(-1, 2)
    with pytest.raises(ValueError, match="head_dim must be at least 1, got 0"):
        RelativeKeys(0, 3)
    with pytest.raises(ValueError, match="max_distance must be at least 0, got -1"):
        RelativeKeys(D, -1)
    query, key, value = normal(B, T_Q, D), normal(B, T_K, D), normal(B, T_K, D_V)
    with pytest.raises(ValueError, match=r"value_table must have shape .*, 6\) as value asks"):
        relative_attention(query, key, value, normal(5, D), normal(5, D))
    with pytest.raises(ValueError, match="key and value must share T_k, got 7 and 6"):
        relative_attention(query, key, value[:, 1:], normal(5, D))
    with pytest.raises(ValueError, match="mask must be bool"):
        relative_attention(query, key, value, normal(5, D), mask=torch.ones(T_Q, T_K))
