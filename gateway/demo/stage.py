"""The stage: a gateway that runs on this data folder, a merchant with a key, and what it sets up over the API.

Every piece is looked for before it is made, so that a demonstration that was killed anywhere can be started again.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway import clock
from gateway.demo.api import Amount, Api, Lab, Problem
from gateway.demo.returns import EKART_CHEAP, GIVE_UP_AT, WAREHOUSES
from gateway.processes.child import spawn
from gateway.processes.lock import held_by
from gateway.processes.port import ready
from gateway.processes.problems import CannotRun
from gateway.settings import Settings
from gateway.store import merchants
from gateway.store.database import Database
from gateway.store.merchants import SCOPES
from gateway.store.rows import Owner
from gateway.values import Mode
from rates import cardfiles

_MERCHANT = "Kalpana Apparel (demo)"
_LAB_ACCOUNT = "lab_demo"
_START_SECONDS = 30.0
_EKART_PRICE = 0.6
_DATA = Path(cardfiles.__file__).parent / "data"
_CARDS = ("delhivery_surface", "delhivery_express")


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What a later run needs and the ledger does not tell again: the key, and where and how signed Ekart's pushes come."""

    key: str
    push_path: str = ""
    push_secret: str = ""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Set up and ready: `locations` by name."""

    api: Api
    lab: Lab
    key: str
    locations: dict[str, str]
    failed_visit_cost: Amount
    failover_cost: Amount
    cost_per_day: Amount


# --- the gateway -----------------------------------------------------------------------------------


@contextlib.contextmanager
def gateway(settings: Settings) -> Iterator[None]:
    """One that runs on this data folder already, else one started here and ended with us; its log is in the data folder."""
    example_rates(settings)
    if held_by(settings.data_dir / "lock"):
        _wait_until_ready(settings, None)
        yield
        return
    with (settings.data_dir / "gateway.log").open("ab") as log:
        process = spawn((sys.executable, "-P", "-m", "gateway.cli", "serve"), os.environ, output=log.fileno())
    try:
        _wait_until_ready(settings, process)
        yield
    finally:
        process.terminate()
        process.wait()


def example_rates(settings: Settings) -> None:
    """Example rates where there are none: prices of the Gulf and the USA are compared in rupees."""
    if not settings.currency_rates.exists():
        shutil.copyfile(_DATA / "example_rates.toml", settings.currency_rates)


def _wait_until_ready(settings: Settings, process: subprocess.Popen[bytes] | None) -> None:
    log = settings.data_dir / "gateway.log"
    until = time.monotonic() + _START_SECONDS
    while not (settings.lab_address.exists() and ready(settings)):
        if process and process.poll() is not None:
            why = log.read_text().strip().splitlines()[-1].removeprefix("gateway: ")
            raise CannotRun(f"the gateway did not start: {why}")
        if time.monotonic() > until:
            raise CannotRun(f"the gateway is not ready after {_START_SECONDS:.0f} s: see {log}")
        time.sleep(0.05)


# --- the merchant ----------------------------------------------------------------------------------


def set_up(settings: Settings, seed: int) -> Stage:
    """Raises Problem for what the API does not take."""
    path = settings.data_dir / "demo.json"
    memory = _memory(settings, path)
    api, lab = Api(f"{settings.api_url}/v1", memory.key), Lab(settings.lab_address)
    if not memory.push_secret:
        memory = msgspec.structs.replace(memory, push_secret=secrets.token_hex(12))
    made = _accounts(api, memory.push_secret)
    if made:
        memory = msgspec.structs.replace(memory, push_path=made)
        _keep(path, memory)
    _cards(api)
    _policy(api)
    _steer(lab, settings.api_url, memory, seed)
    policy = api.get("/policies/current", dict[str, Any])
    costs = {name: msgspec.convert(policy[name], Amount) for name in ("failed_visit_cost", "failover_cost", "cost_per_day")}
    return Stage(api=api, lab=lab, key=memory.key, locations=_locations(api), **costs)


def _memory(settings: Settings, path: Path) -> Memory:
    """The key of an earlier run if it still opens, else that of a merchant made now: there is none yet who could be asked."""
    if path.exists():
        memory = msgspec.json.decode(path.read_bytes(), type=Memory)
        with contextlib.suppress(Problem):
            Api(f"{settings.api_url}/v1", memory.key).get("/policies/current", dict[str, Any])
            return memory
    memory = Memory(key=_new_key(settings))
    _keep(path, memory)
    return memory


def _keep(path: Path, memory: Memory) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(msgspec.json.encode(memory))
    fresh.replace(path)


def _new_key(settings: Settings) -> str:
    database, now = Database(settings.database), clock.wall()
    with contextlib.closing(database), database.write() as tx:
        merchant = merchants.by_name(tx, _MERCHANT) or merchants.create(tx, _MERCHANT, "INR", "IN", now)
        return merchants.create_key(tx, Owner(merchant.id, Mode.TEST), "demo", SCOPES, now)[1]


# --- what it sets up -------------------------------------------------------------------------------


def _accounts(api: Api, push_secret: str) -> str:
    """An account at each carrier; the path of Ekart's pushes where it was made now."""
    there = {one["carrier"] for one in api.all("/carrier-accounts", dict[str, Any])}
    made: dict[str, dict[str, Any]] = {}
    for code, fields in _CARRIERS.items():
        if code not in there:
            more = {"webhook_secret": push_secret} if code == "ekart" else {}
            body = {"carrier": code, "name": f"{code} (simulated)", **fields, "credentials": {**fields["credentials"], **more}}
            made[code] = api.post("/carrier-accounts", body, dict[str, Any])
    return urlsplit(made["ekart"]["callback_url"]).path if "ekart" in made else ""


