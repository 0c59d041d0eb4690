"""Measure on a GPU what the book says of speed there, in one run, and record it.

    python -m txlib.recipes.gpu_speed

The Triton kernels beside PyTorch's own (each pinned), the book's versions of attention, a training
step of `MultiHeadAttention`, and decoding beside transformers. Without a GPU it says so and writes
nothing; what a GPU or an installation cannot run is recorded with the reason (chapter 8).
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from txlib.device import describe_device, pick_dtype
from txlib.recipes.gpu_decoding import STATIC, measure_decoding
from txlib.recipes.gpu_kernels import CUDNN, FLASH, OURS, measure_kernels
from txlib.recipes.gpu_models import measure_training_step, measure_versions
from txlib.recipes.gpu_stopwatch import why_not_run
from txlib.recipes.records import PACKAGE, new_record, portable_command, write_record
from txlib.recipes.speed_table import GPU_AIMS, NOT_YET, SpeedTable, find_record, provenance, short

RECORD = PACKAGE.parent / "book" / "results" / "gpu_speed.json"
COLUMNS = ("pass", "head_dim", "causal", "length", "TFLOP/s", f"over {FLASH}", f"over {CUDNN}")
MOST_ERROR = 2.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured, and how long; the defaults are those of the record.

    Attributes:
        tokens: B * T of every comparison of kernels.
        width: H * D of it.
        lengths: T.
        head_dims: D.
        version_lengths: T of the book's versions, for one sentence of 16 heads of 64.
        step_sizes: batch and length of a training step, 16 heads of 64.
        gpt: sizes of the GPT that writes, as transformers calls them; GPT-2's.
        batches: rows that it writes.
        new: tokens that it writes in each.
        repeats: rounds of each comparison.
        at_once: milliseconds that one measurement of a kernel lasts at least.
    """

    tokens: int = 16384
    width: int = 2048
    lengths: tuple[int, ...] = (2048, 4096, 8192, 16384)
    head_dims: tuple[int, ...] = (64, 128)
    version_lengths: tuple[int, ...] = (2048, 4096, 8192, 16384)
    step_sizes: tuple[tuple[int, int], ...] = ((32, 512), (8, 2048))
    gpt: dict[str, int] = field(
        default_factory=lambda: {"vocab_size": 50257, "n_embd": 768, "n_layer": 12, "n_head": 12}
    )
    batches: tuple[int, ...] = (1, 8)
    new: int = 512
    repeats: int = 11
    at_once: float = 10.0


def measure(device: torch.device, plan: Plan) -> dict[str, Any]:
    """Everything, as the record's results; a part that cannot run leaves its reason."""
    dtype, repeats = pick_dtype(device), plan.repeats
    parts: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "kernels": lambda: measure_kernels(
            device,
            dtype,
            tokens=plan.tokens,
            width=plan.width,
            lengths=plan.lengths,
            head_dims=plan.head_dims,
            repeats=repeats,
            at_once=plan.at_once,
        ),
        "versions": lambda: measure_versions(
            device, dtype, heads=16, head_dim=64, lengths=plan.version_lengths, repeats=3
        ),
        "training_step": lambda: measure_training_step(
            device,
            dtype,
            d_model=1024,
            num_heads=16,
            sizes=plan.step_sizes,
            repeats=repeats,
            at_once=plan.at_once,
        ),
        "decoding": lambda: measure_decoding(
            device, dtype, sizes=plan.gpt, batches=plan.batches, new=plan.new, repeats=3
        ),
    }
    results: dict[str, Any] = {"setting": {**asdict(plan), "dtype": str(dtype)}, "unavailable": {}}
    for name, part in parts.items():
        rows: list[dict[str, Any]] = []
        reason = why_not_run(lambda part=part, rows=rows: rows.extend(part()))
        results[name] = rows
        if reason is not None:
            results["unavailable"][name] = reason
    return results | {"aims": against_aims(results), "tiles": _tiles()}


