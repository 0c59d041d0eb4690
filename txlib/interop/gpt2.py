"""GPT-2, as it is published and as transformers holds it, into `txlib.models.GPT`."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from txlib.checks import check_kind, check_one_of, shown
from txlib.json_text import parse_object
from txlib.models import GPT, GPTConfig

SIZES = {
    "vocab_size": "vocab_size",
    "n_embd": "d_model",
    "n_layer": "num_layers",
    "n_head": "num_heads",
    "n_inner": "d_ff",
    "n_positions": "max_seq_len",
    "tie_word_embeddings": "tie_embeddings",
}
ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}
ONLY = {
    "model_type": "gpt2",
    "layer_norm_epsilon": 1e-5,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}
BLOCK = {
    "ln_1": ("attention_norm",),
    "attn.c_attn": ("attention.q_proj", "attention.k_proj", "attention.v_proj"),
    "attn.c_proj": ("attention.out_proj",),
    "ln_2": ("feed_forward_norm",),
    "mlp.c_fc": ("feed_forward.up_proj",),
    "mlp.c_proj": ("feed_forward.down_proj",),
}
TABLES = ("wte.weight", "lm_head.weight")
MASK_BUFFER = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")  # older files hold the causal mask


def gpt2_config(published: Mapping[str, Any]) -> GPTConfig:
    """The sizes and choices of a published GPT-2.

    `dropout` is 0, whatever was published: GPT-2 has three rates and drops nothing inside its
    feed-forward layers, where ours does.

    Args:
        published: what stands in config.json; of a transformers model, `model.config.to_dict()`.
            What is absent is as in GPT-2.

    Returns:
        The configuration of the `GPT` that computes the same.

    Raises:
        ValueError: if ours does not compute the same.
    """
    check_kind("published", published, Mapping)
    for name, wanted in ONLY.items():
        if published.get(name, wanted) != wanted:
            raise ValueError(f"{name} must be {wanted!r}, as ours has it, got {published[name]!r}")
    activation = published.get("activation_function", "gelu_new")
    check_one_of("activation_function", activation, tuple(ACTIVATIONS))
    sizes = {mine: published[theirs] for theirs, mine in SIZES.items() if theirs in published}
    return GPTConfig(**{"vocab_size": 50_257} | sizes, activation=ACTIVATIONS[activation])


def load_gpt2(ours: GPT, reference: nn.Module) -> None:
    """Copy the reference's weights into ours, which then computes the same.

    Dropout is left as it is in both, and so is our parameters' dtype.

    Args:
        ours: a `GPT` of `gpt2_config(reference.config.to_dict())`, but for dropout.
        reference: transformers' `GPT2LMHeadModel`, or with one table tied to the output its
            `GPT2Model`.

    Raises:
        ValueError: if the two do not compute the same. Nothing is copied then.
    """
    check_kind("ours", ours, GPT)
    check_kind("reference", reference, nn.Module)
    if not callable(getattr(getattr(reference, "config", None), "to_dict", None)):
        raise ValueError(
            f"reference must be transformers' GPT2LMHeadModel or GPT2Model, got {shown(reference)}"
        )
    wanted, found = (
        asdict(config) | {"d_ff": config.d_ff or 4 * config.d_model, "dropout": None}
        for config in (gpt2_config(reference.config.to_dict()), ours.config)
    )
    for name, value in wanted.items():
        if found[name] != value:
            raise ValueError(f"ours must have {name}={value!r} as GPT-2, got {found[name]!r}")
    _load(ours, reference.state_dict())


def gpt2_from_checkpoint(folder: str | Path) -> GPT:
    """GPT-2 from a folder as it is published; transformers is not needed, no pickle is read.

    Args:
        folder: with config.json and model.safetensors, in one file or in several, named as
            `save_pretrained` does, or as GPT-2's own, without "transformer." before each name.

    Returns:
        The model, in training mode as any new one, with dropout 0.

    Raises:
        FileNotFoundError: if there is no config.json or no safetensors file.
        ValueError: if ours does not compute the same, or tensors are missing, unknown or of
            another shape.
    """
    folder = Path(folder)
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        present = sorted(path.name for path in folder.glob("*"))
        raise FileNotFoundError(
            f"{folder} must hold model.safetensors (a pickle such as pytorch_model.bin is never "
            f"read, as it can run any code), got {present}"
        )
    settings = folder / "config.json"
    config = gpt2_config(parse_object(settings.read_bytes(), str(settings)))
    tensors: dict[str, Tensor] = {}
    for file in files:
        try:
            tensors |= load_file(file)
        except SafetensorError as error:
            raise ValueError(
                f"{file} must be a whole safetensors file, got one that is truncated or something "
                f"else ({error})"
            ) from error
    _check_size(config, tensors, settings)
    ours = GPT(config)
    _load(ours, tensors)
    return ours


def _check_size(config: GPTConfig, tensors: Mapping[str, Tensor], settings: Path) -> None:
    """Make nothing of a size that is claimed and plainly not there."""
    held = sum(tensor.numel() for tensor in tensors.values())
    try:
        with torch.device("meta"):  # shapes without numbers
            few = config.num_layers <= len(tensors)
            claimed = sum(p.numel() for p in GPT(config).parameters()) if few else math.inf
    except (RuntimeError, OverflowError):
        claimed = math.inf
    if claimed > 4 * held:  # up to there, what is missing is told by name
        raise ValueError(f"{settings} must be of a model of about {held} numbers, got a larger one")


def _load(ours: GPT, published: Mapping[str, Tensor]) -> None:
    """Rename, turn and split what is published; refuse before anything is copied."""
    short = {name.removeprefix("transformer."): tensor for name, tensor in published.items()}
    tensors = {name: tensor for name, tensor in short.items() if not MASK_BUFFER.fullmatch(name)}
    names = _our_names(ours.config)
    if ours.config.tie_embeddings:  # the file may hold the table once, under either name
        for name, other in (TABLES, TABLES[::-1]):
            if other in tensors:
                tensors.setdefault(name, tensors[other])
    missing, unknown = sorted(names.keys() - tensors), sorted(tensors.keys() - names)
    if missing or unknown:
        raise ValueError(
            f"the checkpoint must have GPT-2's tensors and no others, lacks {missing} and also "
            f"has {unknown}"
        )
    if ours.config.tie_embeddings and not tensors[TABLES[0]].equal(tensors[TABLES[1]]):
        raise ValueError(
            f"{TABLES} must be equal where tie_word_embeddings is True, got two tables"
        )
    renamed = {}
    for theirs, mine in names.items():
        tensor = tensors[theirs]
        if ".c_" in theirs and tensor.ndim == 2:
            tensor = tensor.T  # GPT-2 multiplies from the other side: (in, out)
        renamed |= dict(zip(mine, tensor.chunk(len(mine)), strict=True))
    shapes = {name: tuple(tensor.shape) for name, tensor in ours.state_dict().items()}
    for name, tensor in renamed.items():
        if tuple(tensor.shape) != shapes[name]:
            raise ValueError(f"{name} must be {shapes[name]}, got {tuple(tensor.shape)}")
    ours.load_state_dict(renamed)


def _our_names(config: GPTConfig) -> dict[str, tuple[str, ...]]:
    """For each published tensor, without "transformer.", ours that it goes into."""
    names = {
        "wte.weight": ("token_embedding.weight",),
        "wpe.weight": ("positions.table.weight",),
        "lm_head.weight": ("out_proj.weight",),
    }
    parts = {"ln_f": ("final_norm",)}
    for layer in range(config.num_layers):
        for theirs, mine in BLOCK.items():
            parts[f"h.{layer}.{theirs}"] = tuple(f"blocks.{layer}.{name}" for name in mine)
    for theirs, mine in parts.items():
        for kind in ("weight", "bias"):
            names[f"{theirs}.{kind}"] = tuple(f"{name}.{kind}" for name in mine)
    return names
