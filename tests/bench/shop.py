"""What is asked, by whom: merchants whose accounts are Delhivery's and Ekart's by turns, and lanes that never come twice."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa

from adapters.contract.places import Lane
from gateway import clock, ids
from gateway.settings import Settings
from gateway.store import accounts, merchants
from gateway.store.database import Database
from gateway.store.rows import Owner
from gateway.store.vault import Vault, master_key
from gateway.values import Mode
from tests.world import SECRETS, SETTINGS, card

CARRIERS = ("delhivery", "ekart")
CARDS = ("delhivery_surface", "delhivery_express")
PARCEL = {"weight_g": 480, "length_mm": 300, "width_mm": 200, "height_mm": 60}
VALUE = {"amount": "1499.00", "currency": "INR"}

_METROS = ("110", "400", "411", "500", "560", "600", "700")
# Offers and calls of one account: Delhivery's two services are priced by card, Ekart's account offers one.
_OFFERS = {"delhivery": 2, "ekart": 1}
_CALLS = {"delhivery": 3, "ekart": 4}


def carrier_of(number: int) -> str:
    return CARRIERS[number % len(CARRIERS)]


def offers_of(count: int) -> int:
    """How many offers `count` accounts make."""
    return sum(_OFFERS[carrier_of(number)] for number in range(count))


def calls_of(count: int) -> int:
    """How many carrier calls a quote over `count` accounts takes."""
    return sum(_CALLS[carrier_of(number)] for number in range(count))


def lab_account(name: str, number: int) -> str:
    return f"lab_{name}_{number}"


def secrets_of(name: str, number: int) -> Mapping[str, str]:
    """The credentials of a merchant's account, each a lab account of its own."""
    mine = lab_account(name, number)
    return {field: mine if value.startswith("lab_") else value for field, value in SECRETS[carrier_of(number)].items()}


def open_shop(settings: Settings, sizes: Mapping[str, int]) -> dict[str, str]:
    """A fresh ledger with a merchant of each name and so many accounts; their API keys."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    database.upgrade()
    vault = Vault(master_key(settings))
    with database.write() as tx:
        keys = {name: _merchant(tx, vault, name, size) for name, size in sizes.items()}
    database.close()
    return keys


def _merchant(tx: sa.Connection, vault: Vault, name: str, size: int) -> str:
    now = clock.wall()
    owner = Owner(merchants.create(tx, name, "INR", "IN", now).id, Mode.TEST)
    for number in range(size):
        code = carrier_of(number)
        accounts.add(
            tx,
            vault,
            owner,
            carrier=code,
            name=f"{code} {number}",
            secrets=secrets_of(name, number),
            settings=SETTINGS[code],
            callback_token=f"{name}-{number}",
            now=now,
        )
    for title in CARDS:
        _card(tx, owner, title)
    return merchants.create_key(tx, owner, "bench", merchants.SCOPES, now)[1]


def _card(tx: sa.Connection, owner: Owner, title: str) -> None:
    body = card(title)
    row = accounts.StoredCard(
        id=ids.new("rcd"),
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        carrier=body.carrier,
        service=body.service,
        body=body,
        created_at=clock.wall(),
    )
    accounts.CARDS.insert(tx, row)


def lanes(seed: int = 1) -> Iterator[Lane]:
    """Lanes between metros whose two ends have not been seen before: 3,500 of them."""
    pins = [f"{metro}{number:03d}" for metro in _METROS for number in range(1000)]
    random.Random(seed).shuffle(pins)
    for place in range(0, len(pins) - 1, 2):
        yield Lane(origin=pins[place], destination=pins[place + 1])


def quote_body(lane: Lane, seconds: int = 2) -> dict[str, object]:
    """The body of POST /v1/quotes for one shirt on this lane."""
    return {
        "shipper": {"country": "IN", "postal_code": lane.origin},
        "consignee": {"country": "IN", "postal_code": lane.destination},
        "parcels": [PARCEL],
        "declared_value": VALUE,
        "within_seconds": seconds,
    }


def settings_in(folder: Path, port: int) -> Settings:
    return Settings(data_dir=folder, port=port)
