"""A server that lies, stalls and sends people elsewhere: the right file, or one clear error."""

import gc
import gzip
import hashlib
import os
import random

import pytest
from raw_server import RawServer, head, whole

from txlib.data import download
from txlib.data.download import DataError, fetch, fetch_bytes

CONTENT = bytes(random.Random(0).randbytes(90_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = b"the other file of the corpus\n" * 3000
PAGE = b"<!DOCTYPE html><title>Please log in</title>"
AREA = "data: a hostile or broken download"


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE", 0.0)
    server = RawServer()
    yield server
    server.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "corpus" / "file"


def moved(place, code="302 Found"):
    return [head(f"Location: {place}", "Content-Length: 0", status=code)]


def chunked(body):
    pieces = [body[i : i + 7000] for i in range(0, len(body), 7000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


CHUNKED = head("Transfer-Encoding: chunked")
RIGHT = [whole(CONTENT)]
GOOD = {
    "plain": [RIGHT],
    "no length": [[head(), CONTENT]],
    "chunked": [[CHUNKED, chunked(CONTENT), b"0\r\n\r\n"]],
    "a length that is no number": [[head("Content-Length: many"), CONTENT]],
    "a length below zero": [[head("Content-Length: -5"), CONTENT]],
    "a name for the download": [[whole(CONTENT, "Content-Disposition: x; filename=/etc/passwd")]],
    "moved": [moved("{url}/elsewhere")],
    "moved for good": [moved("/elsewhere", "308 Permanent Redirect")],
    "busy, then right": [[whole(b"", status="503 Busy")], RIGHT],
    "broken, then right": [[whole(b"", status="500 Oops")], RIGHT],
    "cut off, then right": [[head(f"Content-Length: {len(CONTENT)}"), CONTENT[:40_000]], RIGHT],
    "chunks cut off, then right": [[CHUNKED, chunked(CONTENT)[:50_000]], RIGHT],
    "silent, then right": [[None], RIGHT],
    "half, silent, then right": [
        [head(f"Content-Length: {len(CONTENT)}"), CONTENT[:9], None],
        RIGHT,
    ],
    "no HTTP, then right": [[b"SSH-2.0-OpenSSH_9.9\r\n"], RIGHT],
    "nothing, then right": [[b""], RIGHT],
}
BAD = {
    "404": ([[whole(PAGE, status="404 Not Found")]], "answered 404 Not Found"),
    "403": ([[whole(b"", status="403 Forbidden")]], "answered 403"),
    "401": ([[whole(b"", status="401 Who")]], "answered 401"),
    "500 for ever": ([[whole(b"", status="500 Oops")]], "answered 500 Oops .3 attempts"),
    "an unknown status": ([[whole(b"", status="799 ?")]], "answered 799"),
    "no content": ([[head(status="204 No Content")]], "expected SHA-256"),
    "empty": ([[whole(b"")]], "expected SHA-256 .*0 bytes"),
    "a page": ([[whole(PAGE)]], r"which begin b'<!DOCTYPE html>"),
    "swapped": ([[whole(OTHER)]], "expected SHA-256"),
    "one bit": ([[whole(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))]], "expected SHA-256"),
    "too short, and says so": ([[whole(CONTENT[:-1])]], "expected SHA-256"),
    "one byte more": ([[whole(CONTENT + b"x")]], "expected SHA-256"),
    "packed": ([[whole(gzip.compress(CONTENT), "Content-Encoding: gzip")]], "expected SHA-256"),
    "length too small": ([[head("Content-Length: 50"), CONTENT]], "50 bytes"),
    "length too large": ([[head("Content-Length: 90001"), CONTENT]], "cut off at 90000 of 90001"),
    "length of ten gigabytes": ([[head(f"Content-Length: {10**10}"), CONTENT]], "sends more than"),
    "length of 30 digits": (
        [[head(f"Content-Length: {10**29}"), CONTENT[:99]]],
        "expected SHA-256",
    ),
    "without end": ([[head(), *[CONTENT] * 40]], "sends more than"),
    "chunks without end": ([[CHUNKED, *[chunked(CONTENT)] * 40]], "sends more than"),
    "a chunk that is no number": ([[CHUNKED, b"zz\r\nabc\r\n"]], "connection broke"),
    "always cut off": ([[head("Content-Length: 90000"), CONTENT[:70_000]]], "cut off at 70000"),
    "always chunks cut off": ([[CHUNKED, chunked(CONTENT)[:50_000]]], "connection broke"),
    "silent for ever": ([[None]], "timed out"),
    "half, silent for ever": ([[head("Content-Length: 90000"), CONTENT[:9], None]], "timed out"),
    "in a circle": ([moved("{url}/file")], "infinite loop"),
    "to a file": ([moved("file:///etc/passwd")], "answered 302 .*not allowed"),
    "to data": ([moved("data:text/plain,hello")], "answered 302 .*not allowed"),
    "to a program": ([moved("javascript:alert(1)")], "answered 302 .*not allowed"),
    "to a closed port": ([moved("http://127.0.0.1:9/x")], "no connection|connection broke"),
    "to a port that cannot be": (
        [moved("http://127.0.0.1:99999/x")],
        "no (such address|connection)",
    ),
    "to a port that is no number": ([moved("http://127.0.0.1:x/")], "broke|no such address"),
    "to half an address": ([moved("http://[::1")], "no such address"),
    "to a name too long": ([moved(f"http://{'a' * 70}.example/")], "no (such address|connection)"),
    "to nowhere": ([[head("Content-Length: 0", status="302 Found")]], "answered 302"),
    "to a 404": ([moved("{url}/absent")], "answered 404"),
    "to another file": ([moved("{url}/other")], "expected SHA-256"),
    "no HTTP": ([[b"220 ftp ready\r\n"]], "connection broke"),
    "a line without end": ([[b"HTTP/1.1 200 " + b"O" * 70_000 + b"\r\n"]], "connection broke"),
    "headers without end": ([[head(*["X: y"] * 200), CONTENT]], "connection broke"),
    "words for the terminal": ([[whole(b"", status="410 \x1b[2J\x1b]0;gone\x07")]], r"410 \?\[2J"),
}


def impatient_if_silent(monkeypatch, answers):
    """Where the answer never comes, more time would not help, however slow the machine."""
    if any(None in answer for answer in answers):
        monkeypatch.setattr(download, "TIMEOUT", 0.3)


@pytest.mark.parametrize("cached", [None, b"hostile"], ids=["new", "over a wrong file"])
@pytest.mark.parametrize("case", GOOD)
def test_the_right_file_comes_in_the_end(server, path, tally, monkeypatch, case, cached):
    impatient_if_silent(monkeypatch, GOOD[case])
    server.answers = {"/file": list(GOOD[case]), "/elsewhere": [RIGHT]}
    if cached is not None:
        path.parent.mkdir()
        path.write_bytes(cached)
    assert fetch_bytes(f"{server.url}/file", path, SHA256) == CONTENT
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["file"]
    tally(AREA)


@pytest.mark.parametrize("cached", [None, b"hostile"], ids=["new", "over a wrong file"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("case", BAD)
def test_one_clear_error_and_no_file(server, path, tally, monkeypatch, case, cached):
    answers, match = BAD[case]
    impatient_if_silent(monkeypatch, answers)
    monkeypatch.setattr(download, "MAX_BYTES", 1_000_000)
    server.answers = {"/file": list(answers), "/other": [[whole(OTHER)]]}
    if cached is not None:
        path.parent.mkdir()
        path.write_bytes(cached)
    url = f"{server.url}/file"
    with pytest.raises(DataError, match=f"(?s){match}") as caught:
        fetch(url, path, SHA256)
    told = str(caught.value)
    assert url in told
    assert str(path) in told
    assert "What to do" in told
    assert len(told) < 1500
    assert all(c.isprintable() or c == "\n" for c in told)
    assert (path.read_bytes() if path.exists() else None) == cached
    if path.parent.exists():
        assert os.listdir(path.parent) == ["file"] * (cached is not None)
    tally(AREA)
    del caught
    if case.startswith("to "):
        gc.collect()  # urllib drops a connection unclosed when a redirect is no address


def test_truncated_anywhere(server, path, tally, effort):
    draw = random.Random(1)
    for _ in range(effort(6, 60)):
        cut, told = draw.randrange(len(CONTENT)), draw.choice([len(CONTENT), None])
        server.answers["/file"] = [[head(*[f"Content-Length: {told}"] * bool(told)), CONTENT[:cut]]]
        with pytest.raises(DataError, match=f"cut off at {cut}|expected SHA-256 .*{cut} bytes"):
            fetch(f"{server.url}/file", path, SHA256)
        assert not path.exists()
        tally(AREA)


def test_corrupted_anywhere(server, path, tally, effort):
    draw = random.Random(2)
    for _ in range(effort(6, 60)):
        broken = bytearray(CONTENT)
        broken[draw.randrange(len(broken))] ^= 1 << draw.randrange(8)
        server.answers["/file"] = [[whole(bytes(broken))]]
        with pytest.raises(DataError, match="expected SHA-256"):
            fetch(f"{server.url}/file", path, SHA256)
        assert not path.exists()
        tally(AREA)


def test_a_trickle_is_given_up(server, path, tally, monkeypatch):
    """It sends a byte whenever it is about to be called silent; the clock is the test's own."""
    ticks = iter(range(0, 10**6, 25))
    monkeypatch.setattr("time.monotonic", lambda: next(ticks))
    monkeypatch.setattr("tqdm.auto.tqdm", QuietBar)
    server.answers["/file"] = [[head("Content-Length: 90000"), *[CONTENT[:1]] * 500, None]]
    monkeypatch.setattr(download, "CHUNK", 1)
    with pytest.raises(DataError, match=r"was not done after 900 s: 3[67] bytes"):
        fetch(f"{server.url}/file", path, SHA256)
    assert not path.exists()
    tally(AREA)


class QuietBar:
    def __init__(self, **kwargs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, count):
        pass


@pytest.mark.parametrize(
    "address", ["", "nothing", "http://", "http://[::1/x", "x://y/z", "http:// /"]
)
def test_an_address_that_is_none(path, tally, monkeypatch, address):
    monkeypatch.setattr(download, "PAUSE", 0.0)
    with pytest.raises(DataError, match="What to do"):
        fetch(address, path, SHA256)
    assert not path.parent.exists()
    tally(AREA)
