"""Trained translators that come with the book, small enough to be a part of it.

A run's best model becomes one of them by::

    python -m txlib.recipes.pretrained runs/grammar_transformer/seed-0 --name grammar
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from txlib.atomic import write_folder_atomically
from txlib.checks import check_text, shown
from txlib.json_text import parse_object
from txlib.recipes import records
from txlib.recipes.argument_checks import check_device, check_path
from txlib.recipes.translator import MODEL_FILE, Translator, load_translator, rebuild_translator
from txlib.training import load_checkpoint

KEY = "txlib.translator"
RECORD_FILE = "record.json"
MAX_BYTES = 2_000_000


def load_pretrained(name: str = "grammar", *, device: torch.device | None = None) -> Translator:
    """A translator that was trained beforehand, in evaluation mode, with no network.

    Its numbers were rounded to float16 when it was published, and are float32 again here. How it
    was trained stands in `record.json` beside it.

    Args:
        name: `"grammar"` translates the sentences of `txlib.data.grammar` (chapter 7).
        device: the best there is if not given.

    Raises:
        FileNotFoundError: if there is no such translator; the message lists those that there are.
        ValueError: if its files are damaged.
    """
    check_text("name", name)
    check_device("device", device)
    suffix = "_translator"
    found = {
        path.name.removesuffix(suffix): path
        for folder in reversed(records.FOLDERS)
        for path in folder.glob(f"*{suffix}")
    }
    if name not in found:
        raise FileNotFoundError(f"there is no trained translator {name!r}; got {sorted(found)}")
    return read_published(found[name], device=device)


def read_published(folder: str | Path, *, device: torch.device | None = None) -> Translator:
    """The translator in a folder that `publish` wrote.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged or of something else.
    """
    check_path("folder", folder)
    check_device("device", device)
    folder = Path(folder)
    path = folder / MODEL_FILE
    if not path.is_file():
        raise FileNotFoundError(f"there is no published model at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {})[KEY]
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, RuntimeError, OverflowError, TypeError) as error:
        raise ValueError(f"{path} must be a published translator's, got {shown(error)}") from error
    details = parse_object(text, f"{path}: the header")
    translator = rebuild_translator(details, path, tensors, device=device)
    _unpack(path, tensors, translator.model)
    return translator


def publish(folder: str | Path, destination: str | Path) -> None:
    """Make a run's best model a small folder that `read_published` reads; whole or not at all.

    Args:
        folder: of one seed, `<out>/seed-<n>`; the run's `record.json` lies above it.
        destination: replaced if it is there. It gets `model.safetensors`, in float16 and with a
            table that two layers share stored once, both vocabularies, and the record.

    Raises:
        FileNotFoundError: if the run is not complete.
        ValueError: if the record is of another run, a number is too large for float16, or all
            files together would exceed `MAX_BYTES`.
        OSError: if the folder cannot be written; what was there before stays.
    """
    check_path("folder", folder)
    check_path("destination", destination)
    folder, destination = Path(folder), Path(destination)
    translator = load_translator(folder, device=torch.device("cpu"))
    run = load_checkpoint(folder / MODEL_FILE).details["run"]
    record = (folder.parent / RECORD_FILE).read_bytes()
    _check_record(parse_object(record, RECORD_FILE), run)
    details = translator.to_details() | {"seed": run["seed"]}
    files = {
        MODEL_FILE: save(_pack(translator.model), metadata={KEY: json.dumps(details)}),
        "source.json": f"{translator.source.to_json().strip()}\n".encode(),
        "target.json": f"{translator.target.to_json().strip()}\n".encode(),
        RECORD_FILE: record,
    }
    size = sum(map(len, files.values()))
    if size > MAX_BYTES:
        raise ValueError(f"all files together must have at most {MAX_BYTES} bytes, got {size}")
    write_folder_atomically(destination, files)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 after an error that a reader can mend."""
    parser = argparse.ArgumentParser(
        prog="python -m txlib.recipes.pretrained",
        description="Make a run's best model one of those that come with the book.",
    )
    parser.add_argument("folder", type=Path, help="of one seed, such as runs/x/seed-0")
    parser.add_argument("--name", default="grammar", help="(default: grammar)")
    args = parser.parse_args(arguments)
    checkout = records.FOLDERS[-1]
    destination = checkout / f"{args.name}_translator"
    try:
        if not checkout.is_dir():
            raise FileNotFoundError(f"publishing needs a checkout of the book, with {checkout}")
        publish(args.folder, destination)
    except (ValueError, OSError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in destination.iterdir())
    print(f"{destination}: {size:,} bytes")
    return 0


def _check_record(record: dict[str, Any], run: dict[str, Any]) -> None:
    settings = record.get("results", {}).get("settings")
    if settings != run["settings"] or run["seed"] not in record["seeds"]:
        raise ValueError(
            f"{RECORD_FILE} must be of the model's run, seed {run['seed']} with {run['settings']}, "
            f"got seeds {record.get('seeds')} with {settings}"
        )


def _distinct(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; of those that share their memory, the first alone."""
    seen: dict[int, str] = {}
    state = model.state_dict()
    for name, tensor in state.items():
        seen.setdefault(tensor.data_ptr(), name)
    return {name: state[name] for name in seen.values()}


def _pack(model: nn.Module) -> dict[str, Tensor]:
    packed = {}
    for name, tensor in _distinct(model).items():
        packed[name] = tensor.half() if tensor.is_floating_point() else tensor.clone()
        if not packed[name].isfinite().all():
            raise ValueError(f"{name} must fit float16, got values up to {tensor.abs().max():.3g}")
    return packed


def _unpack(path: Path, tensors: dict[str, Tensor], model: nn.Module) -> None:
    wanted = {
        name: (tensor.shape, torch.float16 if tensor.is_floating_point() else tensor.dtype)
        for name, tensor in _distinct(model).items()
    }
    got = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
    if got != wanted:
        names = sorted(n for n in wanted.keys() | got.keys() if wanted.get(n) != got.get(n))
        raise ValueError(f"{path} must hold its model's tensors, but differs in {names}")
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{path}: {name} must be finite, got NaN or infinity in it")
    model.load_state_dict(tensors, strict=False)  # the other name of a tied table is not there


if __name__ == "__main__":
    sys.exit(main())
