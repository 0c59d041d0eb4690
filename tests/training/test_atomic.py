import errno
import os
from pathlib import Path

import pytest

from txlib.training.atomic import write_atomically, write_folder_atomically


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "new" / "folder" / "file.bin"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_the_bytes_are_on_the_disk_before_they_get_their_name(tmp_path, monkeypatch):
    path, calls = tmp_path / "file", []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda f: calls.append("fsync") or fsync(f))

    def renamed(source, target):
        calls.append("replace")
        assert source.parent == target.parent
        assert source.read_bytes() == b"new"
        replace(source, target)

    monkeypatch.setattr(os, "replace", renamed)
    write_atomically(path, b"new")
    assert calls[:2] == ["fsync", "replace"]


@pytest.mark.parametrize("fault", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_fault_on_the_way_keeps_the_old_file_and_leaves_nothing(
    tmp_path, monkeypatch, fault, error
):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_):
        raise error

    monkeypatch.setattr(os, fault, fail)
    with pytest.raises(type(error)):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_error_names_the_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device; what was there.*file") as caught:
        write_atomically(tmp_path / "file", b"new")
    assert caught.value.errno == errno.ENOSPC


def test_a_folder_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(OSError, match="what was there before is kept"):
        write_atomically(tmp_path / "file" / "inner", b"new")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "new" / "folder"
    write_folder_atomically(folder, {"a": b"1", "b": b"2"})
    write_folder_atomically(folder, {"b": b"3", "c": b"4"})
    assert content(folder) == {"b": b"3", "c": b"4"}
    assert list(folder.parent.iterdir()) == [folder]  # nothing half-done beside it


@pytest.mark.parametrize("failing", ["a file", "the rename"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_folder_stays_when_its_successor_fails(tmp_path, monkeypatch, failing, error):
    folder = tmp_path / "folder"
    write_folder_atomically(folder, {"a": b"1", "b": b"2"})
    replace = os.replace

    def refuse(source, target):
        wanted = "b" if failing == "a file" else "folder"
        if Path(target).name == wanted and not Path(source).name.endswith(".former"):
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(type(error)):
        write_folder_atomically(folder, {"a": b"3", "b": b"4"})
    assert content(folder) == {"a": b"1", "b": b"2"}
    assert list(tmp_path.iterdir()) == [folder]
