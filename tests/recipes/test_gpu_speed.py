import json

import pytest
import torch

from txlib.recipes import gpu_speed, speed_table
from txlib.recipes.gpu_decoding import STATIC
from txlib.recipes.gpu_kernels import CUDNN, FLASH, OURS
from txlib.recipes.gpu_speed import Plan, against_aims, kernel_table, main, measure
from txlib.recipes.records import new_record, write_record
from txlib.recipes.speed_table import GPU_AIMS

CPU = torch.device("cpu")
TINY = Plan(
    tokens=6,
    width=8,
    lengths=(3,),
    head_dims=(4,),
    version_lengths=(5,),
    step_sizes=((2, 3),),
    gpt={"vocab_size": 31, "n_embd": 8, "n_layer": 1, "n_head": 2},
    batches=(1,),
    new=2,
    repeats=1,
    at_once=0.0,
)


def kernel(name, flash, cudnn=None, errors=(1e-3, 1e-3)):
    return {
        "pass": name,
        "head_dim": 64,
        "is_causal": True,
        "length": 2048,
        "tflops": {OURS: 412.3, FLASH: 300.0},
        "speed_over": {FLASH: flash} | ({} if cudnn is None else {CUDNN: cudnn}),
        "largest_error": dict(zip((OURS, FLASH), errors, strict=True)),
    }


@pytest.fixture
def results():
    return {
        "kernels": [
            kernel("forward", 1.3, 0.9),
            kernel("forward", 1.2, errors=(3e-3, 1e-3)),
            kernel("backward", 0.7),
        ],
        "decoding": [{"speed_over": {STATIC: 0.5, "transformers": 3.0}}],
    }


def test_an_aim_is_held_against_the_worst(results):
    aims = against_aims(results)
    assert [(a["measured"], a["met"]) for a in aims.values()] == [
        (1.2, True),
        (0.9, True),
        (0.7, False),
        (0.5, False),
        (pytest.approx(3.0), False),
    ]
    assert list(aims)[:4] == list(GPU_AIMS)
    assert [a["at_least"] for a in list(aims.values())[:4]] == [1.1, 0.8, 0.8, 1.0]


def test_what_nobody_measured_is_no_aim(results):
    results["kernels"][0]["speed_over"].pop(CUDNN)
    results["decoding"] = []
    assert len(against_aims(results)) == 3


def test_the_chapter_learns_that_it_is_not_yet_measured(monkeypatch):
    monkeypatch.setattr(gpu_speed, "find_record", lambda name: None)
    table = kernel_table()
    assert "not yet measured" in table._repr_markdown_()
    assert "python -m txlib.recipes.gpu_speed" in table.source
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_or_reads_the_record(results, monkeypatch):
    results["kernels"][1]["tflops"].pop(OURS)
    record = new_record("command", CPU, seeds=[0], results=results)
    monkeypatch.setattr(gpu_speed, "find_record", {"gpu_speed": record}.get)
    first, second, third = kernel_table().rows
    assert first == ("forward", "64", "yes", "2048", "412", "1.3", "0.9")
    assert second[4:] == ("unavailable", "1.2", "unavailable")
    assert third[0] == "backward"
    assert kernel_table().source.startswith("`command`; CPU")


@pytest.mark.filterwarnings("ignore")  # of transformers
def test_a_whole_run_at_tiny_sizes_is_a_record(tmp_path, monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(gpu_speed, "measure_decoding", None)  # as if it could not run
    results = measure(CPU, TINY)
    assert [len(results[part]) for part in ("kernels", "versions", "training_step")] == [6, 1, 1]
    assert list(results["unavailable"]) == ["decoding"]
    write_record(tmp_path / "r.json", new_record("command", CPU, seeds=[0], results=results))
    assert json.loads((tmp_path / "r.json").read_text())["results"]["setting"]["tokens"] == 6


def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["--record", str(tmp_path / "r.json")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "There is no CUDA GPU here: nothing was measured, and nothing written."
    ]
    assert not list(tmp_path.iterdir())


def test_with_one_it_writes_the_record_and_prints_the_table(tmp_path, monkeypatch, capsys, results):
    results |= {"aims": against_aims(results), "unavailable": {"decoding": "ImportError: none"}}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 92000)  # PyTorch's would ask it
    monkeypatch.setattr(gpu_speed, "describe_device", lambda _: "a GPU")
    monkeypatch.setattr(gpu_speed, "measure", lambda device, plan: results)
    monkeypatch.setattr(
        gpu_speed, "new_record", lambda command, _, **rest: new_record(command, CPU, **rest)
    )
    assert main(["--record", str(tmp_path / "r.json")]) == 0
    record = json.loads((tmp_path / "r.json").read_text())
    assert {"cuda", "cudnn", "torch"} <= set(record["versions"])
    said = capsys.readouterr().out
    assert "| forward | 64 | yes | 2048 | 412 | 1.3 | 0.9 |" in said
    assert "Triton forward, speed over SDPA's cuDNN kernel: 0.9, met (0.8)" in said
    assert "decoding: ImportError: none" in said
    monkeypatch.setattr(speed_table, "load_record", lambda name: record)
    assert len(speed_table.aims_table("gpu_speed").rows) == 5
