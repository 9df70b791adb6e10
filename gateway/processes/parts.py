"""The parts: what each process does. Imports stand inside, so that a part loads only what it needs.

Each runs until SIGTERM or SIGINT and then returns; a person's mistake raises CannotRun or BadSetting.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.processes.folder import data_folder
from gateway.processes.lock import hold
from gateway.processes.port import check_free
from gateway.processes.problems import CannotRun
from gateway.settings import Settings

# The parent opens this pipe's end when the schema is in place; a part may load its modules until then.
GATE = "GATEWAY_GATE"

_AFTER_THE_API = 10
_STOPS = (signal.SIGTERM, signal.SIGINT)


def prepare(settings: Settings) -> None:
    """Before the others, as the one owner of an embedded database: its schema, its leases; and the master key."""
    from gateway.processes.ledger import opened
    from gateway.store import cases
    from gateway.store.vault import master_key

    master_key(settings)
    with opened(settings) as database:
        if not settings.sqlite:
            return database.check()
        database.upgrade()
        with database.write() as tx:
            cases.release_all(tx)
    return None


def api(settings: Settings) -> None:
    """The HTTP API, on granian inside this process."""
    import uvloop

    from gateway.web.app import create_app

    check_free(settings)
    app = create_app(settings)
    _set_aside()
    _wait_at_gate()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_api(app, settings))


async def serve_api(app: Any, settings: Settings) -> None:
    """Any ASGI application, as the API is served. Raises CannotRun where it does not start."""
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels
    from granian.server.embed import Server

    server = Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,
    )
    for number in _STOPS:
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    await server.serve()
    if not server.interrupt_signal:
        raise CannotRun("the API did not start: the log above says why")


def _set_aside() -> None:
    """What is loaded by now stays: going through it in search of garbage would hold requests up for 60 ms every few seconds.

    A quote over twenty accounts makes some ten thousand objects that die by themselves: not worth a search each.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _wait_at_gate() -> None:
    handle = os.environ.pop(GATE, "")
    if handle:
        os.read(int(handle), 1)
        os.close(int(handle))


def work(settings: Settings) -> None:
    """A worker. Where there are fewer cores than processes the API goes first: callers wait for it, bookings can wait."""
    from gateway.jobs import worker

    os.nice(_AFTER_THE_API)

    with _no_redis():
        worker.run(settings)


def relay(settings: Settings) -> None:
    """The relay: any number on PostgreSQL, one on an embedded database."""
    from gateway.jobs.queue import Wakes, connect
    from gateway.jobs.relay import Relay
    from gateway.services.kit import on_own_thread

    if settings.sqlite:
        hold(settings.data_dir / "relay.lock", "a relay")
    with _no_redis():
        wakes = Wakes(connect(settings))
    stop = threading.Event()
    for number in _STOPS:
        signal.signal(number, lambda *_: stop.set())
    Relay(on_own_thread(settings), wakes, embedded=settings.sqlite, retention_days=settings.retention_days).run(stop)


@contextlib.contextmanager
def _no_redis() -> Iterator[None]:
    from gateway.jobs.queue import NoRedis

    try:
        yield
    except NoRedis as error:
        raise CannotRun(str(error)) from error


def lab(settings: Settings) -> None:
    """The simulated carriers."""
    from adapters.lab.engine import Lab, load_sides
    from adapters.lab.server import serve
    from gateway import clock

    hold(settings.data_dir / "lab.lock", "a lab")
    books = Lab(load_sides(), settings.data_dir / "lab.db", wall=clock.wall)
    with contextlib.closing(books), contextlib.suppress(asyncio.CancelledError):
        try:
            asyncio.run(_until_told(serve(books, port=settings.lab_port, started=_writes(settings.lab_address))))
        except OSError as error:
            raise CannotRun(f"the lab cannot listen on port {settings.lab_port}: set GATEWAY_LAB_PORT to a free one") from error
        finally:
            settings.lab_address.unlink(missing_ok=True)


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    for number in _STOPS:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await task


def _writes(address: Path) -> Callable[[str], None]:
    """Tell where the lab listens, in one piece: readers see the old address or the new one."""

    def write(url: str) -> None:
        fresh = address.with_suffix(".new")
        fresh.write_text(url)
        fresh.replace(address)

    return write


PARTS: Mapping[str, Callable[[Settings], None]] = {"prepare": prepare, "api": api, "work": work, "relay": relay, "lab": lab}


def run(name: str, settings: Settings) -> None:
    """One of PARTS, in this process."""
    data_folder(settings)
    if name != "prepare":  # it logs nothing, and everybody waits for it
        from gateway.processes import logs

        logs.configure(name)
    if name in ("work", "relay"):
        from gateway.processes import metrics

        metrics.serve(settings)
    PARTS[name](settings)
