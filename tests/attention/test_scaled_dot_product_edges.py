from functools import partial

import pytest
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from txlib.attention import fused_attention, padding_mask, scaled_dot_product_attention

B, H, T_Q, T_K, D, D_V = 2, 3, 5, 7, 4, 6  # all different: a swapped axis cannot pass
PATHS = {"readable": scaled_dot_product_attention, "fused": fused_attention}

paths = pytest.mark.parametrize("attend", PATHS.values(), ids=PATHS)
causal = pytest.mark.parametrize("is_causal", [False, True])


def qkv(T_q=T_Q, T_k=T_K, D_v=D_V, dtype=torch.float64):
    return tuple(torch.randn(B, *size, dtype=dtype) for size in ((T_q, D), (T_k, D), (T_k, D_v)))


@paths
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("D_v", [D, D_V])
def test_row_with_no_allowed_key_is_zero_and_differentiable(attend, dtype, D_v, new_mask):
    leaves = [leaf.requires_grad_() for leaf in qkv(D_v=D_v, dtype=dtype)]
    mask = new_mask("each", B, T_Q, T_K)
    mask[:, 2], mask[1] = False, False
    out = attend(*leaves, mask)
    out.sum().backward()
    assert out.dtype == dtype
    assert out[:, 2].eq(0).all()
    assert out[1].eq(0).all()
    assert out[0, 0].ne(0).any()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)
    assert all(leaf.grad[1].eq(0).all() for leaf in leaves)
    assert leaves[0].grad[:, 2].eq(0).all()


def test_blind_rows_do_not_rest_on_what_the_kernel_makes_of_them(monkeypatch, as_written):
    def kernel(query, key, value, attn_mask=None, **_):
        return as_written(query @ key.mT, value, attn_mask)  # NaN where nothing is allowed

    monkeypatch.setattr(F, "scaled_dot_product_attention", kernel)
    leaves = [leaf.requires_grad_() for leaf in qkv()]
    mask = torch.ones(B, T_Q, T_K, dtype=torch.bool)
    mask[:, 2] = False
    out = fused_attention(*leaves, mask)
    out.sum().backward()
    assert out[:, 2].eq(0).all()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)


@paths
def test_more_queries_than_keys_leave_the_first_ones_blind(attend):
    query, key, value = (leaf.requires_grad_() for leaf in qkv(T_K, T_Q))
    out = attend(query, key, value, is_causal=True)
    out.sum().backward()
    assert out[:, : T_K - T_Q].eq(0).all()
    torch.testing.assert_close(out[:, T_K - T_Q], value[:, 0])
    assert query.grad[:, : T_K - T_Q].eq(0).all()
    assert all(leaf.grad.isfinite().all() for leaf in (query, key, value))


@paths
@pytest.mark.parametrize(("T_q", "T_k"), [(T_Q, 0), (0, T_K)])
@causal
def test_nothing_to_look_at_and_nobody_to_look(attend, T_q, T_k, is_causal):
    out = attend(*qkv(T_q, T_k), is_causal=is_causal)
    torch.testing.assert_close(out, torch.zeros(B, T_q, D_V).double())


@paths
@causal
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("D_v", [32, 24])
def test_low_precision_errs_at_most_twice_as_much_as_the_formula(
    attend, is_causal, dtype, D_v, collect, as_written
):
    T_q, T_k = 33, 65
    sizes = (T_q, 32), (T_k, 32), (T_k, D_v)
    low = [torch.randn(B, *size).to(dtype) for size in sizes]
    mask = padding_mask(torch.tensor([T_k, 50]))[:, None]
    allowed = mask & torch.ones(T_q, T_k).tril(T_k - T_q).bool() if is_causal else mask
    exact, mine, plain = (
        collect(run, *leaves)
        for run, leaves in (
            (lambda q, k, v: as_written(q @ k.mT / 32**0.5, v, allowed), [x.double() for x in low]),
            (partial(attend, mask=mask, is_causal=is_causal), low),
            (lambda q, k, v: as_written(q @ k.mT / 32**0.5, v, allowed), low),
        )
    )
    for e, a, b in zip(exact, mine, plain, strict=True):
        assert a.dtype == dtype
        assert (a - e).abs().max() <= 2 * (b - e).abs().max()


