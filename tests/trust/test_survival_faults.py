"""A full disk and a folder that is read-only: one clear error, and the last checkpoint stays."""

import contextlib
import errno
import os
import resource
import subprocess

import pytest
import torch
from small_run import train

from txlib import atomic
from txlib.recipes.records import load_record, new_record, write_record
from txlib.training import load_checkpoint

FAULTS = "training: a full disk or a read-only folder"
SYSTEM_CALLS = ("open", "write", "flush", "fsync", "replace")
ERRORS = {
    errno.ENOSPC: "No space left on device",
    errno.EDQUOT: os.strerror(errno.EDQUOT),
    errno.EIO: "Input/output error",
    errno.EROFS: "Read-only file system",
    errno.EACCES: "Permission denied",
}


@pytest.fixture(scope="module")
def losses(tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole") / "last").losses


@contextlib.contextmanager
def failing(call, number, *, at):
    """The call of that name in `txlib.atomic` fails at the `at`-th time."""
    counts = {name: 0 for name in SYSTEM_CALLS}

    def count(name):
        counts[name] += 1
        if name == call and counts[name] == at:
            raise OSError(number, os.strerror(number))

    class File:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            self.file.__enter__()
            return self

        def __exit__(self, *error):
            return self.file.__exit__(*error)

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            count("write")
            self.file.write(data[len(data) // 2 :])

        def flush(self):
            self.file.flush()
            count("flush")

    def open_(path, mode):
        count("open")
        return File(open(path, mode))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic, "open", open_, raising=False)
        for name in ("fsync", "replace"):
            real = getattr(os, name)
            patch.setattr(os, name, lambda *a, name=name, real=real: (count(name), real(*a))[1])
        patch.setattr(atomic, "_sync_folder", lambda folder: None)
        yield


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("call", SYSTEM_CALLS)
def test_a_write_that_fails(tmp_path, losses, tally, call, number):
    """At the third checkpoint: the second stays, loads, and the run goes on from it."""
    path = tmp_path / "last"
    with failing(call, number, at=3), pytest.raises(OSError, match=ERRORS[number]) as caught:
        train(path)
    told = str(caught.value)
    assert str(path) in told
    assert "what was there before is kept" in told
    assert caught.value.errno == number
    assert load_checkpoint(path).step == 4
    assert os.listdir(tmp_path) == ["last"]
    assert train(path, resume=True).losses == losses
    tally(FAULTS)


@contextlib.contextmanager
def small_disk(folder, *options):
    """A disk of 1 MB in memory; what may not mount one cannot have this test."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small disk needs root, on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_real_disk_that_is_full(tmp_path, losses, tally):
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "run" / "last"
        train(path, steps=4)
        with open(disk / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(512))
        with pytest.raises(OSError, match="No space left on device; what was there") as caught:
            train(path, resume=True)
        assert str(path) in str(caught.value)
        assert load_checkpoint(path).step == 4
        assert os.listdir(path.parent) == ["last"]
        (disk / "filler").unlink()
        assert train(path, resume=True).losses == losses
        tally(FAULTS)


def test_a_real_disk_that_is_read_only(tmp_path, losses, tally):
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "run" / "last"
        train(path, steps=4)
        remount = ["mount", "-o", "remount,{}", str(disk)]
        subprocess.run([word.format("ro") for word in remount], check=True)
        for target in (path, disk / "new" / "last"):
            with pytest.raises(OSError, match="Read-only file system; what was there") as caught:
                train(target, resume=True)
            assert str(target) in str(caught.value)
            tally(FAULTS)
        assert load_checkpoint(path).step == 4
        subprocess.run([word.format("rw") for word in remount], check=True)
        assert train(path, resume=True).losses == losses


def test_a_limit_on_the_size_of_files(tmp_path, losses, tally):
    path = tmp_path / "last"
    train(path, steps=4)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, 1, 1000, path.stat().st_size // 2):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            with pytest.raises(OSError, match="File too large; what was there") as caught:
                train(path, resume=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert str(path) in str(caught.value)
        assert load_checkpoint(path).step == 4
        assert os.listdir(tmp_path) == ["last"]
        tally(FAULTS)
    assert train(path, resume=True).losses == losses


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_one_may_not_write(tmp_path, tally):
    folder = tmp_path / "locked"
    train(folder / "last", steps=4)
    folder.chmod(0o555)
    try:
        with pytest.raises(OSError, match="Permission denied; what was there"):
            train(folder / "last", resume=True)
    finally:
        folder.chmod(0o755)
    assert load_checkpoint(folder / "last").step == 4
    tally(FAULTS)


@pytest.mark.parametrize("call", SYSTEM_CALLS)
def test_a_record_that_cannot_be_written(tmp_path, tally, monkeypatch, call):
    monkeypatch.setattr("txlib.recipes.records.FOLDERS", (tmp_path,))
    old, new = (
        new_record("python x", torch.device("cpu"), seeds=[seed], results={}) for seed in (1, 2)
    )
    write_record(tmp_path / "x.json", old)
    with failing(call, errno.ENOSPC, at=1), pytest.raises(OSError, match=r"No space .*x\.json"):
        write_record(tmp_path / "x.json", new)
    assert load_record("x") == old
    assert os.listdir(tmp_path) == ["x.json"]
    tally(FAULTS)
