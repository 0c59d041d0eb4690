"""Compiled for GPUs that need not be there: the machine's own instructions, within its limits."""

import importlib
import re

import pytest

pytest.importorskip("triton", exc_type=ImportError)
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

tiles = importlib.import_module("txlib.attention.flash_triton_tiles")
NUMBERS = ("H", "H_kv", "T_q", "T_k", "num_heads", "heads_together")
KIB = 1024


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    if tiles.INTERPRETED:
        pytest.skip("interpreted kernels cannot be compiled")


def compiled(name, capability, size, *, head_dim, dtype="bf16"):
    """The first tiles of a kernel, causal, as the launch would ask for it."""
    kernel = getattr(
        importlib.import_module(f"txlib.attention.flash_triton_{name}"), f"{name}_kernel"
    )
    signature, attributes = {}, {}
    for i, argument in enumerate(kernel.arg_names):
        rows = size.tile_k if argument.startswith(("key", "value")) else size.tile_q
        if argument.endswith("_tiles") and capability >= 90:
            signature[argument] = f"tensordesc<{dtype}[1,1,{rows},{head_dim}]>"
        elif argument.endswith("_tiles"):
            signature[argument] = (f"*{dtype}", *["i32"] * 4)
            attributes |= {(i, j): [["tt.divisibility", 16]] for j in range(4)}
        else:
            signature[argument] = {"key_lengths": "*i64", "scale": "fp32"}.get(argument, "*fp32")
    signature |= dict.fromkeys(NUMBERS, "i32")
    constants = {
        "IS_CAUSAL": True,
        "TILE_Q": size.tile_q,
        "TILE_K": size.tile_k,
        "HEAD_DIM": head_dim,
    }
    signature |= dict.fromkeys(constants, "constexpr")
    signature = {name: signature[name] for name in kernel.arg_names}
    try:
        return triton.compile(
            ASTSource(kernel, signature, constants, attributes),
            target=GPUTarget("cuda", capability, 32),
            options={"num_warps": size.num_warps, "num_stages": size.num_stages},
        )
    except (FileNotFoundError, PermissionError) as error:
        pytest.skip(f"no assembler for this target: {error}")


@pytest.mark.parametrize(("name", "products"), [("forward", 2), ("query_grad", 3)])
def test_hopper_multiplies_and_copies_with_its_own_engines(name, products):
    kernel = compiled(name, 90, tiles.LARGE[name][64][0], head_dim=64)
    code = kernel.asm["ptx"]
    assert len(re.findall(r"wgmma\.mma_async", code)) >= 2 * products  # with a mask and without
    assert "cp.async.bulk.tensor" in code
    assert "mma.sync" not in code
    assert kernel.metadata.shared <= 227 * KIB


def test_ampere_copies_in_the_background():
    kernel = compiled("key_grad", 80, tiles.SMALL["key_grad"][64][0], head_dim=64)
    code = kernel.asm["ptx"]
    assert "mma.sync" in code
    assert "cp.async.cg" in code
    assert ".bf16" in code
    assert kernel.metadata.shared <= 99 * KIB
