"""A compiled model gives the numbers of the plain one, forward and backward, for all lengths."""

import copy
import shutil

import pytest
import torch
from number_cases import MODELS, WORDS
from test_numbers_repeat import evaluate

COMPILED = "numbers: torch.compile"
QUICK = ("GPT, rope",)
LONG = ("Transformer, pre", "AttentionOnlyTranslator", "LSTMTranslator", "GPT, shaw")
LONG += ("AttentionTranslator, after scaled_dot",)
MACHINE_CODE = [case for case in MODELS if case.name in ("GPT, rope", "Transformer, pre")]
COMPILING = [case for case in MODELS if case.name in QUICK + LONG]
BACKEND = "aot_eager"  # traces and differentiates as the others do, and needs no C++ compiler
WHOLE = ("GPT", "Transformer")  # the others read lengths back from the device, and end the graph


def longer(case):
    """The same call with other lengths."""
    if case.name.startswith("GPT"):
        return (torch.randint(WORDS, (3, 7)),)
    source, target = torch.randint(3, WORDS, (3, 7)), torch.randint(3, WORDS, (3, 6))
    return source, torch.arange(7) < torch.tensor([[7], [4], [5]]), target


@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor:UserWarning"
)  # of PyTorch itself
@pytest.mark.parametrize("case", COMPILING, ids=lambda case: case.name)
def test_compiled(case, tally, effort):
    if effort(0, 1) == 0 and case.name not in QUICK:
        pytest.skip("the long run compiles one of each kind")
    compare(case, BACKEND, tally)


@pytest.mark.filterwarnings("ignore")  # the compiler of this release warns of its own parts
@pytest.mark.parametrize("case", MACHINE_CODE, ids=lambda case: case.name)
def test_compiled_to_machine_code(case, tally, effort, tmp_path, monkeypatch):
    if not effort(0, 1):
        pytest.skip("the long run compiles to machine code")
    if shutil.which("g++") is None:
        pytest.skip("there is no C++ compiler")
    monkeypatch.setenv(
        "TORCHINDUCTOR_CACHE_DIR", str(tmp_path)
    )  # one killed run spoils a shared one
    compare(case, "inductor", tally)


def compare(case, backend, tally):
    """Hold the compiled model to the plain one, at two lengths."""
    torch.manual_seed(0)
    model = case.new().eval()
    torch.compiler.reset()
    whole = case.name.startswith(WHOLE)
    other = copy.deepcopy(model)
    compiled = torch.compile(other, backend=backend, dynamic=True, fullgraph=whole)
    for given in (case.arguments(), longer(case)):
        for one, two in zip(evaluate(model, given), evaluate(compiled, given), strict=True):
            torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
        tally(COMPILED)
