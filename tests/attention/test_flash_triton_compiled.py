"""Launched for GPUs that are not there, up to the machine's own instructions: nothing runs."""

import re

import pytest
import torch

pytest.importorskip("triton", exc_type=ImportError)
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime.jit import JITFunction

from txlib.attention import flash_triton_forward, flash_triton_key_grad, flash_triton_query_grad
from txlib.attention.flash_triton_access import INTERPRETED

KIB = 1024
OPTIONS = {"is_causal": True, "scale": 0.125}
pytestmark = pytest.mark.skipif(INTERPRETED, reason="interpreted kernels cannot be compiled")


class Driver:
    """Of a GPU of some compute capability, on which nothing can be started."""

    def __init__(self, capability):
        self.capability = capability

    def get_current_target(self):
        return GPUTarget("cuda", self.capability, 32)

    def get_current_device(self):
        return 1000 + self.capability  # Triton keeps what it compiled by device

    def get_current_stream(self, device):
        return 0


@pytest.fixture
def compile_for(monkeypatch, tmp_path):
    """(capability) -> a list that fills with what the launches compile."""
    run, compiled = JITFunction.run, []

    def compile_only(self, *arguments, grid, warmup, **options):
        compiled.append(run(self, *arguments, grid=grid, warmup=True, **options))

    def choose(capability):
        monkeypatch.setattr(triton.runtime.driver, "_active", Driver(capability))
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: divmod(capability, 10))
        return compiled

    class Properties:
        L2_cache_size = 40 * 2**20

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Properties)
    monkeypatch.setattr(JITFunction, "run", compile_only)
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    return choose


def tensors(H_kv=2, head_dim=64):
    sizes = (4, 33), (H_kv, 65), (H_kv, 65)
    return [torch.zeros(2, *size, head_dim, dtype=torch.bfloat16) for size in sizes]


def launch_all(lengths=None, **shape):
    query, key, value = tensors(**shape)
    context, sums = flash_triton_forward.forward(query, key, value, lengths, **OPTIONS)
    deltas = flash_triton_query_grad.row_deltas(context, context)
    known = (query, key, value, context, sums, deltas, lengths)
    flash_triton_query_grad.query_grads(*known, **OPTIONS)
    flash_triton_key_grad.key_grads(*known, **OPTIONS)


def test_hopper_multiplies_and_copies_with_its_own_engines(compile_for):
    compiled = compile_for(90)
    launch_all()
    for kernel, products in zip(compiled, (2, 0, 3, 4), strict=True):
        code = kernel.asm["ptx"]
        assert len(re.findall(r"wgmma\.mma_async", code)) >= 2 * products  # with a mask and without
        assert "cp.async.bulk.tensor" in code
        assert "mma.sync" not in code
        assert kernel.metadata.shared <= 227 * KIB


def test_ampere_copies_in_the_background(compile_for):
    compiled = compile_for(80)
    launch_all(torch.tensor([65, 3]), head_dim=32)
    assert [kernel.metadata.name for kernel in compiled] == [
        "forward_kernel",
        "delta_kernel",
        "query_grad_kernel",
        "key_grad_kernel",
    ]
    for kernel in (compiled[0], *compiled[2:]):
        code = kernel.asm["ptx"]
        assert "mma.sync" in code
        assert "cp.async.cg" in code
        assert ".bf16" in code
        assert kernel.metadata.shared <= 99 * KIB
