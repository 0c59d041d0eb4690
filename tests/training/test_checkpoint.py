import json
import os
import pickle
import struct
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from txlib.training import load_checkpoint, save_checkpoint

DETAILS = {"settings": {"steps": 7, "note": "é"}, "curve": [1.5, 0.25]}
KEY = "txlib.checkpoint"


class Small(nn.Module):
    def __init__(self, size=3):
        super().__init__()
        self.first = nn.Linear(size, 5)
        self.second = nn.Linear(5, 2)
        self.register_buffer("count", torch.tensor(4))

    def forward(self, x):
        return self.second(self.first(x))


@pytest.fixture
def trained():
    torch.manual_seed(0)
    model = Small()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.ones(4, 3)).square().sum().backward()
    optimizer.step()
    return model, optimizer


@pytest.fixture
def path(tmp_path, trained):
    path = tmp_path / "run" / "last.safetensors"
    states = {"0.cpu": torch.arange(6, dtype=torch.uint8)}
    save_checkpoint(path, *trained, step=7, generators=states, details=DETAILS)
    return path


def test_what_was_saved_is_what_is_loaded(path, trained):
    model, optimizer = trained
    saved = load_checkpoint(path)
    assert saved.step == 7
    assert saved.details == DETAILS
    assert torch.equal(saved.generators["0.cpu"], torch.arange(6, dtype=torch.uint8))
    other = Small()
    other_optimizer = torch.optim.Adam(other.parameters(), lr=0.5)
    saved.restore(other, other_optimizer)
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)
    ours, theirs = other_optimizer.state_dict(), optimizer.state_dict()
    assert ours["param_groups"] == theirs["param_groups"]
    assert all(
        torch.equal(ours["state"][i][k], v)
        for i, s in theirs["state"].items()
        for k, v in s.items()
    )


def test_the_file_is_plain_safetensors(path):
    with safe_open(path, framework="pt") as file:
        names = set(file.keys())
        header = json.loads(file.metadata()[KEY])
    assert {"model.first.weight", "optimizer.0.exp_avg", "generators.0.cpu"} <= names
    assert header["versions"] == {"torch": torch.__version__}


def test_a_checkpoint_does_not_change_with_the_model(path, trained):
    saved = load_checkpoint(path)
    before = saved.model["first.weight"].clone()
    model = Small()
    saved.restore(model)
    nn.init.zeros_(model.first.weight)
    assert torch.equal(saved.model["first.weight"], before)


def test_tied_and_transposed_weights(tmp_path):
    model = Small(size=5)
    model.second.weight = nn.Parameter(torch.randn(5, 2).T)
    model.tied = nn.Linear(5, 5)
    model.tied.weight = model.first.weight
    save_checkpoint(tmp_path / "tied", model)
    expected = {name: t.clone() for name, t in model.state_dict().items()}
    nn.init.zeros_(model.first.weight)
    load_checkpoint(tmp_path / "tied").restore(model)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, expected[name])
    assert model.tied.weight is model.first.weight


def test_a_model_alone(tmp_path, trained):
    model, optimizer = trained
    save_checkpoint(tmp_path / "model", model)
    saved = load_checkpoint(tmp_path / "model")
    saved.restore(Small())
    assert (saved.step, saved.details, saved.optimizer) == (0, {}, {})
    with pytest.raises(ValueError, match="must hold an optimizer's state, got a model alone"):
        saved.restore(model, optimizer)


KILLER = """
import os, random, signal, sys, time
import torch
from torch import nn
from txlib.training import load_checkpoint, save_checkpoint

path, model = sys.argv[1], nn.Linear(300, 300)
nn.init.zeros_(model.weight)
save_checkpoint(path, model, step=0)
pauses = random.Random(0)
for moment in range(12):
    begin = load_checkpoint(path).step
    if not (child := os.fork()):
        for step in range(begin + 1, begin + 10_000):
            nn.init.constant_(model.weight, step)
            save_checkpoint(path, model, step=step)
    while load_checkpoint(path).step == begin:  # however busy the machine is
        time.sleep(0.001)
    time.sleep(pauses.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    saved = load_checkpoint(path)
    assert saved.model["weight"].eq(saved.step).all(), "tensors and step differ in age"
print(saved.step)
"""


def test_killed_in_the_middle_of_saving(tmp_path):
    command = [sys.executable, "-c", KILLER, str(tmp_path / "last")]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}  # a child forked beside other threads may hang
    result = subprocess.run(command, capture_output=True, text=True, env=alone)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) >= 12


def refused(path, match):
    with pytest.raises(ValueError, match=match) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_truncated(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "must be a whole safetensors file")


def test_a_pickle_is_refused_and_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was run",))

    path = tmp_path / "trap.pt"
    path.write_bytes(pickle.dumps(Trap()))
    refused(path, "must be a whole safetensors file")
    torch.save({"weight": torch.zeros(2)}, path)
    refused(path, "must be a whole safetensors file")


def test_a_header_that_claims_ten_gigabytes(tmp_path):
    path = tmp_path / "claim"
    path.write_bytes(struct.pack("<Q", 10 * 2**30) + b"{}")
    refused(path, "must be a whole safetensors file")


@pytest.mark.parametrize(
    ("header", "match"),
    [
        (None, "must be a checkpoint of this library, got no 'txlib.checkpoint'"),
        ("not JSON", "the header must be JSON, got 'not JSON'"),
        ("[]", "the header must be a JSON object"),
        ('{"step": 1, "details": {}}', "the header must hold"),
        ('{"step": "1", "details": {}, "optimizer": null}', "the header must hold"),
        ('{"step": -1, "details": {}, "optimizer": null}', "the header must hold"),
    ],
)
def test_somebody_elses_header(tmp_path, header, match):
    path = tmp_path / "other"
    save_file({"model.x": torch.zeros(2)}, path, metadata=header and {KEY: header})
    refused(path, match)


def test_a_key_of_no_group(tmp_path):
    path = tmp_path / "other"
    header = '{"step": 1, "details": {}, "optimizer": null}'
    save_file({"stray.weight": torch.zeros(2)}, path, metadata={KEY: header})
    refused(path, "every key must begin with one of .* got 'stray.weight'")


def test_keys_and_shapes_that_do_not_fit(path):
    saved = load_checkpoint(path)
    model = Small(size=4)
    before = {name: t.clone() for name, t in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"last.*'first.weight' must .* \(5, 4\), got \(5, 3\)"):
        saved.restore(model)
    model.third = nn.Linear(2, 2)
    with pytest.raises(ValueError, match=r"lacks \['third.bias', 'third.weight'\]"):
        saved.restore(model)
    with pytest.raises(ValueError, match=r"has, unasked, \['count', 'first.bias'"):
        saved.restore(nn.Sequential())
    assert all(torch.equal(model.state_dict()[name], t) for name, t in before.items())


def test_an_optimizer_that_does_not_fit(path):
    model = Small()
    optimizer = torch.optim.Adam([{"params": [p]} for p in model.parameters()])
    with pytest.raises(ValueError, match=r"last.*the optimizer does not fit: its groups must be 4"):
        load_checkpoint(path).restore(model, optimizer)


def test_missing_file_and_what_json_cannot_hold(tmp_path, trained):
    with pytest.raises(FileNotFoundError, match=r"there is no checkpoint at .*absent"):
        load_checkpoint(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"details must be what JSON can hold, got .*complex"):
        save_checkpoint(tmp_path / "x", trained[0], details={"x": 1j})
    assert not (tmp_path / "x").exists()
