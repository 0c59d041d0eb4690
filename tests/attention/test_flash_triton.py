import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from txlib.attention import flash_triton, fused_attention
from txlib.attention.flash_triton import flash_attention

CASES = Path(__file__).with_name("flash_triton_cases.py")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


def new_tensors(T_q, T_k, *, dtype=torch.float32, head_dim=32):
    return [torch.randn(3, 2, T, head_dim).to(dtype) for T in (T_q, T_k, T_k)]


@pytest.mark.parametrize(
    "interpret",
    ["1", pytest.param("0", marks=(pytest.mark.gpu, needs_gpu))],
    ids=["interpreted", "compiled"],
)
def test_the_kernels(interpret):
    pytest.importorskip("triton", exc_type=ImportError)
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(CASES)],
        env=os.environ | {"TRITON_INTERPRET": interpret},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 30


REASONS = {
    "no Triton": (None, "cpu", {}, "Triton 3.4 or newer is not installed"),
    "no GPU": (False, "cpu", {}, "run on an NVIDIA GPU, and the tensors are on cpu"),
    "bfloat16, interpreted": (True, "cpu", {"dtype": torch.bfloat16}, "float16 and float32, got"),
    "head_dim": (True, "cpu", {"head_dim": 24}, r"one of \(32, 64, 128\), got \[24\]"),
    "scale": (True, "cpu", {"scale": -0.1}, "scale must be above 0, got -0.1"),
    "nothing to do": (True, "cpu", {"T_k": 0}, r"something to do, got \(3, 2, 5, 32\)"),
}


@pytest.mark.parametrize(("interpreted", "device", "given", "words"), REASONS.values(), ids=REASONS)
def test_where_it_cannot_run_it_says_why_and_computes_the_same(
    interpreted, device, given, words, monkeypatch, collect
):
    monkeypatch.setattr(flash_triton, "_interpreted", lambda: interpreted)
    given = {"dtype": torch.float32, "T_k": 7, **given}
    options = {"is_causal": True, "scale": given.pop("scale", None)}
    leaves = [x.to(device) for x in new_tensors(5, given.pop("T_k"), **given)]
    lengths = torch.tensor([3, 0, 7]).clamp(max=leaves[1].shape[2])
    with pytest.warns(UserWarning, match=f"fused_attention runs in place .*: .*{words}"):
        mine = collect(lambda *qkv: flash_attention(*qkv, key_lengths=lengths, **options), *leaves)
    mask = torch.arange(leaves[1].shape[2]) < lengths[:, None, None, None]
    torch.testing.assert_close(
        mine, collect(lambda *qkv: fused_attention(*qkv, mask, **options), *leaves)
    )


def test_the_gpu_and_the_tensors_must_suit(monkeypatch):
    monkeypatch.setattr(flash_triton, "_interpreted", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    on_gpu = torch.device("cuda")
    for capability, dtype, words in (
        ((7, 5), torch.float16, r"8.0 or more, got \(7, 5\)"),
        ((9, 0), torch.float32, "float16 or bfloat16, got torch.float32"),
    ):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _, c=capability: c)
        assert re.search(words, flash_triton._why_not_here(on_gpu, dtype, False))
    assert flash_triton._why_not_here(on_gpu, torch.bfloat16, False) is None
    query, key, value = new_tensors(1, 3)
    other = key.float() if key.dtype == torch.half else key.half()
    assert "must share device and dtype" in flash_triton.why_not(query, other, value)
    with pytest.raises(ValueError, match=r"key must be torch.float.* as query, got torch.float"):
        flash_attention(query, other, value)


def test_errors():
    query, key, value = new_tensors(5, 7)
    with pytest.raises(ValueError, match=r"query must have shape \(B, H, T, D\), got \(2, 5, 32\)"):
        flash_attention(query[0], key, value)
    with pytest.raises(ValueError, match="heads must be a multiple of key's, got"):
        flash_attention(query, key.repeat(1, 3, 1, 1), value.repeat(1, 3, 1, 1))
    with pytest.raises(ValueError, match="key and value must share T_k, got 7 and 6"):
        flash_attention(query, key, value[:, :, :6])
    for lengths, words in (
        (torch.tensor([1, 2]), r"key_lengths must have shape \(B,\) = \(3,\), got \(2,\)"),
        (torch.tensor([1.0, 2, 3]), "key_lengths must be integers, got torch.float32"),
        (torch.tensor([1, 8, 3]), r"key_lengths must be from 0 to T_k = 7, got \[1, 8, 3\]"),
        (torch.tensor([1, -1, 3]), r"key_lengths must be from 0 to T_k = 7, got \[1, -1, 3\]"),
    ):
        with pytest.raises(ValueError, match=words):
            flash_attention(query, key, value, key_lengths=lengths)
