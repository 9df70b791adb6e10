"""The rig: the stub, the API as `gateway api` runs it, and the floors, each in its process, on a ledger of their own.

Load and stub share one core; what is measured, one process at a time, has the other.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from adapters.contract.places import Lane
from gateway.processes.port import ready
from gateway.settings import Settings
from tests.bench import shop
from tests.bench.measuring import LOAD_CORE, MEASURED_CORE, Broken, Child

_PATIENCE = 20.0


class LeftOut(msgspec.Struct):
    account: str
    cause: str


class Offer(msgspec.Struct):
    account: str


class Answer(msgspec.Struct):
    """Of the API's answer, what tells that it is whole."""

    offers: list[Offer]
    left_out: list[LeftOut]


class Gateway:
    """The API's process, and a client that asks one question after the other."""

    def __init__(self, settings: Settings, keys: Mapping[str, str], child: Child) -> None:
        self.child = child
        self._settings = settings
        self._keys = keys
        self._http = http.client.HTTPConnection(settings.host, settings.port, timeout=30)

    def beside(self) -> Gateway:
        """Another client of the same process."""
        return Gateway(self._settings, self._keys, self.child)

    def connect(self) -> None:
        """Anew: the server hangs up on a client that has been idle for long."""
        self._http.close()
        self._http.connect()

    def quote(self, merchant: str, lane: Lane, seconds: int = 2) -> tuple[float, Answer]:
        """Wall milliseconds of one POST /v1/quotes, and what it brought. Raises Broken unless that is 200."""
        body = json.dumps(shop.quote_body(lane, seconds))
        headers = {"Authorization": f"Bearer {self._keys[merchant]}", "Content-Type": "application/json"}
        started = time.perf_counter()
        self._http.request("POST", "/v1/quotes", body, headers)
        response = self._http.getresponse()
        content = response.read()
        wall = (time.perf_counter() - started) * 1000
        if response.status != 200:
            raise Broken(f"the gateway answered {response.status}: {content[:300].decode(errors='replace')}")
        return wall, msgspec.json.decode(content, type=Answer)


class Stub:
    """The lab, and what it is told over its own admin calls."""

    def __init__(self, child: Child) -> None:
        self.url = child.hear()

    def calls(self) -> int:
        """How many calls it has counted since it was asked last."""
        total = int(json.loads(self._ask("GET", "calls"))["total"])
        self._ask("DELETE", "calls")
        return total

    def hang(self, carrier: str, account: str) -> None:
        """From now on nobody answers this account's calls."""
        self._ask("POST", "faults", {"carrier": carrier, "account": account, "kind": "timeout_unbooked"})

    def heal(self) -> None:
        """From now on everybody is answered."""
        self._ask("DELETE", "faults")

    def _ask(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_lab/{path}", data, method=method)) as reply:
            content: bytes = reply.read()
        return content


class Rig:
    """`sizes` are the merchants by name, with how many accounts each has."""

    def __init__(self, folder: Path, sizes: Mapping[str, int], latency: int, stack: contextlib.ExitStack) -> None:
        settings = Settings(data_dir=folder, port=free_port())
        keys = shop.open_shop(settings, sizes)
        self.stub = Stub(child(stack, LOAD_CORE, "tests.bench.stub", str(latency)))
        settings.lab_address.write_text(self.stub.url)
        environment = {
            "GATEWAY_DATA_DIR": str(settings.data_dir),
            "GATEWAY_PORT": str(settings.port),
            "REDIS_URL": "",
            "DATABASE_URL": "",
        }
        self.gateway = Gateway(settings, keys, child(stack, MEASURED_CORE, "gateway.processes", "api", environment=environment))
        self.floor = child(stack, MEASURED_CORE, "tests.bench.floor", self.stub.url)
        self.lanes = shop.lanes()
        await_ready(settings, self.gateway.child)


@contextlib.contextmanager
def rig(sizes: Mapping[str, int], latency: int) -> Iterator[Rig]:
    os.sched_setaffinity(0, {LOAD_CORE})
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        yield Rig(folder, sizes, latency, stack)


def child(stack: contextlib.ExitStack, core: int, *arguments: str, environment: Mapping[str, str] | None = None) -> Child:
    """It ends with the stack."""
    process = Child(core, arguments, environment)
    stack.callback(process.end)
    return process


def await_ready(settings: Settings, api: Child) -> None:
    """Until it answers. Raises Broken where that takes too long."""
    until = time.monotonic() + _PATIENCE
    while not ready(settings):
        if not api.alive or time.monotonic() > until:
            raise Broken("the API does not come up")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
