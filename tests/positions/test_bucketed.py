import pytest
import torch

from txlib.positions import BucketedBias, relative_buckets

B, H, T_Q, T_K, D = 2, 3, 5, 7, 4  # all different: a swapped axis cannot pass
SETTINGS = [(32, 128), (16, 32), (4, 20), (10, 1000), (6, 37), (64, 4096), (32, 17)]

settings = pytest.mark.parametrize(("num_buckets", "max_distance"), SETTINGS)
directions = pytest.mark.parametrize("bidirectional", [False, True])


def t5_attention(num_buckets, max_distance, bidirectional):
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5")
    config = t5.T5Config(
        d_model=H * D,
        d_kv=D,
        num_heads=H,
        dropout_rate=0.0,
        is_decoder=not bidirectional,
        relative_attention_num_buckets=num_buckets,
        relative_attention_max_distance=max_distance,
    )
    config._attn_implementation = "eager"
    return t5.T5Attention(config, has_relative_attention_bias=True, layer_idx=0).double().eval()


def test_buckets_by_hand():
    past = -torch.arange(12)
    buckets = relative_buckets(past, num_buckets=6, max_distance=8, bidirectional=False)
    # 0 to 2 alone; then from 3, from 3 * (8/3)^(1/3) = 4.2 and from 3 * (8/3)^(2/3) = 5.8 on
    assert buckets.tolist() == [0, 1, 2, 3, 3, 4, 5, 5, 5, 5, 5, 5]
    both = torch.tensor([-20, -3, -2, -1, 0, 1, 2, 3, 20])
    buckets = relative_buckets(both, num_buckets=8, max_distance=8, bidirectional=True)
    # a direction: 0 and 1 alone, 2 and 3 (2 * (8/2)^(1/2) = 4), from 4 on; the future adds 4
    assert buckets.tolist() == [3, 2, 2, 1, 0, 5, 6, 6, 7]


def test_the_docstring_s_edges():
    buckets = relative_buckets(-torch.arange(130), bidirectional=False)
    starts = [buckets.tolist().index(bucket) for bucket in range(32)]
    assert starts[:20] == [*range(16), 16, 19, 21, 24]
    assert starts[-1] == 113


@settings
@directions
def test_buckets_equal_t5_s_for_every_distance(num_buckets, max_distance, bidirectional):
    distance = torch.arange(-50_000, 50_001)
    options = {
        "num_buckets": num_buckets,
        "max_distance": max_distance,
        "bidirectional": bidirectional,
    }
    theirs = t5_attention(**options)._relative_position_bucket(distance, **options)
    mine = relative_buckets(distance, **options)
    assert mine.dtype == torch.int64
    assert torch.equal(mine, theirs)


@settings
@directions
@pytest.mark.parametrize(("T_q", "T_k"), [(T_Q, T_K), (40, 40), (1, 300)])
def test_bias_equals_t5_s(num_buckets, max_distance, bidirectional, T_q, T_k):
    reference = t5_attention(num_buckets, max_distance, bidirectional)
    table = reference.relative_attention_bias.weight
    module = BucketedBias(
        H, num_buckets=num_buckets, max_distance=max_distance, bidirectional=bidirectional
    )
    module.double().load_state_dict({"table": table})
    mine = module(torch.zeros(B, H, T_q, D).double(), T_k)
    theirs = reference.compute_bias(T_q, T_k, past_seen_tokens=T_k - T_q)
    assert mine.shape == (1, H, T_q, T_k)
    assert torch.equal(mine, theirs)
    direction = torch.linspace(-1, 2, mine.numel()).view_as(mine).double()
    (grad,) = torch.autograd.grad((mine * direction).sum(), module.table)
    (expected,) = torch.autograd.grad((theirs * direction).sum(), table)
    torch.testing.assert_close(grad, expected, rtol=0, atol=1e-10)


