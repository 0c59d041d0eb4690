import hashlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from txlib.data import download
from txlib.data.download import DataError, cache_dir, fetch

CONTENT = b"the animal did not cross the street\n" * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "corpus" / "file.txt"


@pytest.fixture
def dead_url():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}/file.txt"


def files_beside(path):
    return sorted(p.name for p in path.parent.iterdir())


def test_downloads_once_and_reads_the_cache_after(server, reply, path):
    server.replies["/file.txt"] = [reply(CONTENT)]
    for _ in range(2):
        assert fetch(f"{server.url}/file.txt", path, SHA256) == path
        assert path.read_bytes() == CONTENT
    assert server.requests == ["/file.txt"]
    assert files_beside(path) == ["file.txt"]


def test_cached_file_needs_neither_network_nor_writing(path, dead_url, monkeypatch):
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    path.parent.chmod(0o555)
    monkeypatch.setattr(download, "write_atomically", lambda *_: pytest.fail("wrote"))
    assert fetch(dead_url, path, SHA256).read_bytes() == CONTENT
    path.parent.chmod(0o755)


def test_cached_file_may_be_read_by_others(server, reply, path):
    server.replies["/file.txt"] = [reply(CONTENT)]
    fetch(f"{server.url}/file.txt", path, SHA256)
    beside = path.with_name("plain")
    beside.touch()
    assert path.stat().st_mode == beside.stat().st_mode


