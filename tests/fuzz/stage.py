"""The gateway that is asked: as `gateway serve` starts it, with the lab, and a merchant whose returns are under way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway import clock
from gateway.demo import stage
from gateway.demo.returns import RETURNS, request
from gateway.settings import Settings
from gateway.store import merchants
from gateway.store.database import Database
from tests.processes.running import Run, eventually

_DAYS = 2
_UNBRAKED = {"GATEWAY_RATE_LIMIT": "1000000/1"}
_ENDPOINT = {"url": "https://hooks.invalid/pickups"}


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Run]:
    """One on a data folder of its own, ready; its keys are braked by nothing."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    run = Run(data, "serve", environment=_UNBRAKED)
    try:
        run.until_said("ready in ")
        eventually((data / "lab.url").exists)
        yield run
    finally:
        run.end()


def set_up(run: Run, seed: int) -> Mapping[str, str]:
    """What schemathesis.toml asks of the environment. The returns of the demonstration are booked, two days have passed."""
    settings = Settings(data_dir=run.data, port=run.port)
    made = stage.set_up(settings, seed)
    made.api.post("/webhook-endpoints", _ENDPOINT, dict[str, Any])
    for number in range(len(RETURNS)):
        headers = {"idempotency-key": f"return-{number}", "prefer": "wait=5"}
        made.api.post("/pickups", request(number, made.locations), dict[str, Any], headers)
    made.api.post("/test/clock/advance", {"seconds": _DAYS * 86_400}, dict[str, Any])
    return {"MERCHANT_KEY": made.key, "ADMIN_KEY": _admin_key(settings), "PUSH_TOKEN": _push_token(settings)}


def _admin_key(settings: Settings) -> str:
    with contextlib.closing(Database(settings.database)) as database, database.write() as tx:
        return merchants.create_admin_key(tx, "fuzz", clock.wall())[1]


def _push_token(settings: Settings) -> str:
    """Ekart's: the last part of the address that its pushes come to."""
    memory = msgspec.json.decode((settings.data_dir / "demo.json").read_bytes(), type=stage.Memory)
    return memory.push_path.rpartition("/")[2]
