"""The loaders of other people's weights and the capture of ours, each with a lawful call."""

import torch
from model_targets import gpt, translator
from targets import Sizes, Target
from torch import nn

from txlib import interop, models
from txlib.attention import MultiHeadAttention
from txlib.capture import capture_weights
from txlib.interop.gpt2 import _our_names
from txlib.layers import DecoderBlock, EncoderBlock


class PublishedGPT2(nn.Module):
    """What `load_gpt2` asks of a model of transformers: a configuration and tensors."""

    def __init__(self):
        super().__init__()
        self.config = self
        ours = models.GPT(interop.gpt2_config(PUBLISHED))
        self.tensors = {}
        for theirs, mine in _our_names(ours.config).items():
            tensor = torch.cat([ours.state_dict()[name] for name in mine])
            self.tensors[theirs] = tensor.T if ".c_" in theirs and tensor.ndim == 2 else tensor

    def to_dict(self) -> dict:
        return PUBLISHED

    def state_dict(self, *args, **kwargs) -> dict:
        return self.tensors


def loader(load, ours, reference) -> Target:
    return Target(
        name=load.__name__,
        make=lambda s: (load, {"ours": ours(), "reference": reference()}),
        kinds={"ours": "module", "reference": "module"},
        changes=("ours",),
    )


def capture(s: Sizes):
    def call(model):
        with capture_weights(model) as weights:
            return weights

    return call, {"model": gpt()}


def stack(kind: type) -> nn.Module:
    return kind(8, 2, 12, 0.0, batch_first=True)


def reference_transformer() -> nn.Transformer:
    inside = nn.TransformerEncoder(
        stack(nn.TransformerEncoderLayer), 1, norm=None, enable_nested_tensor=False
    )
    outside = nn.TransformerDecoder(stack(nn.TransformerDecoderLayer), 1, norm=None)
    return nn.Transformer(8, 2, custom_encoder=inside, custom_decoder=outside, batch_first=True)


PUBLISHED = {"n_embd": 8, "n_head": 2, "n_layer": 1, "vocab_size": 11, "n_positions": 9}
OTHERS = [
    Target(
        name="gpt2_config",
        make=lambda s: (interop.gpt2_config, {"published": PUBLISHED}),
        kinds={"published": "any"},
        allows={"published": frozenset({"dict"})},  # GPT-2's own
    ),
    *(
        Target(
            name=f"gpt2_config, {name}",
            make=lambda s, name=name: (
                lambda **fields: interop.gpt2_config(PUBLISHED | fields),
                {name: PUBLISHED.get(name, "gelu_new")},
            ),
            kinds={name: kind},
            also=("d_model", "num_heads", "num_layers", "vocab_size"),
        )
        for name, kind in {
            "n_embd": "size",
            "n_head": "size",
            "n_layer": "size",
            "vocab_size": "size",
            "activation_function": "choice",
        }.items()
    ),
    loader(
        interop.load_multi_head_attention,
        lambda: MultiHeadAttention(8, 2, bias=True),
        lambda: nn.MultiheadAttention(8, 2, batch_first=True),
    ),
    loader(
        interop.load_encoder_block,
        lambda: EncoderBlock(8, 2, 12, norm_order="post"),
        lambda: stack(nn.TransformerEncoderLayer),
    ),
    loader(
        interop.load_decoder_block,
        lambda: DecoderBlock(8, 2, 12, norm_order="post"),
        lambda: stack(nn.TransformerDecoderLayer),
    ),
    loader(interop.load_gpt2, lambda: models.GPT(interop.gpt2_config(PUBLISHED)), PublishedGPT2),
    loader(interop.load_transformer, lambda: translator("Transformer"), reference_transformer),
    Target(name="capture_weights", make=capture, kinds={"model": "module"}),
]