_CARRIERS: Mapping[str, Mapping[str, Any]] = {
    "delhivery": {
        "credentials": {"token": _LAB_ACCOUNT},
        "settings": {"client": "KALPANA", "pickup_location": "Kalpana Bhiwandi", "qc_questions": '{"Colour?": "KQ-COLOUR"}'},
    },
    "ekart": {
        "credentials": {"client_id": _LAB_ACCOUNT, "username": "kalpana", "password": "simulated"},
        "settings": {
            "seller_name": "Kalpana Apparel",
            "seller_address": WAREHOUSES["Bhiwandi"]["line1"],
            "seller_gst_tin": "27ABCDE1234F1Z5",
            "gst_percent": "12",
            "alternate_phone": "9820400400",
            "category_of_goods": "Apparel",
        },
    },
    "aramex": {
        "credentials": {"username": _LAB_ACCOUNT, "password": _LAB_ACCOUNT, "account_number": "7001", "account_pin": "7001"},
        "settings": {"account_entity": "DXB", "account_country_code": "AE", "email": "returns@kalpana.example"},
    },
    "easypost": {"credentials": {"api_key": _LAB_ACCOUNT}, "settings": {}},
}


def _cards(api: Api) -> None:
    """Delhivery's prices come from cards, Ekart's from its own quote."""
    if not api.all("/rate-cards", dict[str, Any]):
        for name in _CARDS:
            api.send("/rate-cards", (_DATA / f"{name}.toml").read_text(), "application/toml")


def _policy(api: Api) -> None:
    """The defaults, but for what a return from abroad may cost."""
    give_up_at = {"amount": GIVE_UP_AT, "currency": "INR"}
    if api.get("/policies/current", dict[str, Any])["give_up_at"] != give_up_at:
        api.put("/policies/current", {"give_up_at": give_up_at})


def _locations(api: Api) -> dict[str, str]:
    there = {one["name"]: one["id"] for one in api.all("/locations", dict[str, Any])}
    for name, party in WAREHOUSES.items():
        if name not in there:
            there[name] = api.post("/locations", {"name": name, "party": party}, dict[str, Any])["id"]
    return there


def _steer(lab: Lab, api_url: str, memory: Memory, seed: int) -> None:
    """The simulated world: its dice, where Ekart is cheap, and that Ekart pushes what happens (Delhivery is polled only)."""
    lab.tell("/seed", seed=seed)
    for zone in EKART_CHEAP:
        lab.tell("/world", carrier="ekart", account=_LAB_ACCOUNT, zone=zone, price=_EKART_PRICE)
    if memory.push_path:
        where = f"{api_url}{memory.push_path}"
        lab.tell("/pushes", carrier="ekart", account=_LAB_ACCOUNT, url=where, secret=memory.push_secret)
