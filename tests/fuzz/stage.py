"""The gateway that is asked: as `gateway serve` starts it, with the lab, and a merchant whose returns are under way."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway import clock
from gateway.carriers import registry
from gateway.demo import stage
from gateway.demo.api import Api, Problem
from gateway.demo.returns import RETURNS, request
from gateway.settings import Settings
from gateway.store import merchants
from gateway.store.database import Database
from tests.processes.running import Run, eventually

_DAYS = 2
_FRESH = 8
_UNBRAKED = {"GATEWAY_RATE_LIMIT": "1000000/1"}
_IDS = {"/exceptions": "exception_id", "/rate-cards": "card_id", "/carrier-accounts": "account_id", "/locations": "location_id"}
_ENDPOINTS = 3  # some are struck out on the way
_HELD = 3
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
    """What schemathesis.toml and hooks ask of the environment. Returns have been under way for two days, some are just booked."""
    settings = Settings(data_dir=run.data, port=run.port)
    made = stage.set_up(settings, seed)
    for _ in range(_ENDPOINTS):
        made.api.post("/webhook-endpoints", _ENDPOINT, dict[str, Any])
    _book(made, range(len(RETURNS)))
    now = made.api.post("/test/clock/advance", {"seconds": _DAYS * 86_400}, dict[str, Any])["now"]
    _book(made, range(len(RETURNS), len(RETURNS) + _FRESH))
    keys = {"MERCHANT_KEY": made.key, "ADMIN_KEY": _admin_key(settings), "PUSH_TOKEN": _push_token(settings)}
    known, held = eventually(lambda: _known(made.api)), list(_held(made.api))
    kept = {one["pickup_id"] for one in held}
    others = [one for one in known if one.get("pickup_id") not in kept]
    return {**keys, "TEST_CLOCK": now, "KNOWN_IDS": json.dumps([*others, *held])}


def _book(made: stage.Stage, numbers: Iterable[int]) -> None:
    for number in numbers:
        headers = {"idempotency-key": f"return-{number}", "prefer": "wait=5"}
        made.api.post("/pickups", request(number, made.locations), dict[str, Any], headers)


def _known(api: Api) -> list[dict[str, str]]:
    """What stands in paths together; nothing until there is some of each, and deliveries at all endpoints: some are struck out."""
    found = list(_ids(api))
    served = {one["endpoint_id"] for one in found if "delivery_id" in one}
    return found if {"visit_id", "exception_id", "awb"} <= set().union(*found) and len(served) == _ENDPOINTS else []


def _ids(api: Api) -> Iterator[dict[str, str]]:
    for pickup in api.all("/pickups", dict[str, Any], expand="visits"):
        yield {"pickup_id": pickup["id"]}
        yield from (
            {"pickup_id": pickup["id"], "visit_id": visit["id"]} for visit in pickup["visits"] if visit["outcome"] == "failed"
        )
        yield from ({"carrier": one["carrier"], "awb": one["awb"]} for one in pickup["bookings"] if one["awb"])
    yield from ({"code": code} for code in registry.codes())
    for endpoint in api.all("/webhook-endpoints", dict[str, Any]):
        yield {"endpoint_id": endpoint["id"]}
        deliveries = api.all(f"/webhook-endpoints/{endpoint['id']}/deliveries", dict[str, Any])
        yield from ({"endpoint_id": endpoint["id"], "delivery_id": one["id"]} for one in deliveries)
    for path, name in _IDS.items():
        yield from ({name: one["id"]} for one in api.all(path, dict[str, Any]))


def _held(api: Api) -> Iterator[dict[str, str]]:
    """Pickups that automation has let go of: only these can be queued again, and little else can be done about them."""
    going_on = api.all("/exceptions", dict[str, Any], state="waiting_customer,waiting_carrier,scheduled_retry")
    for one in [one for one in going_on if one["pickup"]][:_HELD]:
        with contextlib.suppress(Problem):  # it has gone on meanwhile
            api.post(f"/exceptions/{one['id']}/actions", {"action": "hold"}, dict[str, Any])
            yield {"pickup_id": one["pickup"], "for": "requeuePickup"}


def _admin_key(settings: Settings) -> str:
    with contextlib.closing(Database(settings.database)) as database, database.write() as tx:
        return merchants.create_admin_key(tx, "fuzz", clock.wall())[1]


def _push_token(settings: Settings) -> str:
    """Ekart's: the last part of the address that its pushes come to."""
    memory = msgspec.json.decode((settings.data_dir / "demo.json").read_bytes(), type=stage.Memory)
    return memory.push_path.rpartition("/")[2]
