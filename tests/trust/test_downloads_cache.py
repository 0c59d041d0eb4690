"""The cache of downloads: filled by many at once, hostile before, offline, behind a proxy."""

import gzip
import hashlib
import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from raw_server import RawServer, head, whole

from txlib.data import download, multi30k
from txlib.data.download import DataError, fetch, fetch_bytes

CONTENT = random.Random(3).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
AREA = "data: one cache, many readers and hostile files"
FETCH = (
    "import sys; from pathlib import Path; from txlib.data import download; "
    "download.PAUSE = 0.0; "
    "assert len(download.fetch_bytes(sys.argv[1], Path(sys.argv[2]), sys.argv[3])) == 300_000"
)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE", 0.0)
    server = RawServer()
    server.answers["/file"] = [[whole(CONTENT)]]
    yield server
    server.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "corpus" / "file"


def start(url, path, **more):
    command = [sys.executable, "-c", FETCH, url, str(path), SHA256]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **more)


def test_ten_threads_fill_one_cache(server, path, tally, effort):
    for _ in range(effort(2, 20)):
        with ThreadPoolExecutor(10) as pool:
            work = [pool.submit(fetch_bytes, f"{server.url}/file", path, SHA256) for _ in range(10)]
        assert all(done.result() == CONTENT for done in work)
        assert os.listdir(path.parent) == ["file"]
        path.unlink()
        tally(AREA, 10)


def test_two_processes_fill_one_cache_and_one_of_them_is_killed(server, path, tally, effort):
    """One gets half of the file and waits; it is killed then, beside one that is served well."""
    for _ in range(effort(1, 8)):
        half = [head(f"Content-Length: {len(CONTENT)}"), CONTENT[:150_000], None]
        server.answers["/slow"] = [half]
        server.requests.clear()
        slow = start(f"{server.url}/slow", path)
        while "/slow" not in server.requests:
            assert slow.poll() is None
        assert fetch(f"{server.url}/file", path, SHA256).read_bytes() == CONTENT
        slow.send_signal(signal.SIGKILL)
        slow.communicate()
        assert os.listdir(path.parent) == ["file"]
        pair = [start(f"{server.url}/file", path.with_name("again")) for _ in range(2)]
        told = [process.communicate()[1] for process in pair]
        assert [process.returncode for process in pair] == [0, 0], told
        assert sorted(os.listdir(path.parent)) == ["again", "file"]
        path.unlink()
        path.with_name("again").unlink()
        tally(AREA, 4)


def test_what_a_killed_download_left_goes_with_the_next(server, path, tally):
    path.parent.mkdir()
    (path.parent / ".file.123.abcd.partial").write_bytes(CONTENT[:999])
    assert fetch(f"{server.url}/file", path, SHA256).read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["file"]
    tally(AREA)


HOSTILE = {
    "a page": b"<html>",
    "nothing": b"",
    "half": CONTENT[:150_000],
    "one bit": bytes([CONTENT[0] ^ 1]) + CONTENT[1:],
    "a bomb": gzip.compress(bytes(10**7)),
    "a pickle": b"cos\nsystem\n(S'echo run'\ntR.",
}


@pytest.mark.parametrize("online", [True, False], ids=["online", "offline"])
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_in_the_cache_is_never_parsed(
    server, tmp_path, tally, monkeypatch, case, online
):
    names = ("val.en.gz", "val.fr.gz")
    good = gzip.compress(b"One.\nTwo.\n", mtime=0)
    parsed, unpack = [], gzip.decompress
    monkeypatch.setattr("gzip.decompress", lambda data: parsed.append(data) or unpack(data))
    folder = tmp_path / "multi30k"
    folder.mkdir()
    for name in names:
        monkeypatch.setitem(multi30k.SHA256, name, hashlib.sha256(good).hexdigest())
        (folder / name).write_bytes(HOSTILE[case])
        server.answers[f"/{name}"] = [[whole(good)]] if online else [[b""]]

    def load():
        return multi30k.load("validation", root=tmp_path, base_url=server.url)

    if online:
        assert load() == [("One.", "One."), ("Two.", "Two.")]
        assert {*parsed} == {good}
    else:
        with pytest.raises(DataError, match=r"val\.en\.gz is damaged"):
            load()
        assert parsed == []
        assert (folder / names[0]).read_bytes() == HOSTILE[case]
    tally(AREA)


def test_a_file_that_is_swapped_after_it_was_judged(server, path, tally, monkeypatch):
    def swap(url, path, sha256):
        fetch(url, path, sha256)
        path.write_bytes(b"hostile")
        return path

    monkeypatch.setattr(download, "fetch", swap)
    with pytest.raises(DataError, match="was changed while it was read: expected SHA-256"):
        fetch_bytes(f"{server.url}/file", path, SHA256)
    tally(AREA)


@pytest.mark.parametrize("kind", ["folder", "pipe", "circle", "link to a device"])
def test_what_is_no_file_in_the_cache(server, path, tally, kind):
    if kind == "pipe" and not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    path.parent.mkdir()
    {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "circle": lambda: path.symlink_to(path),
        "link to a device": lambda: path.symlink_to(os.devnull),
    }[kind]()
    with pytest.raises(DataError, match=r"cannot be read: .*\nWhat to do: make it a readable file"):
        fetch(f"{server.url}/file", path, SHA256)
    assert server.requests == []
    tally(AREA)


def test_offline_with_and_without_a_cache(server, path, tally):
    url = f"{server.url}/file"
    fetch(url, path, SHA256)
    server.close()
    assert fetch_bytes(url, path, SHA256) == CONTENT
    path.unlink()
    with pytest.raises(DataError, match=r"(?s)is not in the cache.*no connection.*TXLIB_DATA"):
        fetch(url, path, SHA256)
    assert os.listdir(path.parent) == []
    tally(AREA, 2)


def test_through_a_proxy(server, path, tally, monkeypatch):
    """The proxy is asked for the whole address; one that wants a password, or is dead, is named."""
    url = "http://corpus.example/file"
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//user:secret@"))
    server.answers[url] = [[whole(CONTENT)]]
    assert fetch_bytes(url, path, SHA256) == CONTENT
    path.unlink()
    server.answers[url] = [[whole(b"", status="407 Proxy Authentication Required")]]
    with pytest.raises(DataError, match="answered 407 Proxy") as asked:
        fetch(url, path, SHA256)
    server.close()
    with pytest.raises(
        DataError, match=r"no connection: .*the proxy that http_proxy names"
    ) as dead:
        fetch(url, path, SHA256)
    for caught in (asked, dead):
        assert url in str(caught.value)
        assert "secret" not in str(caught.value)
    assert not path.exists()
    tally(AREA, 3)