@pytest.mark.parametrize(
    "faults",
    [
        [{"status": 503}, {"status": 429}],
        [{"status": 0}, {"status": 0}],
        [{"body": CONTENT[:70000], "length": len(CONTENT)}],
    ],
    ids=["busy", "hang-up", "cut off"],
)
def test_transient_faults_are_retried(server, reply, path, faults):
    server.replies["/file.txt"] = [*(reply(**fault) for fault in faults), reply(CONTENT)]
    fetch(f"{server.url}/file.txt", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == len(faults) + 1
    assert files_beside(path) == ["file.txt"]


def test_pauses_grow_between_attempts(dead_url, path, monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with pytest.raises(DataError):
        fetch(dead_url, path, SHA256)
    assert pauses == [0.5, 1.0]


def test_damaged_cache_is_replaced_by_a_good_copy(server, reply, path, caplog):
    path.parent.mkdir()
    path.write_bytes(CONTENT[:-1])
    server.replies["/file.txt"] = [reply(CONTENT)]
    fetch(f"{server.url}/file.txt", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert "was damaged and has been replaced" in caplog.text


def test_processes_may_fill_one_cache_together(server, reply, path):
    server.replies["/file.txt"] = [reply(CONTENT, delay=0.1)]
    code = (
        "import sys; from pathlib import Path; from txlib.data.download import fetch; "
        "fetch(sys.argv[1], Path(sys.argv[2]), sys.argv[3])"
    )
    command = [sys.executable, "-c", code, f"{server.url}/file.txt", str(path), SHA256]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    assert [(p.communicate()[0], p.returncode) for p in processes] == [(None, 0)] * 3
    assert path.read_bytes() == CONTENT
    assert files_beside(path) == ["file.txt"]


def test_each_call_writes_to_a_file_of_its_own(server, reply, path, monkeypatch):
    server.replies["/file.txt"] = [reply(CONTENT)]
    written = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda p, to: (written.append(p), replace(p, to)))
    for _ in range(2):
        fetch(f"{server.url}/file.txt", path, SHA256)
        path.unlink()
    assert len({*written, path}) == 3
    assert {partial.parent for partial in written} == {path.parent}
    assert all(f".{os.getpid()}." in partial.name for partial in written)


def test_interrupted_write_leaves_nothing_behind(server, reply, path, monkeypatch):
    server.replies["/file.txt"] = [reply(CONTENT)]

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(f"{server.url}/file.txt", path, SHA256)
    assert files_beside(path) == []


def test_no_network_and_no_cache_says_what_to_do(dead_url, path, monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.0)
    with pytest.raises(DataError, match="is not in the cache and could not be down") as error:
        fetch(dead_url, path, SHA256)
    message = str(error.value)
    for part in (str(path), dead_url, "no connection", "3 attempts", "TXLIB_DATA", "by hand"):
        assert part in message
    assert not path.parent.exists()


def test_no_network_and_damaged_cache_keeps_the_file(dead_url, path, monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.0)
    path.parent.mkdir()
    path.write_bytes(b"half")
    actual = hashlib.sha256(b"half").hexdigest()
    with pytest.raises(DataError, match=rf"file.txt is damaged \(its SHA-256 is {actual}\)"):
        fetch(dead_url, path, SHA256)
    assert path.read_bytes() == b"half"


@pytest.mark.parametrize("status", [403, 404, 410])
def test_final_answers_are_not_retried(server, reply, path, status):
    server.replies["/file.txt"] = [reply(status=status)]
    with pytest.raises(DataError, match=f"the server answered {status}"):
        fetch(f"{server.url}/file.txt", path, SHA256)
    assert len(server.requests) == 1


def test_truncated_every_time(server, reply, path):
    server.replies["/file.txt"] = [reply(CONTENT[:100], length=len(CONTENT))]
    with pytest.raises(DataError, match=f"cut off at 100 of {len(CONTENT)} bytes"):
        fetch(f"{server.url}/file.txt", path, SHA256)
    assert len(server.requests) == 3
    assert not path.exists()


def test_hang_up_every_time(server, reply, path):
    server.replies["/file.txt"] = [reply(status=0)]
    with pytest.raises(DataError, match="the connection broke"):
        fetch(f"{server.url}/file.txt", path, SHA256)


def test_silent_server_times_out(server, reply, path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.1)
    server.replies["/file.txt"] = [reply(CONTENT, delay=30.0)]
    with pytest.raises(DataError, match="timed out"):
        fetch(f"{server.url}/file.txt", path, SHA256)


@pytest.mark.parametrize("cached", [None, b"damaged before"])
def test_wrong_content_is_thrown_away(server, reply, path, cached):
    if cached is not None:
        path.parent.mkdir()
        path.write_bytes(cached)
    page = b"<html>please log in</html>"
    server.replies["/file.txt"] = [reply(page)]
    wrong = hashlib.sha256(page).hexdigest()
    with pytest.raises(DataError, match=f"expected SHA-256 {SHA256}, got {wrong}") as error:
        fetch(f"{server.url}/file.txt", path, SHA256)
    assert "thrown away" in str(error.value)
    assert str(path) in str(error.value)
    assert (path.read_bytes() if path.exists() else None) == cached


def test_folder_that_cannot_be_made(server, reply, path):
    path.parent.write_text("a file where the folder should be")
    server.replies["/file.txt"] = [reply(CONTENT)]
    with pytest.raises(DataError, match=r"(?s)cannot be written to .*TXLIB_DATA"):
        fetch(f"{server.url}/file.txt", path, SHA256)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_cache(server, reply, path):
    path.parent.mkdir(mode=0o555)
    server.replies["/file.txt"] = [reply(CONTENT)]
    with pytest.raises(DataError, match="Permission denied"):
        fetch(f"{server.url}/file.txt", path, SHA256)


def test_full_disk(server, reply, path, monkeypatch):
    server.replies["/file.txt"] = [reply(CONTENT)]

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left on device"):
        fetch(f"{server.url}/file.txt", path, SHA256)
    assert files_beside(path) == []


def test_unreadable_cache(path, dead_url):
    path.mkdir(parents=True)
    with pytest.raises(DataError, match="cannot be read"):
        fetch(dead_url, path, SHA256)


def test_cache_dir_prefers_argument_then_variable_then_platform(monkeypatch, tmp_path):
    monkeypatch.setenv("TXLIB_DATA", "~/corpora")
    assert cache_dir(tmp_path) == tmp_path
    assert cache_dir() == Path.home() / "corpora"
    monkeypatch.setenv("TXLIB_DATA", "")
    assert cache_dir() == Path(platformdirs.user_cache_dir("txlib", appauthor=False))
