import math

import pytest
import torch
from torch import nn

from txlib.positions.rotary import (
    RotaryEmbedding,
    half_to_interleaved,
    interleaved_to_half,
    rotary_frequencies,
)

B, H, T, D, C = 2, 3, 7, 10, 5  # all different: a swapped axis cannot pass
PAIRINGS = ["half", "interleaved"]

pairings = pytest.mark.parametrize("pairing", PAIRINGS)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def vectors(*shape, dtype=torch.float64):
    return torch.randn(*(shape or (B, H, T, D)), dtype=dtype)


def value_and_gradient(run, x):
    x = x.detach().clone().requires_grad_()
    output = run(x)
    direction = torch.linspace(-1, 2, output.numel()).view_as(output).to(output.dtype)
    return [output.detach(), *torch.autograd.grad((output * direction).sum(), x)]


def by_complex_numbers(x, pairing, offset=0, base=10_000.0, interpolation=1.0):
    """A pair is a complex number, a turn a product with a number of length 1."""
    positions = torch.arange(offset, offset + x.shape[-2]).double() / interpolation
    size = x.shape[-1]
    exponents = torch.arange(size // 2).double() * 2 / size
    angles = positions[:, None] / torch.full((), base, dtype=torch.float64) ** exponents
    turn = torch.polar(torch.ones_like(angles), angles)
    if pairing == "half":
        z = torch.complex(x[..., : size // 2], x[..., size // 2 :]) * turn
        return torch.cat((z.real, z.imag), dim=-1)
    z = torch.view_as_complex(x.unflatten(-1, (-1, 2))) * turn
    return torch.view_as_real(z).flatten(-2)


def test_frequencies_by_hand():
    torch.testing.assert_close(rotary_frequencies(4), torch.tensor([1.0, 0.01]))
    torch.testing.assert_close(rotary_frequencies(6, base=8.0), torch.tensor([1.0, 0.5, 0.25]))
    assert rotary_frequencies(2).tolist() == [1.0]


def test_rotation_by_hand():
    """Base 1 turns every pair by one radian per position; position 0 turns nothing."""
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]] * 2)
    c, s = math.cos(1), math.sin(1)
    turned = RotaryEmbedding(4, base=1.0)(x)  # pairs (1, 3) and (2, 4)
    expected = torch.tensor([[1.0, 2, 3, 4], [c - 3 * s, 2 * c - 4 * s, s + 3 * c, 2 * s + 4 * c]])
    torch.testing.assert_close(turned, expected)
    turned = RotaryEmbedding(4, base=1.0, pairing="interleaved")(x)  # pairs (1, 2) and (3, 4)
    expected = torch.tensor([[1.0, 2, 3, 4], [c - 2 * s, s + 2 * c, 3 * c - 4 * s, 3 * s + 4 * c]])
    torch.testing.assert_close(turned, expected)


@pairings
@pytest.mark.parametrize(
    ("offset", "base", "interpolation"), [(0, 10_000.0, 1.0), (11, 500_000.0, 1.0), (3, 7.0, 2.5)]
)
def test_equals_complex_products_in_values_and_gradients(pairing, offset, base, interpolation):
    rotary = RotaryEmbedding(D, base=base, pairing=pairing, interpolation=interpolation)
    x = vectors()
    mine = value_and_gradient(lambda x: rotary(x, offset), x)
    theirs = value_and_gradient(
        lambda x: by_complex_numbers(x, pairing, offset, base, interpolation), x
    )
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("base", [10_000.0, 500_000.0])
@pytest.mark.parametrize("interpolation", [1.0, 4.0])
def test_half_equals_llama_in_values_and_gradients(base, interpolation):
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    parameters = {"rope_type": "default", "rope_theta": base}
    if interpolation != 1:
        parameters |= {"rope_type": "linear", "factor": interpolation}
    config = llama.LlamaConfig(
        hidden_size=H * D, num_attention_heads=H, head_dim=D, rope_parameters=parameters
    )
    reference = llama.LlamaRotaryEmbedding(config)
    rotary = RotaryEmbedding(D, base=base, interpolation=interpolation)
    x, offset = vectors(dtype=torch.float32), 13

    def theirs(x):
        cos, sin = reference(x, torch.arange(offset, offset + T)[None])
        return llama.apply_rotary_pos_emb(x, x, cos, sin)[1]

    mine = value_and_gradient(lambda x: rotary(x, offset), x)
    for a, b in zip(mine, value_and_gradient(theirs, x), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)  # its angles are float32


