"""A client of the gateway before a carrier of which every reply is said by the test; no socket is opened."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import httpx

from adapters.contract.carrier import AwbList, Booking, Stop
from adapters.contract.orders import Direction
from adapters.contract.places import Party
from gateway.carriers.client import Carriers
from gateway.values import Account, Exchange, Mode
from tests.contract import examples

T = TypeVar("T")
Say = Callable[[httpx.Request], httpx.Response]

NOW = examples.NOW
LAB = "http://lab.test:8090"
STOP = Stop(postal_code="560038", country="IN", direction=Direction.REVERSE, collect=True)
AWBS = AwbList(awbs=("57930810000066",))
BOOKING = Booking(awb="57930810000066", carrier_reference="GW1")

SECRETS: Mapping[str, Mapping[str, str]] = {
    "delhivery": {"token": "tok-4711"},
    "ekart": {"client_id": "EKART_1", "username": "rider", "password": "s3same!"},
}
PINS = {"delivery_codes": [{"postal_code": {"pin": 560038, "remarks": "", "pickup": "Y", "pre_paid": "Y"}}]}
PINCODE = {
    "status": True,
    "pincode": 560038,
    "remark": "",
    "details": {"forward_pickup": True, "forward_drop": True, "reverse_pickup": True, "reverse_drop": True},
}


def account(carrier: str = "delhivery", **changes: Any) -> Account:
    fields = {"id": "cac_1", "merchant_id": "mer_1", "mode": Mode.TEST}
    return Account(**{**fields, "carrier": carrier, "settings": examples.SETTINGS[carrier], "secrets": SECRETS[carrier], **changes})


def order(shipper: Party = examples.CUSTOMER, **changes: Any) -> Any:
    return examples.order("GW1", shipper=shipper, **changes)


def token(value: str, seconds: int = 3600) -> httpx.Response:
    return httpx.Response(200, json={"access_token": value, "token_type": "Bearer", "expires_in": seconds})


class Pool(httpx.MockTransport):
    """Counts what it was asked, and whether it was closed."""

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True


class Desk:
    """The client and what it sent: `asked` are the requests, `told` the exchanges its witness was told of."""

    def __init__(self, say: Say, lab: Callable[[], str] = lambda: LAB) -> None:
        self.asked: list[httpx.Request] = []
        self.told: list[Exchange] = []
        self.pools: list[Pool] = []
        self._say = say
        self.carriers = Carriers(lab, self._open, longest_call=0.0)

    def _open(self) -> Pool:
        self.pools.append(Pool(self._answer))
        return self.pools[-1]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._say(request)

    async def ask(self, name: str, question: Any, account: Account, now: dt.datetime = NOW) -> Any:
        return await self.carriers.ask(account, name, question, now=now, witness=self.told.append)

    async def step(self, name: str, index: int, question: Any, account: Account, so_far: Mapping[str, str] | None = None) -> Any:
        return await self.carriers.step(account, name, index, question, so_far or {}, now=NOW, witness=self.told.append)

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.asked]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def always(response: httpx.Response) -> Say:
    return lambda request: httpx.Response(response.status_code, headers=response.headers, content=response.content)


def failing(error: type[Exception]) -> Say:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("said by the test")

    return fail
