import math
from functools import partial

import pytest
import torch

from txlib.attention import fused_attention
from txlib.positions import (
    RelativeKeys,
    relative_attention,
    relative_distances,
    relative_scores_gather,
    relative_scores_skew,
)

B, H, T_Q, T_K, D, D_V, FAR = 2, 3, 5, 7, 4, 6, 8  # all different: a swapped axis cannot pass
WAYS = {"gather": relative_scores_gather, "skew": relative_scores_skew}
LENGTHS = [(T_Q, T_K), (T_K, T_Q), (T_Q, T_Q), (1, T_K), (T_Q, 1), (1, 1), (2, 2)]

ways = pytest.mark.parametrize("scores", WAYS.values(), ids=WAYS)
lengths = pytest.mark.parametrize(("T_q", "T_k"), LENGTHS)
reach = pytest.mark.parametrize("max_distance", [0, 1, 3, FAR])


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def clipped_row(i, j, T_q, T_k, max_distance):
    distance = j - (T_k - T_q + i)
    return max(-max_distance, min(max_distance, distance)) + max_distance


def test_distances_by_hand():
    assert relative_distances(2, 4).tolist() == [[-2, -1, 0, 1], [-3, -2, -1, 0]]
    assert relative_distances(3, 1).tolist() == [[2], [1], [0]]
    assert relative_distances(0, 3).shape == (0, 3)


@ways
def test_scores_by_hand(scores):
    table = torch.tensor([[1.0, 0.0], [10.0, 0.0], [0.0, 100.0]])  # before, here, after
    query = torch.tensor([[2.0, 3.0], [5.0, 7.0]])
    expected = torch.tensor([[2.0, 20.0, 300.0], [5.0, 5.0, 50.0]])
    torch.testing.assert_close(scores(query, table, 3), expected)


