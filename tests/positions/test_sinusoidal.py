import math

import pytest
import torch

from txlib.positions import SinusoidalEncoding, shift_matrix, sinusoidal_encoding, wavelengths

B, T, C = 2, 5, 6  # all different: a swapped axis cannot pass
EXACT = {"dtype": torch.float64}

bases = pytest.mark.parametrize("base", [10_000.0, 37.0])


def test_encoding_by_hand():
    encoding = sinusoidal_encoding(3, 4, base=100.0, offset=1)
    expected = [
        [math.sin(1), math.cos(1), math.sin(0.1), math.cos(0.1)],
        [math.sin(2), math.cos(2), math.sin(0.2), math.cos(0.2)],
        [math.sin(3), math.cos(3), math.sin(0.3), math.cos(0.3)],
    ]
    torch.testing.assert_close(encoding, torch.tensor(expected))


@bases
@pytest.mark.parametrize("offset", [0, 11])
def test_encoding_is_the_paper_s_formula(base, offset):
    expected = torch.empty(T, C, **EXACT)
    for row in range(T):
        for i in range(C // 2):
            angle = (offset + row) / base ** (2 * i / C)
            expected[row, 2 * i] = math.sin(angle)
            expected[row, 2 * i + 1] = math.cos(angle)
    encoding = sinusoidal_encoding(T, C, base=base, offset=offset, **EXACT)
    torch.testing.assert_close(encoding, expected, rtol=0, atol=1e-13)


def test_encoding_equals_transformers_pegasus():
    pegasus = pytest.importorskip("transformers.models.pegasus.modeling_pegasus")
    theirs = pegasus.PegasusSinusoidalPositionalEmbedding(96, 14)
    theirs = theirs.create_weight()  # sines first, then cosines
    mine = sinusoidal_encoding(96, 14)
    torch.testing.assert_close(mine[:, 0::2], theirs[:, :7], rtol=0, atol=1e-7)
    torch.testing.assert_close(mine[:, 1::2], theirs[:, 7:], rtol=0, atol=1e-7)


@bases
@pytest.mark.parametrize("distance", [0, 1, 7, -3, 250, 2.5])
def test_a_shift_is_one_matrix_for_every_position(base, distance):
    matrix = shift_matrix(distance, C, base=base, **EXACT)
    frequencies = 2 * math.pi / wavelengths(C, base=base)
    for p in (0, 3, 40, 900):
        angles = (p + distance) * frequencies
        moved = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten()
        start = sinusoidal_encoding(1, C, base=base, offset=p, **EXACT)[0]
        torch.testing.assert_close(matrix @ start, moved, rtol=0, atol=1e-12)


@bases
@pytest.mark.parametrize("distance", [1, 7, 250])
def test_encoding_shifts_by_the_matrix(base, distance):
    encoding = sinusoidal_encoding(64 + distance, C, base=base, **EXACT)
    moved = encoding[:64] @ shift_matrix(distance, C, base=base, **EXACT).T
    torch.testing.assert_close(moved, encoding[distance:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("distance", [1, -5, 100])
def test_shift_matrix_turns_pairs_by_their_own_angle(distance):
    matrix = shift_matrix(distance, C, **EXACT)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(C, **EXACT), rtol=0, atol=1e-14)
    torch.testing.assert_close(matrix.T, shift_matrix(-distance, C, **EXACT), rtol=0, atol=1e-14)
    torch.testing.assert_close(matrix.det(), torch.tensor(1.0, **EXACT))
    outside = torch.block_diag(*torch.ones(C // 2, 2, 2)) == 0
    assert matrix[outside].eq(0).all()
    cosines = (distance * 2 * math.pi / wavelengths(C)).cos()
    torch.testing.assert_close(matrix.diagonal().view(-1, 2), cosines[:, None].expand(-1, 2))


def test_shifts_add_up():
    once = shift_matrix(3, C, **EXACT) @ shift_matrix(8, C, **EXACT)
    torch.testing.assert_close(once, shift_matrix(11, C, **EXACT), rtol=0, atol=1e-13)


def test_wavelengths_by_hand_and_in_the_encoding():
    expected = 2 * math.pi * torch.tensor([1.0, 10.0], **EXACT)
    torch.testing.assert_close(wavelengths(4, base=100.0), expected)
    turn = wavelengths(C)[1].item()
    angles = torch.tensor([shift_matrix(turn, C, **EXACT)[2, 2], 1.0])
    torch.testing.assert_close(angles[0], angles[1])


def test_every_position_has_one_norm_and_the_product_knows_the_distance_alone():
    encoding = sinusoidal_encoding(50, 16, **EXACT)
    products = encoding @ encoding.T
    for distance in range(-49, 50):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    torch.testing.assert_close(products.diagonal(), torch.full((50,), 8.0, **EXACT))


def test_far_positions_keep_their_digits():
    far = 2**24 + 3  # float32 does not even hold the position
    mine = sinusoidal_encoding(1, 8, base=10.0, offset=far)[0]
    angles = [far * 10.0 ** (-2 * i / 8) for i in range(4)]
    expected = [wave(angle) for angle in angles for wave in (math.sin, math.cos)]
    torch.testing.assert_close(mine, torch.tensor(expected), rtol=0, atol=1e-7)
    in_float32 = (far * torch.tensor(10.0) ** (-torch.arange(4) / 4)).sin()
    assert (in_float32 - mine[0::2]).abs().max() > 1e-3


def test_module_adds_the_encoding_and_passes_gradients_through(collect):
    x = torch.randn(B, T, C, **EXACT)
    mine = collect(SinusoidalEncoding(C, base=50.0), x)
    rows = sinusoidal_encoding(T, C, base=50.0, **EXACT)
    expected = collect(lambda x: x + rows, x)
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_offset_continues_where_the_first_part_ended():
    module, x = SinusoidalEncoding(C), torch.randn(B, T, C, **EXACT)
    parts = torch.cat((module(x[:, :2]), module(x[:, 2:], offset=2)), dim=1)
    torch.testing.assert_close(parts, module(x), rtol=0, atol=1e-14)


def test_module_has_nothing_to_learn_or_save():
    module = SinusoidalEncoding(C)
    assert not list(module.parameters())
    assert not module.state_dict()
    assert "base=10000" in repr(module)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_module_follows_the_dtype_of_its_input(dtype):
    x = torch.randn(B, T, C).to(dtype)
    out = SinusoidalEncoding(C)(x, offset=3000)
    assert out.dtype == dtype
    rows = sinusoidal_encoding(T, C, offset=3000, **EXACT)
    plain = (x + rows.to(dtype) - (x.double() + rows)).abs().max()
    assert (out - (x.double() + rows)).abs().max() <= 2 * plain


@pytest.mark.parametrize("device", ["meta", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_results_lie_where_they_are_wanted(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    assert SinusoidalEncoding(C)(torch.zeros(B, T, C, device=device)).device.type == device
    assert sinusoidal_encoding(T, C, device=device).device.type == device
    assert shift_matrix(2, C, device=device).device.type == device


def test_dtype_is_torch_s_default_where_none_is_asked_for():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert sinusoidal_encoding(T, C).dtype == shift_matrix(1, C).dtype == torch.float64
    finally:
        torch.set_default_dtype(before)
    assert sinusoidal_encoding(T, C).dtype == shift_matrix(1, C).dtype == torch.float32


def test_no_position_and_one():
    assert sinusoidal_encoding(0, C).shape == (0, C)
    assert sinusoidal_encoding(1, 2).tolist() == [[0.0, 1.0]]


def test_errors():
    for make in (lambda d: sinusoidal_encoding(T, d), SinusoidalEncoding, wavelengths):
        with pytest.raises(ValueError, match="d_model must be even and at least 2, got 5"):
            make(5)
    with pytest.raises(ValueError, match="d_model must be even and at least 2, got 0"):
        shift_matrix(1, 0)
    with pytest.raises(ValueError, match=r"base must be above 1, got 1.0"):
        SinusoidalEncoding(C, base=1.0)
    with pytest.raises(ValueError, match="num_positions must be at least 0, got -1"):
        sinusoidal_encoding(-1, C)
    with pytest.raises(ValueError, match="offset must be at least 0, got -2"):
        SinusoidalEncoding(C)(torch.zeros(B, T, C), offset=-2)
    for shape in ((B, T, 4), (T, C)):
        with pytest.raises(ValueError, match=r"x must have shape \(B, T, 6\), got"):
            SinusoidalEncoding(C)(torch.zeros(shape))
