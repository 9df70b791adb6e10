"""`python -m gateway.processes.health`: exit code 0 where this container's part answers. For HEALTHCHECK; loads next to nothing.

A part with GATEWAY_METRICS_PORT set (a worker, the relay) is asked there, any other is taken for the API and asked whether it is
ready.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping

_PATIENCE = 4.0


def main(environment: Mapping[str, str] = os.environ) -> int:
    own = environment.get("GATEWAY_METRICS_PORT") or ""
    number, path = (own, "/health") if own.strip("0") else (environment.get("GATEWAY_PORT") or "8080", "/health/ready")
    try:
        status = _status(int(number), path)
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"no answer from port {number}: {error}", file=sys.stderr)
        return 1
    if status != 200:
        print(f"port {number} answers {status}", file=sys.stderr)
    return int(status != 200)


def _status(number: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=_PATIENCE)
    connection.request("GET", path)
    return connection.getresponse().status


if __name__ == "__main__":
    sys.exit(main())