def test_interleaved_equals_gpt_j_and_roformer_in_values_and_gradients():
    gptj = pytest.importorskip("transformers.models.gptj.modeling_gptj")
    roformer = pytest.importorskip("transformers.models.roformer.modeling_roformer")
    sin_cos = gptj.create_sinusoidal_positions(T + 4, D)[4:]  # positions 4 to T + 3

    def by_gptj(x):  # its heads come after positions
        sin, cos = sin_cos[None].chunk(2, dim=-1)
        return gptj.apply_rotary_pos_emb(x.transpose(1, 2), sin, cos).transpose(1, 2)

    def by_roformer(x):
        apply = roformer.RoFormerSelfAttention.apply_rotary_position_embeddings
        return apply(sin_cos, x, x)[0]

    rotary = RotaryEmbedding(D, pairing="interleaved")
    x = vectors(dtype=torch.float32)
    mine = value_and_gradient(lambda x: rotary(x, 4), x)
    for reference in (by_gptj, by_roformer):
        for a, b in zip(mine, value_and_gradient(reference, x), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


def test_ntk_stretches_the_slowest_pair_by_the_factor_and_the_fastest_not():
    plain = rotary_frequencies(D, dtype=torch.float64)
    stretched = rotary_frequencies(D, ntk_factor=3.0, dtype=torch.float64)
    ratio = plain / stretched
    assert ratio[0] == 1
    torch.testing.assert_close(ratio[-1], torch.tensor(3.0, dtype=torch.float64))
    assert (ratio.diff() > 0).all()
    x, base = vectors(), 10_000.0 * 3.0 ** (D / (D - 2))
    expected = by_complex_numbers(x, "half", base=base)
    torch.testing.assert_close(RotaryEmbedding(D, ntk_factor=3.0)(x), expected)


@pairings
def test_rotation_keeps_the_norm_of_each_vector_and_of_each_pair(pairing):
    x = vectors()
    turned = RotaryEmbedding(D, pairing=pairing)(x, 1000)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1), rtol=0, atol=1e-12)
    pair = (0, D // 2) if pairing == "half" else (0, 1)
    torch.testing.assert_close(
        turned[..., pair].norm(dim=-1), x[..., pair].norm(dim=-1), rtol=0, atol=1e-12
    )
    assert not torch.allclose(turned, x)


@pairings
@pytest.mark.parametrize(
    "stretch", [{}, {"interpolation": 4.0}, {"ntk_factor": 2.0}, {"base": 500_000.0}]
)
def test_scores_depend_on_the_distance_alone(pairing, stretch):
    rotary = RotaryEmbedding(D, pairing=pairing, **stretch)
    query, key = vectors(B, H, 1, D), vectors(B, H, 1, D)

    def score(m, n):
        return (rotary(query, m) * rotary(key, n)).sum(dim=-1)

    for distance in (0, 1, 5, 40):
        expected = score(distance, 0)
        for n in (1, 3, 100, 3000):
            torch.testing.assert_close(score(n + distance, n), expected, rtol=0, atol=1e-10)
    assert not torch.allclose(score(1, 0), score(0, 0))
    assert not torch.allclose(score(1, 0), score(0, 1))  # past and future differ


@pairings
def test_a_vector_turned_step_by_step_arrives_where_one_turn_brings_it(pairing):
    rotary, x = RotaryEmbedding(D, pairing=pairing), vectors(B, H, 1, D)
    torch.testing.assert_close(rotary(rotary(x, 3), 4), rotary(x, 7), rtol=0, atol=1e-12)


@pairings
def test_decoding_with_an_offset_equals_the_full_pass(pairing):
    x = vectors()
    whole = RotaryEmbedding(D, pairing=pairing)(x)
    rotary = RotaryEmbedding(D, pairing=pairing)
    parts = [rotary(x[..., :3, :])]
    parts += [rotary(x[..., t : t + 1, :], t) for t in range(3, T)]
    torch.testing.assert_close(torch.cat(parts, dim=-2), whole, rtol=0, atol=0)


def test_interpolation_maps_long_texts_onto_trained_positions():
    x = vectors()
    stretched = RotaryEmbedding(D, interpolation=4.0)(x)
    plain = RotaryEmbedding(D)
    for t in (0, 4):
        one = x[..., t : t + 1, :]
        torch.testing.assert_close(stretched[..., t : t + 1, :], plain(one, t // 4))


def scores(q_proj, k_proj, x, pairing, num_heads, num_kv_heads):
    rotary = RotaryEmbedding(D, pairing=pairing)
    query, key = (
        rotary(proj(x).unflatten(-1, (heads, D)).transpose(1, 2))
        for proj, heads in ((q_proj, num_heads), (k_proj, num_kv_heads))
    )
    return query @ key.repeat_interleave(num_heads // num_kv_heads, dim=1).mT


@pytest.mark.parametrize(
    ("convert", "made_for", "wanted"),
    [
        (interleaved_to_half, "interleaved", "half"),
        (half_to_interleaved, "half", "interleaved"),
    ],
)
def test_converted_projections_give_the_same_scores(convert, made_for, wanted):
    q_proj, k_proj = nn.Linear(C, 6 * D).double(), nn.Linear(C, 3 * D).double()
    x = vectors(B, T, C)
    expected = scores(q_proj, k_proj, x, made_for, 6, 3)
    assert not torch.allclose(scores(q_proj, k_proj, x, wanted, 6, 3), expected)
    with torch.no_grad():
        for proj, heads in ((q_proj, 6), (k_proj, 3)):
            proj.weight.copy_(convert(proj.weight, heads))
            proj.bias.copy_(convert(proj.bias, heads))
    actual = scores(q_proj, k_proj, x, wanted, 6, 3)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


def test_conversion_by_hand_and_back():
    rows = torch.arange(12)
    assert interleaved_to_half(rows, 2).tolist() == [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]
    assert half_to_interleaved(rows, 2).tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]
    weight = torch.randn(3 * D, C)
    for there, back in (
        (interleaved_to_half, half_to_interleaved),
        (half_to_interleaved, interleaved_to_half),
    ):
        assert not torch.equal(there(weight, 3), weight)
        torch.testing.assert_close(back(there(weight, 3), 3), weight, rtol=0, atol=0)


@pairings
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_loses_no_more_than_the_last_rounding(pairing, dtype):
    exact = vectors().to(dtype).double()
    turned = RotaryEmbedding(D, pairing=pairing)(exact.to(dtype), 3000)
    assert turned.dtype == dtype
    expected = by_complex_numbers(exact, pairing, 3000)
    plain = by_complex_numbers(exact, pairing, 3000).to(dtype)  # exact until the cast
    error = (turned.double() - expected).abs().max()
    assert error <= 2 * (plain.double() - expected).abs().max()


def test_float32_stays_exact_far_from_the_start():
    """In float32 an angle near 100 000 radians is known to 0.004; here it is not the limit."""
    x = vectors(dtype=torch.float32)
    expected = by_complex_numbers(x.double(), "half", 100_000).float()
    turned = RotaryEmbedding(D)(x, 100_000)
    torch.testing.assert_close(turned, expected, rtol=0, atol=2e-6)


def test_one_position_no_position_and_no_batch():
    rotary = RotaryEmbedding(D)
    assert rotary(vectors(B, H, 0, D)).shape == (B, H, 0, D)
    x = vectors(1, D)
    torch.testing.assert_close(rotary(x), x)
    stacked = vectors(B, C, H, T, D)
    torch.testing.assert_close(rotary(stacked)[1, 2], rotary(stacked[1, 2]))


def test_gradcheck():
    rotary, x = RotaryEmbedding(4, pairing="interleaved"), vectors(2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: rotary(x, 5), x)


def test_input_is_not_changed():
    x = vectors()
    before = x.clone()
    RotaryEmbedding(D)(x, 2)
    torch.testing.assert_close(x, before, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"head_dim": 5}, "head_dim must be even and at least 2, got 5"),
        ({"head_dim": 0}, "head_dim must be even and at least 2, got 0"),
        ({"head_dim": -4}, "head_dim must be even and at least 2, got -4"),
        ({"base": 0.0}, "base must be positive and finite, got 0.0"),
        ({"base": math.inf}, "base must be positive and finite, got inf"),
        ({"base": math.nan}, "base must be positive and finite, got nan"),
        ({"ntk_factor": 0.5}, "ntk_factor must be finite and at least 1, got 0.5"),
        ({"ntk_factor": math.inf}, "ntk_factor must be finite and at least 1, got inf"),
        ({"head_dim": 2, "ntk_factor": 2.0}, "ntk_factor must be 1 where head_dim is 2, got 2.0"),
        ({"interpolation": 0.5}, "interpolation must be finite and at least 1, got 0.5"),
        ({"interpolation": math.nan}, "interpolation must be finite and at least 1, got nan"),
        ({"pairing": "paper"}, r"pairing must be one of \('half', 'interleaved'\), got 'paper'"),
    ],
)
def test_refuses_wrong_settings(arguments, message):
    arguments = {"head_dim": D} | arguments
    with pytest.raises(ValueError, match=f"^{message}$"):
        RotaryEmbedding(**arguments)
    if not arguments.keys() & {"interpolation", "pairing"}:
        with pytest.raises(ValueError, match=f"^{message}$"):
            rotary_frequencies(**arguments)


def test_refuses_wrong_inputs():
    rotary = RotaryEmbedding(D)
    with pytest.raises(ValueError, match=r"x must have shape \(..., T, 10\), got \(7, 5\)"):
        rotary(vectors(T, C))
    with pytest.raises(ValueError, match=r"x must have shape \(..., T, 10\), got \(10,\)"):
        rotary(vectors(D))
    with pytest.raises(ValueError, match=r"x must be of a float dtype, got torch.int64"):
        rotary(torch.zeros(T, D, dtype=torch.int64))
    with pytest.raises(ValueError, match="offset must be at least 0, got -1"):
        rotary(vectors(), -1)


@pytest.mark.parametrize("convert", [interleaved_to_half, half_to_interleaved])
def test_refuses_rows_that_are_no_heads(convert):
    with pytest.raises(ValueError, match="num_heads must be at least 1, got 0"):
        convert(torch.zeros(12, C), 0)
    for shape in ((12, C), (10,), (0, C), ()):
        with pytest.raises(ValueError, match="weight must have num_heads=4 times an even") as info:
            convert(torch.zeros(shape), 4)
        assert str(info.value).endswith(f"got shape {shape}")