def against_aims(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The aims beside the worst that was measured; one that nobody could measure is absent."""
    forward_flash, forward_cudnn, backward_flash, decoding = GPU_AIMS
    kernels = results["kernels"]
    measured = {
        forward_flash: _speeds(kernels, FLASH, "forward"),
        forward_cudnn: _speeds(kernels, CUDNN, "forward"),
        backward_flash: _speeds(kernels, FLASH, "backward"),
        decoding: _speeds(results["decoding"], STATIC),
    }
    aims = {}
    for what, speeds in measured.items():
        if speeds:
            least, worst = float(GPU_AIMS[what].split()[-1]), min(speeds)
            aims[what] = {"at_least": least, "measured": worst, "met": worst >= least}
    errors = [row["largest_error"] for row in kernels if {OURS, FLASH} <= set(row["largest_error"])]
    if errors:
        worst = max(error[OURS] / max(error[FLASH], 1e-9) for error in errors)
        what = f"Triton, largest error over that of {FLASH}"
        aims[what] = {"at_most": MOST_ERROR, "measured": worst, "met": worst <= MOST_ERROR}
    return aims


def kernel_table(record: dict[str, Any] | None = None) -> SpeedTable:
    """The Triton kernels beside PyTorch's, or, while there is no record, that it is not there.

    Args:
        record: of this recipe; the book's own if None.
    """
    record = record or find_record("gpu_speed")
    if record is None:
        source = "No GPU was at hand: `python -m txlib.recipes.gpu_speed`."
        return SpeedTable(COLUMNS, (("both", "64, 128", "both", "", NOT_YET, "", ""),), source)
    rows = []
    for row in record["results"]["kernels"]:
        speeds = (row["speed_over"].get(way) for way in (FLASH, CUDNN))
        rows.append(
            (
                row["pass"],
                str(row["head_dim"]),
                "yes" if row["is_causal"] else "no",
                str(row["length"]),
                short(row["tflops"][OURS]) if OURS in row["tflops"] else "unavailable",
                *("unavailable" if speed is None else short(speed) for speed in speeds),
            )
        )
    return SpeedTable(COLUMNS, tuple(rows), provenance(record))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the record."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m txlib.recipes.gpu_speed", description="Measure speed on a GPU."
    )
    parser.add_argument("--record", type=Path, default=RECORD, help="where the record goes")
    args = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("There is no CUDA GPU here: nothing was measured, and nothing written.")
        return 0
    device = torch.device("cuda")
    print(f"{describe_device(device)}: this takes some minutes.", flush=True)
    results = measure(device, Plan())
    command = portable_command(["python", "-m", "txlib.recipes.gpu_speed", *arguments])
    record = new_record(command, device, seeds=[0], results=results)
    record["versions"] |= dict(_versions())
    write_record(args.record, record)
    print(kernel_table(record)._repr_markdown_())
    for what, aim in results["aims"].items():
        bound = aim.get("at_least", aim.get("at_most"))
        print(f"{what}: {short(aim['measured'])}, {'met' if aim['met'] else 'missed'} ({bound})")
    for part, reason in results["unavailable"].items():
        print(f"{part}: {reason}")
    return 0


def _speeds(rows: list[dict[str, Any]], way: str, only: str | None = None) -> list[float]:
    chosen = (row for row in rows if only is None or row["pass"] == only)
    return [row["speed_over"][way] for row in chosen if way in row["speed_over"]]


def _tiles() -> list[dict[str, object]]:
    try:
        from txlib.attention.flash_triton_tiles import tried
    except ImportError:
        return []
    return tried()


def _versions() -> Iterator[tuple[str, str]]:
    yield "cuda", str(torch.version.cuda)
    yield "cudnn", str(torch.backends.cudnn.version())
    for name in ("triton", "transformers"):
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


if __name__ == "__main__":
    sys.exit(main())
