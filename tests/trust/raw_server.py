"""A server that sends the very bytes it was told to."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def head(*lines, status="200 OK"):
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


def whole(body, *lines, status="200 OK"):
    return head(f"Content-Length: {len(body)}", *lines, status=status) + body


class RawServer:
    """Sends the very bytes it was told to; they may be no HTTP. `{url}` stands for itself.

    Each path has a list of answers; the last one is repeated. After a None in an answer nothing
    more comes, and the connection stays open until the test is over.
    """

    def __init__(self):
        self.answers, self.requests, self.over = {}, [], threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle(self):
                line = self.rfile.readline().decode("latin-1").split()
                while self.rfile.readline().strip():
                    pass
                server.requests.append(line[1] if line else "")
                script = server.answers.get(server.requests[-1], [[whole(b"", status="404 No")]])
                for piece in script.pop(0) if len(script) > 1 else script[0]:
                    if piece is None:
                        server.over.wait(60)
                        return
                    try:
                        self.wfile.write(piece.replace(b"{url}", server.url.encode()))
                    except OSError:  # the other side has had enough
                        return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.over.set()
        self._http.shutdown()
        self._http.server_close()
