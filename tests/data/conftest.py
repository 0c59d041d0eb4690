import os
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Reply:
    """One answer of the server; `length` overrides the announced length, status 0 hangs up."""

    body: bytes = b""
    status: int = 200
    length: int | None = None
    delay: float = 0.0


class FileServer:
    """An HTTP server on this machine that answers each path by a script of replies."""

    def __init__(self):
        self.replies: dict[str, list[Reply]] = {}
        self.requests: list[str] = []
        self.released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.path)
                script = server.replies.get(self.path, [Reply(status=404)])
                reply = script.pop(0) if len(script) > 1 else script[0]
                server.released.wait(reply.delay)
                if reply.status == 0:
                    return
                self.send_response(reply.status)
                length = len(reply.body) if reply.length is None else reply.length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.released.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("txlib.data.download.PAUSE", 0.0)
    server = FileServer()
    yield server
    server.close()


@pytest.fixture
def reply():
    return Reply


@pytest.fixture(scope="session")
def real_data():
    """The folder of the real corpora, where $TXLIB_TEST_DATA names one."""
    folder = os.environ.get("TXLIB_TEST_DATA")
    if not folder:
        pytest.skip("needs the real corpora: set TXLIB_TEST_DATA to the folder that holds them")
    return Path(folder)
