import errno
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from txlib import atomic
from txlib.atomic import _partial_of, write_atomically, write_folder_atomically


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


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_not(tmp_path):
    path = tmp_path / "file"
    for name in (".file.7.ab.partial", ".other.7.ab.partial", "file.partial"):
        (tmp_path / name).write_bytes(b"half")
    with _partial_of(path) as (partial, file):
        file.write(b"slow")
        write_atomically(path, b"new")
        assert partial.exists()
        file.flush()
        os.replace(partial, path)
    assert path.read_bytes() == b"slow"
    assert sorted(os.listdir(tmp_path)) == [".other.7.ab.partial", "file", "file.partial"]


def test_a_new_file_that_a_sweep_took_for_nobodys_is_made_anew(tmp_path, monkeypatch):
    path, lock, calls = tmp_path / "file", atomic._lock, []

    def swept(file):
        calls.append(1)
        if len(calls) == 1:
            atomic._sweep(path)
        return lock(file)

    monkeypatch.setattr(atomic, "_lock", swept)
    write_atomically(path, b"new")
    assert len(calls) == 2
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_bytes() == b"new"


def test_without_locks_nothing_is_removed(tmp_path, monkeypatch):
    (tmp_path / ".file.7.ab.partial").write_bytes(b"half")
    monkeypatch.setattr(atomic, "fcntl", None)
    write_atomically(tmp_path / "file", b"new")
    assert sorted(os.listdir(tmp_path)) == [".file.7.ab.partial", "file"]


def test_many_threads_write_one_file(tmp_path):
    path = tmp_path / "file"
    texts = [bytes([65 + i]) * 50_000 for i in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda text: write_atomically(path, text), texts * 5))
    assert path.read_bytes() in texts
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_between_its_two_names_comes_back(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    write_folder_atomically(folder, {"a": b"1"})
    os.replace(folder, tmp_path / ".folder.former")  # killed between the renames
    (tmp_path / ".folder.partial").mkdir()
    monkeypatch.setattr(os, "fsync", partial(_raise, OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(OSError, match="No space left"):
        write_folder_atomically(folder, {"a": b"2"})
    assert content(folder) == {"a": b"1"}
    assert os.listdir(tmp_path) == ["folder"]


def _raise(error, *_):
    raise error


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