@paths
def test_products_beyond_float16_are_scaled_in_time(attend):
    query = key = torch.full((1, 64), 60.0).half()  # 64 * 60 * 60 is more than 65504
    key = torch.cat((key, key / 2))
    value = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).half()
    torch.testing.assert_close(attend(query, key, value), value[:1])


class Shapes(TorchDispatchMode):
    """The last two sizes of every float tensor that is made."""

    def __init__(self):
        super().__init__()
        self.made = set()

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        result = op(*args, **(kwargs or {}))
        for made in result if isinstance(result, tuple) else (result,):
            if isinstance(made, torch.Tensor) and made.is_floating_point():
                self.made.add(tuple(made.shape[-2:]))
        return result


@pytest.mark.parametrize(
    ("T_q", "kind", "is_causal"),
    [(T_Q, "none", False), (T_Q, "padding", False), (T_Q, "keys", False), (T_K, "none", True)],
)
def test_the_fused_path_never_forms_the_weights(T_q, kind, is_causal, new_mask):
    mask, leaves = new_mask(kind, B, T_q, T_K), qkv(T_q, D_v=D)
    for attend, formed in ((fused_attention, False), (scaled_dot_product_attention, True)):
        with Shapes() as shapes:
            attend(*leaves, mask, is_causal=is_causal)
        assert ((T_q, T_K) in shapes.made) == formed


def test_a_square_causal_look_leaves_the_mask_to_the_kernel(monkeypatch, new_mask):
    calls = []
    original = F.scaled_dot_product_attention

    def spy(query, key, value, attn_mask=None, **options):
        calls.append((attn_mask is not None, options.get("is_causal", False)))
        return original(query, key, value, attn_mask, **options)

    monkeypatch.setattr(F, "scaled_dot_product_attention", spy)
    fused_attention(*qkv(T_K, T_K), is_causal=True)
    fused_attention(*qkv(T_Q, T_K), is_causal=True)
    fused_attention(*qkv(1, T_K), is_causal=True)
    fused_attention(*qkv(), new_mask("padding", B, T_Q, T_K))
    assert calls == [(False, True), (True, False), (False, False), (True, False)]


@paths
def test_the_arguments_stay_as_they_were(attend, new_mask):
    mask = new_mask("blind rows", B, T_Q, T_K)
    arguments = *qkv(), mask
    before = [argument.clone() for argument in arguments]
    attend(*arguments, is_causal=True)
    assert all(torch.equal(a, b) for a, b in zip(arguments, before, strict=True))


@paths
def test_bad_shapes(attend):
    query, key, value = qkv()
    with pytest.raises(ValueError, match="query and key must share D, got 4 and 3"):
        attend(query, key[..., 1:], value)
    with pytest.raises(ValueError, match="key and value must share T_k, got 7 and 6"):
        attend(query, key, value[:, 1:])
    with pytest.raises(ValueError, match=r"query and key must share .* got \(2, 5, 4\) and \(1, 7"):
        attend(query, key[:1], value)
    with pytest.raises(ValueError, match=r"query and value must share the dimensions before T"):
        attend(query, key, value[0])
    with pytest.raises(ValueError, match=r"query must have shape \(..., T, D\), got \(4,\)"):
        attend(query[0, 0], key[0], value[0])
    with pytest.raises(ValueError, match=r"value must have shape \(..., T, D\), got \(6,\)"):
        attend(query[0], key[0], value[0, 0])


@paths
@causal
def test_bad_masks(attend, is_causal):
    leaves = qkv()
    mask = torch.zeros(T_Q, T_K)
    with pytest.raises(ValueError, match=r"mask must be bool.* got torch.float32"):
        attend(*leaves, mask, is_causal=is_causal)
    with pytest.raises(ValueError, match=r"must broadcast .* = \(2, 5, 7\), got \(7, 5\)"):
        attend(*leaves, mask.mT.bool(), is_causal=is_causal)
    with pytest.raises(ValueError, match=r"must broadcast .* = \(2, 5, 7\), got \(3, 2, 5, 7\)"):
        attend(*leaves, torch.ones(H, B, T_Q, T_K, dtype=torch.bool), is_causal=is_causal)