@ways
@reach
@lengths
def test_scores_equal_loops_in_values_and_gradients(scores, max_distance, T_q, T_k, collect):
    def loops(query, table):
        pairs = [
            query[..., i, :] @ table[clipped_row(i, j, T_q, T_k, max_distance)]
            for i in range(T_q)
            for j in range(T_k)
        ]
        return torch.stack(pairs, dim=-1).unflatten(-1, (T_q, T_k))

    leaves = normal(B, H, T_q, D), normal(2 * max_distance + 1, D)
    mine = collect(partial(scores, num_keys=T_k), *leaves)
    for a, b in zip(mine, collect(loops, *leaves), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@reach
@lengths
@pytest.mark.parametrize("lead", [(), (B,), (B, H)])
def test_skew_equals_gather_in_values_and_gradients(max_distance, T_q, T_k, lead, collect):
    leaves = normal(*lead, T_q, D), normal(2 * max_distance + 1, D)
    one, other = (collect(partial(scores, num_keys=T_k), *leaves) for scores in WAYS.values())
    assert one[0].shape == (*lead, T_q, T_k)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("is_causal", [False, True])
@lengths
@pytest.mark.parametrize("value_side", [False, True])
def test_attention_equals_loops_of_the_equations(is_causal, T_q, T_k, value_side, collect):
    max_distance = 3
    allowed = torch.rand(B, T_q, T_k) > 0.3

    def loops(query, key, value, key_table, value_table):
        contexts = []
        for b, h, i in torch.cartesian_prod(*(torch.arange(n) for n in (B, H, T_q))).tolist():
            seen = [j for j in range(T_k) if allowed[b, i, j]]
            seen = [j for j in seen if not is_causal or j <= T_k - T_q + i]
            rows = [clipped_row(i, j, T_q, T_k, max_distance) for j in seen]
            e = [
                (query[b, h, i] * (key[b, h, j] + key_table[row])).sum() / math.sqrt(D)
                for j, row in zip(seen, rows, strict=True)
            ]
            total = sum(score.exp() for score in e)
            z = 0 * (value.sum() + value_table.sum() + key_table.sum()) + torch.zeros(D_V).double()
            for j, row, score in zip(seen, rows, e, strict=True):
                spoken = value[b, h, j] + value_table[row] * value_side
                z = z + score.exp() / total * spoken
            contexts.append(z + 0 * (query.sum() + key.sum()))
        return torch.stack(contexts).view(B, H, T_q, D_V)

    def mine(query, key, value, key_table, value_table):
        second = value_table if value_side else None
        mask = allowed[:, None]
        context = relative_attention(
            query, key, value, key_table, second, mask, is_causal=is_causal
        )
        return context if value_side else context + 0 * value_table.sum()

    sizes = (B, H, T_q, D), (B, H, T_k, D), (B, H, T_k, D_V), (7, D), (7, D_V)
    leaves = [normal(*size) for size in sizes]
    pairs = zip(collect(mine, *leaves), collect(loops, *leaves), strict=True)
    for a, b in pairs:
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("far", [2, FAR])
def test_attention_equals_transformers_wav2vec2_bert(far, collect):
    """Its "relative_key" is the key side of Shaw et al.; the projections are made to do nothing."""
    theirs = pytest.importorskip("transformers.models.wav2vec2_bert.modeling_wav2vec2_bert")
    config = theirs.Wav2Vec2BertConfig(
        hidden_size=H * D,
        num_attention_heads=H,
        attention_dropout=0.0,
        position_embeddings_type="relative_key",
        left_max_position_embeddings=far,
        right_max_position_embeddings=far,
    )
    config._attn_implementation = "eager"
    reference = theirs.Wav2Vec2BertSelfAttention(config).double().eval()
    table = reference.distance_embedding.weight

    def heads(projected):
        return projected.unflatten(-1, (H, D)).transpose(1, 2)  # (B, H, T, D)

    def mine(x):
        q, k, v = (
            heads(p(x)) for p in (reference.linear_q, reference.linear_k, reference.linear_v)
        )
        context = relative_attention(q, k, v, table)
        return reference.linear_out(context.transpose(1, 2).flatten(2))

    def by_bias(x):
        module = RelativeKeys(D, far).double()
        module.table = table
        q, k, v = (
            heads(p(x)) for p in (reference.linear_q, reference.linear_k, reference.linear_v)
        )
        weights = (q @ k.mT / math.sqrt(D) + module(q, T_K)).softmax(dim=-1)
        return reference.linear_out((weights @ v).transpose(1, 2).flatten(2))

    x = normal(B, T_K, H * D)
    expected = collect(lambda x: reference(x)[0], x, parameters=[table])
    for run in (mine, by_bias):
        for a, b in zip(collect(run, x, parameters=[table]), expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [None, 0.3])
@lengths
def test_module_is_the_scaled_scores(scale, T_q, T_k, collect):
    module = RelativeKeys(D, 3, scale=scale).double()
    query, factor = normal(B, H, T_q, D), 0.5 if scale is None else scale  # 0.5: root of D = 4
    mine = collect(partial(module, num_keys=T_k), query, parameters=[module.table])
    expected = collect(
        lambda query: relative_scores_gather(query, module.table, T_k) * factor,
        query,
        parameters=[module.table],
    )
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@lengths
@pytest.mark.parametrize("is_causal", [False, True])
def test_keys_enter_the_fused_path_as_a_bias(T_q, T_k, is_causal, collect):
    module = RelativeKeys(D, 3).double()

    def fused(query, key, value):
        return fused_attention(query, key, value, bias=module(query, T_k), is_causal=is_causal)

    def readable(query, key, value):
        return relative_attention(query, key, value, module.table, is_causal=is_causal)

    leaves = normal(B, H, T_q, D), normal(B, H, T_k, D), normal(B, H, T_k, D_V)
    mine, expected = (collect(run, *leaves, parameters=[module.table]) for run in (fused, readable))
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@ways
def test_scores_know_the_distance_alone(scores):
    query = normal(B, H, 1, D).expand(B, H, T_K, D)
    result = scores(query, normal(2 * FAR + 1, D), T_K)
    torch.testing.assert_close(result[..., 1:, 1:], result[..., :-1, :-1])
    assert result[0, 0, 0].unique().numel() == T_K


@ways
def test_beyond_the_table_the_last_vectors_speak(scores):
    result = scores(normal(B, H, 9, D), normal(2 * 2 + 1, D), 9)
    before, after = result.tril(-2)[..., 8, :7], result.triu(2)[..., 0, 2:]
    torch.testing.assert_close(before, before[..., :1].expand_as(before))
    torch.testing.assert_close(after, after[..., :1].expand_as(after))


@ways
def test_newest_queries_alone_equal_the_last_rows(scores):
    query, table = normal(B, H, T_K, D), normal(2 * 3 + 1, D)
    whole = scores(query, table, T_K)
    for newest in (1, 2, 4):
        part = scores(query[..., -newest:, :], table, T_K)
        torch.testing.assert_close(part, whole[..., -newest:, :])


def test_tables_of_zeros_leave_plain_attention():
    query, key, value = normal(B, H, T_Q, D), normal(B, H, T_K, D), normal(B, H, T_K, D_V)
    plain = (query @ key.mT / 2).softmax(dim=-1) @ value  # 2 is the root of D
    zeros = torch.zeros(5, D).double(), torch.zeros(5, D_V).double()
    torch.testing.assert_close(relative_attention(query, key, value, *zeros), plain)
    other = relative_attention(query, key, value, *zeros, scale=2.0)
    torch.testing.assert_close(other, (query @ key.mT * 2).softmax(dim=-1) @ value)


def test_keys_shared_by_heads_are_those_keys_repeated():
    query, tables = normal(B, 4, T_Q, D), (normal(5, D), normal(5, D_V))
    key, value = normal(B, 2, T_K, D), normal(B, 2, T_K, D_V)
    repeated = (x.repeat_interleave(2, dim=1) for x in (key, value))
    expected = relative_attention(query, *repeated, *tables)
    torch.testing.assert_close(relative_attention(query, key, value, *tables), expected)
