"""Training killed at any moment: nothing is half-written, and the resumed run is the same run."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from txlib.atomic import write_folder_atomically
from txlib.recipes.translator import load_translator
from txlib.training import load_checkpoint

LAB = Path(__file__).with_name("kill_lab.py")
SIZES = "--steps 14 --batch-size 8 --d-embedding 5 --hidden-size 7 --dropout 0.3 --seed 1"
WORDS = [*SIZES.split(), "--evaluate-every", "4", "--checkpoint-every", "3", "--out", "run"]
FILES = ["last.safetensors", "model.safetensors", "source.json", "target.json"]
KILLED = -signal.SIGKILL


class Lab:
    """Sends one request after the other to `kill_lab.py`."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(LAB), *SIZES.split()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "TXLIB_DEVICE": "cpu", "TQDM_DISABLE": "1"},
        )
        assert self.process.stdout.readline() == "ready\n"

    def __call__(self, what, folder, **request):
        folder.mkdir(exist_ok=True)
        request |= {"what": what, "folder": str(folder)}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def train(self, folder, *words, **request):
        return self("recipe", folder, words=[*WORDS, *words], **request)


@pytest.fixture(scope="module")
def lab():
    lab = Lab()
    yield lab
    lab.process.stdin.close()
    lab.process.stdout.close()
    lab.process.wait()


@pytest.fixture(scope="module")
def whole(lab, tmp_path_factory):
    """The run that nobody killed: its folder, and how many events it has in all and in writing."""
    folder = tmp_path_factory.mktemp("whole")
    events, writing = lab.train(folder)["events"]
    assert 100 < writing < events
    return folder, {False: events, True: writing}


def curve(folder):
    """The history, but for the speed, which is the clock's."""
    saved = load_checkpoint(folder / "run/seed-1/last.safetensors")
    history = dict(saved.details["history"])
    del history["tokens_per_second"]
    return history


def check_curve_so_far(folder, expected):
    """Whatever has its name is complete: what is there after a kill can be read by anybody."""
    seed = folder / "run/seed-1"
    if (seed / "last.safetensors").exists():
        history = curve(folder)
        steps = len(history["losses"])
        assert steps > 0
        assert history["losses"] == expected["losses"][:steps]
    if (seed / "model.safetensors").exists():
        load_translator(seed)
    if (folder / "run/record.json").exists():
        assert json.loads((folder / "run/record.json").read_text())["seeds"] == [1]


def check_same(folder, whole):
    """As if nothing had happened: the same curve, the same numbers, and no file besides."""
    assert curve(folder) == curve(whole)
    ours, theirs = folder / "run/seed-1", whole / "run/seed-1"
    assert sorted(os.listdir(ours)) == FILES
    assert sorted(os.listdir(folder / "run")) == ["record.json", "seed-1"]
    for name in FILES[1:]:
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    ours, theirs = (load_checkpoint(f / "last.safetensors") for f in (ours, theirs))
    for group in ("model", "optimizer", "generators"):
        mine, other = getattr(ours, group), getattr(theirs, group)
        assert all(mine[name].equal(tensor) for name, tensor in other.items())


@pytest.mark.parametrize("in_a_row", [1, 4], ids=["once", "up to four times in a row"])
def test_killed_at_random_moments_and_resumed(lab, whole, tmp_path, tally, effort, in_a_row):
    """Half of the moments lie within the writing of a file, which is a small part of a life."""
    folder, events = whole
    expected, draw, kills = curve(folder), random.Random(in_a_row), 0
    for number in range(100):
        if kills >= effort(5, 25):
            break
        here = tmp_path / str(number)
        for _ in range(in_a_row):
            writing = draw.random() < 0.5
            moment = draw.randrange(1, events[writing] + 1)
            words = ["--resume"] * (here / "run").exists()
            answer = lab.train(here, *words, moment=moment, only_writing=writing)
            assert answer["code"] in (0, KILLED), (here / "log.txt").read_text()
            if answer["code"] == 0:
                break
            kills += 1
            tally("training: killed at a random moment, then resumed")
            check_curve_so_far(here, expected)
        answer = lab.train(here, "--resume")
        assert answer["code"] == 0, (here / "log.txt").read_text()
        check_same(here, folder)
    assert kills >= effort(5, 25)


