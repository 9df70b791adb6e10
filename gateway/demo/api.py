"""The gateway's API and the lab's steering as a caller sees them: two small clients, and the parts of the answers that are used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

T = TypeVar("T")

ENDS = frozenset({"delivered", "cancelled", "lost", "damaged", "returned_to_customer"})


class Problem(RuntimeError):
    """An answer that is none of the 2xx, in the API's words."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"HTTP {status}: {detail}")
        self.status = status


class Gone(RuntimeError):
    """Nobody answers."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, or a part of one; fields that are not named here are skipped."""


class Amount(Part, frozen=True, kw_only=True):
    amount: str
    currency: str


class ExchangeRate(Part, frozen=True, kw_only=True):
    source_currency: str
    value: Decimal


class Offer(Part, frozen=True, kw_only=True):
    carrier: str
    service: str
    price: Amount
    expected_cost: Amount
    exchange_rate: ExchangeRate | None = None


class Decision(Part, frozen=True, kw_only=True):
    sentence: str
    chosen: Offer | None


class Refusal(Part, frozen=True, kw_only=True):
    kind: str
    raw_code: str
    raw_message: str


class Booking(Part, frozen=True, kw_only=True):
    id: str
    carrier: str
    service: str
    state: str
    carrier_reference: str
    awb: str | None
    price: Amount | None
    refusal: Refusal | None


class Visit(Part, frozen=True, kw_only=True):
    booking: str
    day: dt.date
    outcome: str
    reason: str | None


class Event(Part, frozen=True, kw_only=True):
    type: str
    sequence: int
    at: dt.datetime
    data: dict[str, Any]


class Label(Part, frozen=True, kw_only=True):
    source: str


class Pickup(Part, frozen=True, kw_only=True):
    """`visits` and `events` where they were asked for."""

    id: str
    reference: str
    state: str
    decision: Decision | None
    bookings: list[Booking]
    label: Label | None
    metadata: dict[str, str]
    visits: list[Visit] = []
    events: list[Event] = []

    @property
    def ended(self) -> bool:
        return self.state in ENDS

    def booking(self, booking_id: str | None) -> Booking | None:
        return next((one for one in self.bookings if one.id == booking_id), None)


class Plan(Part, frozen=True, kw_only=True):
    what: str
    why: str


class Trouble(Part, frozen=True, kw_only=True):
    """An exception."""

    id: str
    pickup: str
    reference: str
    booking: str | None
    carrier: str | None
    reason: str
    state: str
    raw_code: str
    plan: Plan | None
    answer: str
    resolution: str
    version: int


class Listed(Part, frozen=True, kw_only=True):
    """A list whose entries are read by their own shape."""

    data: list[msgspec.Raw]


class Api:
    """The gateway with a key."""

    def __init__(self, url: str, key: str) -> None:
        self._http = _client()
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}

    def get(self, path: str, shape: type[T], **parameters: str | int) -> T:
        """Raises Problem, Gone."""
        return _read(self._ask("GET", path, params=parameters), shape)

    def all(self, path: str, shape: type[T], **parameters: str | int) -> list[T]:
        """The first page of a list."""
        return [msgspec.json.decode(raw, type=shape) for raw in self.get(path, Listed, limit=200, **parameters).data]

    def post(self, path: str, body: Mapping[str, Any], shape: type[T], headers: Mapping[str, str] | None = None) -> T:
        """Raises Problem, Gone."""
        return _read(self._ask("POST", path, json=body, headers=headers), shape)

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        self._ask("PUT", path, json=body)

    def send(self, path: str, content: str, content_type: str) -> None:
        """A file as it is. Raises Problem, Gone."""
        _read(self._ask("POST", path, content=content.encode(), headers={"content-type": content_type}), dict[str, Any])

    def _ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        return _ask(self._http, method, self._url + path, headers={**self._headers, **(headers or {})}, **more)


class Lab:
    """The lab's steering, no part of any carrier. `address` is the file in which it says where it listens."""

    def __init__(self, address: Path) -> None:
        self._http = _client()
        self._address = address

    def tell(self, path: str, **what: object) -> None:
        """Raises Problem, Gone."""
        _read(_ask(self._http, "POST", self._url(path), json=what), dict[str, Any])

    def awb_of(self, carrier: str, reference: str) -> str:
        """What the carrier's books hold under our reference, "" if nothing: an operator's look into its panel."""
        answer = _ask(self._http, "GET", self._url("/books"), params={"carrier": carrier, "reference": reference})
        lines = _read(answer, dict[str, list[dict[str, Any]]])["consignments"]
        return next((str(line["awb"]) for line in lines), "")

    def _url(self, path: str) -> str:
        try:
            return f"{self._address.read_text()}/_lab{path}"
        except FileNotFoundError as error:
            raise Gone("the lab is not there") from error


def _client() -> httpx.Client:
    """Patient while a part is being started again: connecting is tried for some seconds."""
    return httpx.Client(timeout=30, transport=httpx.HTTPTransport(retries=4))


def _ask(http: httpx.Client, method: str, url: str, **more: Any) -> httpx.Response:
    try:
        return http.request(method, url, **more)
    except httpx.TransportError as error:
        raise Gone(f"{url}: {type(error).__name__} {error}") from error


def _read(response: httpx.Response, shape: type[T]) -> T:
    if not response.is_success:
        raise Problem(response.status_code, _detail(response))
    return msgspec.json.decode(response.content, type=shape)


def _detail(response: httpx.Response) -> str:
    """The problem's own words, and those of its errors."""
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        return response.text[:200]
    errors = [f"{error.get('pointer', '')} {error.get('detail', '')}".strip() for error in problem.get("errors") or ()]
    return "; ".join([str(problem.get("detail") or problem.get("title") or problem.get("error") or ""), *errors])
