"""The figures of a worker or relay on a port of its own (GATEWAY_METRICS_PORT): one small thread.

GET /metrics is for who may read it, GET /health for anybody: the process is alive.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gateway import metrics
from gateway.processes.problems import CannotRun
from gateway.settings import Settings


def serve(settings: Settings) -> ThreadingHTTPServer | None:
    """The server, running until the process ends; None where no port is set. Raises CannotRun where it is taken."""
    if not settings.metrics_port:
        return None
    try:
        server = ThreadingHTTPServer((settings.metrics_host, settings.metrics_port), _answering(settings.metrics_token))
    except OSError as error:
        where = f"{settings.metrics_host}:{settings.metrics_port}"
        raise CannotRun(
            f"no metrics at {where} ({error.strerror}): set GATEWAY_METRICS_PORT to a free one, or leave it out"
        ) from error
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def _answering(token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            if self.path == "/health":
                self._answer(200, b"ok\n", "text/plain")
            elif self.path.partition("?")[0] != "/metrics":
                self._answer(404, b"there is /metrics here\n", "text/plain")
            elif not metrics.may_read(token, headers.get("authorization", ""), str(self.client_address[0]), headers):
                self._answer(403, b"bring GATEWAY_METRICS_TOKEN as Authorization: Bearer\n", "text/plain")
            else:
                self._answer(200, metrics.text(), metrics.CONTENT_TYPE)

        def _answer(self, status: int, content: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Not worth a line."""

    return Handler