@settings
@directions
def test_attention_with_it_equals_t5_s(num_buckets, max_distance, bidirectional, collect):
    reference = t5_attention(num_buckets, max_distance, bidirectional)
    table = reference.relative_attention_bias.weight
    module = BucketedBias(
        H, num_buckets=num_buckets, max_distance=max_distance, bidirectional=bidirectional
    ).double()
    module.table = table
    T = 30
    hidden = torch.zeros(T, T).double()
    if not bidirectional:
        hidden = hidden.masked_fill(~torch.ones(T, T).tril().bool(), -torch.inf)

    def mine(x):
        q, k, v = (
            p(x).unflatten(-1, (H, D)).transpose(1, 2)
            for p in (reference.q, reference.k, reference.v)
        )
        scores = q @ k.mT + module(q, T) + hidden  # T5 does not scale
        return reference.o((scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2))

    x = torch.randn(B, T, H * D).double()
    theirs = collect(lambda x: reference(x, mask=hidden[None, None])[0], x, parameters=[table])
    for a, b in zip(collect(mine, x, parameters=[table]), theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@settings
@directions
def test_buckets_grow_with_the_distance_and_none_is_missing(
    num_buckets, max_distance, bidirectional
):
    far = torch.arange(max_distance + 50)
    options = {"num_buckets": num_buckets, "max_distance": max_distance}
    past = relative_buckets(-far, **options, bidirectional=bidirectional)
    each = num_buckets // 2 if bidirectional else num_buckets
    own = each // 2
    assert torch.equal(past[:own], far[:own])
    assert past.diff().ge(0).all()
    assert past[max_distance:].eq(each - 1).all()
    future = relative_buckets(far, **options, bidirectional=bidirectional)
    if bidirectional:
        assert torch.equal(future[1:], past[1:] + each)
    else:
        assert future.eq(0).all()
    if max_distance > 2 * each:
        assert set(past.tolist()) == set(range(each))


def test_edges_that_fall_on_whole_numbers_hold_them():
    """8 * 16^(step / 8): 16, 32 and 64 begin buckets; rounding must not push them one up."""
    buckets = relative_buckets(-torch.arange(129), num_buckets=32, bidirectional=True)
    for edge, bucket in ((16, 10), (32, 12), (64, 14)):
        assert buckets[edge] == bucket
        assert buckets[edge - 1] == bucket - 1


def test_bias_knows_the_distance_alone_and_each_head_its_own():
    module = BucketedBias(H, num_buckets=8, max_distance=16, bidirectional=True)
    torch.nn.init.normal_(module.table)
    bias = module(torch.randn(B, H, T_K, D), T_K)
    torch.testing.assert_close(bias[..., 1:, 1:], bias[..., :-1, :-1])
    assert not torch.allclose(bias[0, 0], bias[0, 1])
    again = module(torch.randn(B, H, T_K, D), T_K)
    assert torch.equal(again, bias)


def test_newest_queries_alone_equal_the_last_rows():
    module = BucketedBias(H, num_buckets=8, max_distance=16, bidirectional=False)
    torch.nn.init.normal_(module.table)
    whole = module(torch.zeros(B, H, T_K, D), T_K)
    for newest in (1, 2, 4):
        part = module(torch.zeros(B, H, newest, D), T_K)
        assert torch.equal(part, whole[..., -newest:, :])


def test_begins_with_no_opinion_and_learns_the_buckets_it_meets():
    module = BucketedBias(H, bidirectional=False)
    bias = module(torch.zeros(B, H, T_Q, D), T_Q)
    assert bias.eq(0).all()
    bias.sum().backward()
    assert module.table.grad[:T_Q].ne(0).all()
    assert module.table.grad[T_Q:].eq(0).all()
    assert list(module.state_dict()) == ["table"]
    assert "num_buckets=32, max_distance=128" in repr(module)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_dtype_and_device_follow_the_query(dtype):
    module = BucketedBias(H, bidirectional=True)
    bias = module(torch.zeros(B, H, T_Q, D, dtype=dtype), T_K)
    assert bias.dtype == dtype
    bias.sum().backward()
    assert module.table.grad.dtype == torch.float32
    query = torch.zeros(B, H, T_Q, D, dtype=dtype, device="meta")
    assert module.to("meta")(query, T_K).device.type == "meta"


def test_buckets_of_any_shape_and_integer_and_of_nothing():
    distance = torch.tensor([[[-3], [4]]], dtype=torch.int32)
    assert relative_buckets(distance, bidirectional=True).tolist() == [[[3], [20]]]
    assert relative_buckets(torch.empty(0, 4).long(), bidirectional=True).shape == (0, 4)
    module = BucketedBias(H, bidirectional=True)
    for T_q, T_k in ((0, T_K), (T_Q, 0)):
        assert module(torch.zeros(B, H, T_q, D), T_k).shape == (1, H, T_q, T_k)


def test_errors():
    distance = torch.arange(3)
    with pytest.raises(ValueError, match="num_buckets must be even for two directions, got 7"):
        relative_buckets(distance, num_buckets=7, bidirectional=True)
    for options in ({"num_buckets": 1, "bidirectional": False}, {"num_buckets": 2}):
        with pytest.raises(ValueError, match="num_buckets must be at least 2 a direction, got"):
            BucketedBias(H, **({"bidirectional": True} | options))
    with pytest.raises(ValueError, match=r"max_distance must be above 16.* got 16"):
        BucketedBias(H, max_distance=16, bidirectional=False)
    with pytest.raises(ValueError, match=r"distance must be of integers, got torch.float32"):
        relative_buckets(distance.float(), bidirectional=True)
    with pytest.raises(ValueError, match=r"distance must be of integers, got torch.bool"):
        relative_buckets(distance.bool(), bidirectional=True)
    with pytest.raises(ValueError, match="num_heads must be at least 1, got 0"):
        BucketedBias(0, bidirectional=True)
    module = BucketedBias(H, bidirectional=True)
    for shape in ((B, 4, T_Q, D), (B, T_Q, D)):
        with pytest.raises(ValueError, match=r"query must have shape \(B, 3, T_q, D\), got"):
            module(torch.zeros(shape), T_K)
    with pytest.raises(ValueError, match="num_keys must be at least 0, got -1"):
        module(torch.zeros(B, H, T_Q, D), -1)
