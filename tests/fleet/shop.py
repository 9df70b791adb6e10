"""A merchant of the fleet: made by the command line, set up over the API, and its returns."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from rates import cardfiles
from tests.fleet.crew import Crew

ACCOUNT = "lab_fleet"
_CARDS = Path(cardfiles.__file__).parent / "data"
_PLACES = (("560038", "Bengaluru", "Karnataka"), ("400001", "Mumbai", "Maharashtra"), ("600001", "Chennai", "Tamil Nadu"))
_WAREHOUSE = {
    "name": "Returns Desk",
    "phone": "8040002000",
    "line1": "Plot 7, Industrial Area",
    "city": "Surat",
    "state": "Gujarat",
    "postal_code": "394101",
    "country": "IN",
}
_ACCOUNTS: dict[str, dict[str, Any]] = {
    "delhivery": {"credentials": {"token": ACCOUNT}, "settings": {"client": "KESTREL", "pickup_location": "Kestrel Surat"}},
    "ekart": {
        "credentials": {"client_id": ACCOUNT, "username": "kestrel", "password": "simulated"},
        "settings": {
            "seller_name": "Kestrel Apparel",
            "seller_address": "4 Mill Road, Surat",
            "seller_gst_tin": "24ABCDE1234F1Z5",
            "gst_percent": "18",
            "alternate_phone": "8040001000",
            "category_of_goods": "Apparel",
        },
    },
}


def set_up(crew: Crew) -> str:
    """The merchant's key. Each carrier is the cheaper one somewhere, and Ekart pushes what happens: it cannot be asked."""
    key = _key(crew)
    with httpx.Client(base_url=crew.urls[0], headers={"authorization": f"Bearer {key}"}, timeout=30) as api:
        secret = secrets.token_hex(12)
        _ACCOUNTS["ekart"]["credentials"]["webhook_secret"] = secret
        made = {code: _post(api, "/v1/carrier-accounts", {"carrier": code, **fields}) for code, fields in _ACCOUNTS.items()}
        for name in ("delhivery_surface", "delhivery_express"):
            content = (_CARDS / f"{name}.toml").read_text()
            api.post("/v1/rate-cards", content=content, headers={"content-type": "application/toml"}).raise_for_status()
    path = urlsplit(made["ekart"]["callback_url"]).path
    _steer(crew, "world", carrier="ekart", account=ACCOUNT, zone="560", price=0.6)
    _steer(crew, "pushes", carrier="ekart", account=ACCOUNT, url=f"{crew.urls[0]}{path}", secret=secret)
    return key


def pickup(number: int) -> dict[str, Any]:
    """The body of one."""
    pin, city, state = _PLACES[number % len(_PLACES)]
    return {
        "reference": f"RMA-{number}",
        "shipper": {
            "name": "Asha Rao",
            "phone": f"98111{number:05}",
            "line1": f"{number} Rose Lane",
            "city": city,
            "state": state,
            "postal_code": pin,
            "country": "IN",
        },
        "consignee": _WAREHOUSE,
        "parcels": [{"weight_g": 480, "length_mm": 300, "width_mm": 200, "height_mm": 60}],
        "items": [
            {
                "sku": "SH-1",
                "description": "Cotton shirt",
                "quantity": 1,
                "unit_value": {"amount": "1499.00", "currency": "INR"},
                "return_reason": "size_or_fit",
                "images": ["https://img.kestrel.test/sh-1.jpg"],
            }
        ],
    }


def books(crew: Crew) -> list[dict[str, Any]]:
    """What the simulated carriers hold."""
    answer = httpx.get(f"{crew.lab_url()}/_lab/books", params={"account": ACCOUNT}, timeout=60)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["consignments"]
    return found


def _key(crew: Crew) -> str:
    _said(crew, "merchants", "create", "Kestrel")
    return str(
        json.loads(_said(crew, "keys", "create", "--merchant", "Kestrel", "--mode", "test", "--scope", "admin", "--json"))["key"]
    )


def _said(crew: Crew, *arguments: str) -> str:
    process = crew.command(*arguments)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


def _post(api: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(path, json=body)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _steer(crew: Crew, path: str, **what: object) -> None:
    httpx.post(f"{crew.lab_url()}/_lab/{path}", json=what, timeout=30).raise_for_status()
