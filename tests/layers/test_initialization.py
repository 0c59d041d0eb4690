import copy
import math

import pytest
import torch
from torch import nn

from txlib.layers import DecoderBlock, EncoderBlock, initialize_, xavier_

C, H, F, V, PAD = 64, 4, 160, 50, 3
WIDE = C**-0.5  # keeps a token's size through a square matrix, so that growth shows at this width
DEPTHS = (2, 4, 8, 16, 24)


class Model(nn.Module):
    """An encoder or a decoder, with what stands around the blocks; its own out_proj adds nothing.

    Every parameter starts at 9, so that what is not set shows.
    """

    def __init__(self, block, num_layers, **options):
        super().__init__()
        self.embedding = nn.Embedding(V, C, padding_idx=PAD)
        self.blocks = nn.ModuleList([block(C, H, F, **options) for _ in range(num_layers)])
        self.norm = nn.LayerNorm(C)
        self.table = nn.Parameter(torch.empty(V, C))
        self.out_proj = nn.Linear(C, V)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.fill_(9.0)


blocks = pytest.mark.parametrize("block", [EncoderBlock, DecoderBlock])


def residual(model):
    """Names of the weights whose outputs are added to the stream, written without the blocks."""
    ends = ("attention.out_proj.weight", "feed_forward.down_proj.weight")
    return [name for name, _ in model.named_parameters() if name.endswith(ends)]


def assert_deviation(weight, std):
    assert weight.mean().abs().item() < 4 * std / math.sqrt(weight.numel())
    assert weight.std().item() == pytest.approx(std, rel=0.06)


def assert_the_rest_is_plain(model):
    """Norms the identity, biases and the row for padding 0, what is not known left alone."""
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert parameter.eq(0).all(), name
        elif "norm" in name:
            assert parameter.eq(1).all(), name
    assert model.embedding.weight[PAD].eq(0).all()
    assert model.table.eq(9).all()


@blocks
@pytest.mark.parametrize("num_layers", [2, 8])
@pytest.mark.parametrize(
    "options", [{}, {"activation": "swiglu", "norm": "rms", "qk_norm": True, "num_kv_heads": 2}]
)
def test_deviation_of_every_weight(block, num_layers, options):
    torch.manual_seed(0)
    model = Model(block, num_layers, **options)
    initialize_(model, num_layers=num_layers)
    sublayers = 2 if block is EncoderBlock else 3
    scaled = residual(model)
    assert len(scaled) == sublayers * num_layers
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            shrunk = f"{name}.weight" in scaled
            std = 0.02 / math.sqrt(sublayers * num_layers) if shrunk else 0.02
            assert_deviation(module.weight, std)
    assert_deviation(model.embedding.weight[PAD + 1 :], 0.02)
    assert_the_rest_is_plain(model)


def test_no_depth_scales_nothing_down():
    torch.manual_seed(0)
    model = Model(EncoderBlock, 4)
    initialize_(model, num_layers=None, std=0.1)
    for name in residual(model):
        assert_deviation(model.get_parameter(name), 0.1)


def test_one_block_is_a_module_too_and_stays_on_its_dtype():
    block = EncoderBlock(C, H, F).bfloat16()
    initialize_(block, num_layers=1)
    assert_deviation(block.attention.out_proj.weight.float(), 0.02 / math.sqrt(2))
    assert all(parameter.requires_grad for parameter in block.parameters())
    assert all(parameter.dtype == torch.bfloat16 for parameter in block.parameters())


def stream_variance(block, num_layers, *, scaled):
    """Of the stream after each block at initialisation, from a stream of variance 1."""
    torch.manual_seed(num_layers)
    stack = nn.ModuleList([block(C, H, 4 * C, activation="gelu") for _ in range(num_layers)])
    initialize_(stack, num_layers=num_layers if scaled else None, std=WIDE)
    x, memory = torch.randn(8, 16, C), torch.randn(8, 12, C)
    variances = []
    with torch.no_grad():
        for layer in stack:
            x = layer(x) if block is EncoderBlock else layer(x, memory)
            variances.append(x.var().item())
    return variances


@blocks
def test_the_streams_variance_grows_with_depth_unless_scaled(block):
    """The reason: independent outputs add up, one share for every sub-layer."""
    plain = torch.tensor([stream_variance(block, n, scaled=False)[-1] for n in DEPTHS])
    scaled = torch.tensor([stream_variance(block, n, scaled=True)[-1] for n in DEPTHS])
    a_block = (plain - 1) / torch.tensor(DEPTHS)  # what each adds: as much at 2 as at 24
    assert a_block.min() > 1.5
    assert a_block.max() < 3
    assert scaled.max() < 2.5
    assert (scaled.max() / scaled.min()) < 1.2
    assert plain[-1] > 20 * scaled[-1]


@blocks
def test_each_block_adds_as_much_as_the_one_before(block):
    growth = torch.tensor([1.0, *stream_variance(block, 24, scaled=True)]).diff()
    halves = growth[:12].sum(), growth[12:].sum()
    assert 0.7 < halves[0] / halves[1] < 1.4


@blocks
def test_xavier_fits_every_matrix_to_its_widths(block):
    torch.manual_seed(0)
    model = Model(block, 2, num_kv_heads=2)
    xavier_(model)
    shapes = set()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            variance = 2 / (module.in_features + module.out_features)
            shapes.add(module.weight.shape)
            assert_deviation(module.weight, math.sqrt(variance))
            assert module.weight.abs().max() <= math.sqrt(3 * variance)  # uniform
            assert module.weight.abs().max() >= math.sqrt(3 * variance) * 0.99
    assert len(shapes) == 5
    assert_deviation(model.embedding.weight[PAD + 1 :], C**-0.5)
    assert_the_rest_is_plain(model)


def test_xavier_keeps_the_size_of_signals_and_of_gradients_through_square_matrices():
    torch.manual_seed(0)
    stack = nn.Sequential(*(nn.Linear(C, C) for _ in range(8)))
    defaults = copy.deepcopy(stack)
    xavier_(stack)
    for layers, kept in ((stack, True), (defaults, False)):
        x = torch.randn(500, C).requires_grad_()
        out = layers(x)
        out.backward(torch.randn_like(out))
        for tensor in (out, x.grad):
            assert (0.5 < tensor.var().item() < 2) == kept


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (lambda: EncoderBlock(C, H, F), {"num_layers": 0}, "num_layers must be at least 1, got 0"),
        (lambda: EncoderBlock(C, H, F), {"num_layers": 2, "std": 0.0}, "std must be above 0, got"),
        (lambda: nn.Linear(C, V), {"num_layers": 2}, "must hold an EncoderBlock or .* got Linear"),
    ],
)
def test_bad_arguments_change_nothing(make, options, message):
    module = make()
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(ValueError, match=message):
        initialize_(module, **options)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