@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.parametrize("half", [False, True], ids=["between calls", "half of the bytes"])
def test_killed_at_each_point_of_a_write(lab, tmp_path, tally, effort, what, half):
    """Old bytes or new ones; only a folder may be gone between its two renames, and comes back."""
    kind = {"only_writing": True, "half": half}
    assert lab(what, tmp_path, byte=1)["code"] == 0
    _, points = lab(what, tmp_path, byte=2, **kind)["events"]
    assert points >= (1 if half else 30)
    for point in range(1, points + 1, effort(1 if half else 7, 1)):
        assert lab(what, tmp_path, byte=1)["code"] == 0
        assert lab(what, tmp_path, byte=2, moment=point, **kind)["code"] == KILLED
        tally("training: killed at each point of a write")
        path = tmp_path / what
        held = {p.name: p.read_bytes() for p in ([path] if what == "file" else path.glob("*"))}
        allowed = [bytes([byte]) * 100_000 for byte in (1, 2)]
        assert len({*held.values()}) == 1 or (what == "folder" and not path.exists())
        assert {*held.values()} <= {*allowed}
        if what == "folder" and path.exists():
            assert sorted(held) == ["a", "b"]
    assert lab(what, tmp_path, byte=3)["code"] == 0
    assert sorted(os.listdir(tmp_path)) == sorted([what, "log.txt", "events.txt"])


def test_a_killed_folder_write_loses_nothing(lab, tmp_path, tally, effort, monkeypatch):
    """At each point: the next call, even one that fails, has put the old files back."""
    assert lab("folder", tmp_path, byte=1)["code"] == 0
    _, points = lab("folder", tmp_path, byte=1, only_writing=True)["events"]

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    gone = 0
    for point in range(effort(points - 30, 1), points + 1, effort(2, 1)):
        here = tmp_path / str(point)
        assert lab("folder", here, byte=1)["code"] == 0
        assert lab("folder", here, byte=2, moment=point, only_writing=True)["code"] == KILLED
        tally("training: killed at each point of a write")
        gone += not (here / "folder").exists()
        with pytest.raises(OSError, match="No space left"):
            write_folder_atomically(here / "folder", {"a": b"x", "b": b"x"})
        held = [(here / "folder" / name).read_bytes()[:1] for name in "ab"]
        assert held in ([b"\1"] * 2, [b"\2"] * 2)
        assert sorted(p.name for p in here.iterdir() if p.name.startswith(".")) == []
    assert gone > 0  # a kill fell between the two renames


def test_real_processes_killed_by_the_clock(tmp_path, tally, effort):
    """`python -m`, over the real corpus: where the kill falls is not known, nor need it be."""
    if not effort(0, 1):
        pytest.skip("starts ten processes: TXLIB_TRUST=long")
    words = "--data grammar --train-size 64 --steps 40 --batch-size 8 --d-embedding 4"
    words += " --hidden-size 4 --evaluate-every 7 --checkpoint-every 5 --seed 1 --out run"

    def start(folder, *more):
        folder.mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "txlib.recipes.translation", *words.split(), *more],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1", "TXLIB_DEVICE": "cpu"},
        )

    whole, draw, kills = tmp_path / "whole", random.Random(0), 0
    began = time.monotonic()
    assert start(whole).wait() == 0
    life, expected = time.monotonic() - began, curve(whole)
    killed = tmp_path / "killed"
    while kills < 4:
        process = start(killed, *["--resume"] * (killed / "run").exists())
        try:
            code = process.wait(timeout=draw.uniform(0.2, 1.0) * life)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code == 0:  # it was quicker than the kill: begin anew
            check_same(killed, whole)
            shutil.rmtree(killed)
            continue
        assert code == KILLED
        kills += 1
        tally("training: killed at a random moment, then resumed")
        check_curve_so_far(killed, expected)
    assert start(killed, "--resume").wait() == 0
    check_same(killed, whole)
