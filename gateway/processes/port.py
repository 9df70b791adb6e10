"""The API's port: is it free, and does it answer yet? The server shares ports by SO_REUSEPORT, so it would not complain itself."""

from __future__ import annotations

import errno
import socket

from gateway.processes.problems import CannotRun
from gateway.settings import Settings

_REQUEST = b"GET /health/ready HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n"


def check_free(settings: Settings) -> None:
    """Raises CannotRun naming the setting."""
    if not settings.port:
        raise CannotRun("GATEWAY_PORT is 0: set it to a free port, or leave it out for 8080")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            setting = "set GATEWAY_PORT to a free one" if error.errno == errno.EADDRINUSE else "see GATEWAY_HOST and GATEWAY_PORT"
            raise CannotRun(f"{settings.host} port {settings.port} cannot be used ({error.strerror}): {setting}") from error


def ready(settings: Settings) -> bool:
    """Whether GET /health/ready answers 200 now."""
    try:
        with socket.create_connection((_reachable(settings.host), settings.port), timeout=2) as connection:
            connection.sendall(_REQUEST)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - looked up, not bound
