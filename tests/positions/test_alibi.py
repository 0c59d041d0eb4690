import math

import pytest
import torch

from txlib.attention import causal_mask
from txlib.positions.alibi import ALiBi, alibi_slopes

B, H, T_Q, T_K, D = 2, 3, 5, 7, 4  # all different: a swapped axis cannot pass
LENGTHS = [(T_Q, T_K), (T_K, T_Q), (T_Q, T_Q), (1, T_K), (T_Q, 1), (1, 1)]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_slopes_by_hand():
    assert alibi_slopes(1).tolist() == [2**-8]
    assert alibi_slopes(4).tolist() == [2**-2, 2**-4, 2**-6, 2**-8]
    assert alibi_slopes(8).tolist() == [
        1 / 2,
        1 / 4,
        1 / 8,
        1 / 16,
        1 / 32,
        1 / 64,
        1 / 128,
        1 / 256,
    ]
    assert alibi_slopes(3).tolist() == [2**-4, 2**-8, 2**-2]  # two heads' own, then one of four's
    six = [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]
    assert alibi_slopes(6).tolist() == six


def test_bias_by_hand():
    bias = ALiBi(2)(torch.zeros(B, 2, 3, D), 4)  # queries stand at 1, 2, 3
    distance = torch.tensor([[1.0, 0, 1, 2], [2, 1, 0, 1], [3, 2, 1, 0]])
    expected = torch.stack((-distance / 16, -distance / 256))
    torch.testing.assert_close(bias, expected, rtol=0, atol=0)


@pytest.mark.parametrize("num_heads", range(1, 33))
def test_weights_equal_bloom_for_any_number_of_heads_in_values_and_gradients(num_heads):
    """Bloom adds slope * position of the key: a constant per row away from slope * -distance."""
    bloom = pytest.importorskip("transformers.models.bloom.modeling_bloom")
    theirs = bloom.build_alibi_tensor(torch.ones(B, T_K), num_heads, torch.float32)
    theirs = theirs.view(B, num_heads, 1, T_K)
    torch.testing.assert_close(alibi_slopes(num_heads), theirs[0, :, 0, 1])

    query = torch.randn(B, num_heads, T_K, D, dtype=torch.float64, requires_grad=True)
    key = torch.randn(B, num_heads, T_K, D, dtype=torch.float64)
    direction = torch.randn(B, num_heads, T_K, T_K, dtype=torch.float64)
    results = []
    for bias in (ALiBi(num_heads)(query, T_K), theirs.double()):
        scores = query @ key.mT / math.sqrt(D) + bias
        weights = scores.masked_fill(~causal_mask(T_K), -torch.inf).softmax(dim=-1)
        results.append((weights, *torch.autograd.grad((weights * direction).sum(), query)))
    for mine, reference in zip(*results, strict=True):  # Bloom's slopes are float32
        torch.testing.assert_close(mine, reference, rtol=0, atol=1e-6)


@pytest.mark.parametrize("num_heads", range(1, 33))
def test_no_two_heads_are_alike(num_heads):
    slopes = alibi_slopes(num_heads)
    assert len(slopes.unique()) == num_heads == len(slopes)
    assert (slopes.gt(0) & slopes.lt(1)).all()


@pytest.mark.parametrize(("T_q", "T_k"), LENGTHS)
def test_bias_is_distance_on_both_sides_and_the_last_query_stands_at_the_last_key(T_q, T_k):
    bias = ALiBi(H)(torch.randn(B, H, T_q, D), T_k)
    assert bias.shape == (H, T_q, T_k)
    for h, slope in enumerate(alibi_slopes(H).tolist()):
        for i in range(T_q):
            for j in range(T_k):
                assert bias[h, i, j] == -slope * abs(T_k - T_q + i - j)


def test_newest_queries_alone_get_the_last_rows():
    bias, query = ALiBi(H), torch.randn(B, H, T_K, D)
    whole = bias(query, T_K)
    torch.testing.assert_close(bias(query[:, :, -1:], T_K), whole[:, -1:], rtol=0, atol=0)
    torch.testing.assert_close(bias(query[:, :, -3:], T_K), whole[:, -3:], rtol=0, atol=0)


def test_nothing_to_learn_nothing_to_save():
    bias = ALiBi(H)
    assert not bias.state_dict()
    assert not list(bias.parameters())
    assert not list(bias.buffers())
    assert str(bias) == "ALiBi(num_heads=3)"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_low_precision_rounds_once(dtype):
    """Slopes that are no powers of two, distances that bfloat16 cannot hold."""
    T = 601
    bias = ALiBi(20).to(dtype)(torch.zeros(1, 20, 1, D, dtype=dtype), T)
    assert bias.dtype == dtype
    distance = torch.arange(T - 1, -1, -1, dtype=torch.float64)
    exact = -alibi_slopes(20, dtype=torch.float64)[:, None, None] * distance
    rounding = torch.finfo(dtype).eps * (0.51 if dtype.itemsize == 2 else 2)
    torch.testing.assert_close(bias.double(), exact, rtol=rounding, atol=0)


def test_queries_are_untouched_and_get_no_gradient_from_the_bias():
    query = torch.randn(B, H, T_Q, D, requires_grad=True)
    assert not ALiBi(H)(query, T_K).requires_grad


@pytest.mark.parametrize("make", [ALiBi, alibi_slopes])
@pytest.mark.parametrize("num_heads", [0, -2])
def test_refuses_no_heads(make, num_heads):
    with pytest.raises(ValueError, match=f"num_heads must be at least 1, got {num_heads}"):
        make(num_heads)


@pytest.mark.parametrize("shape", [(B, H, T_Q), (B, 4, T_Q, D), (H, T_Q, D), (1, B, H, T_Q, D)])
def test_refuses_queries_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"query must have shape \(B, 3, T_q, D\), got \(") as info:
        ALiBi(H)(torch.zeros(shape), T_K)
    assert str(info.value).endswith(str(shape))


@pytest.mark.parametrize("num_keys", [0, -1])
def test_refuses_no_keys(num_keys):
    with pytest.raises(ValueError, match=f"num_keys must be at least 1, got {num_keys}"):
        ALiBi(H)(torch.zeros(B, H, T_Q, D), num_keys)
