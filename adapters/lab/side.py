"""What a carrier's `lab.py` gives to the lab: its endpoints in its own wire format, and how it words what happens.

The engine (books, clock, faults, riders, pushes) is common; a `Side` is only translation. Every code a side
uses is one the carrier documents. A credential is good when it starts with "lab_" and is then the account's key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from adapters.contract.scans import Milestone, Reason


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the carrier's server sees it. `path` is without the `/{carrier}` prefix, `params` from the route's pattern."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    host: str  # "127.0.0.1:8090/delhivery": for links the side hands out


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a consignment, in our words; a side words it in its own codes. `visit` counts from 1."""

    at: dt.datetime
    milestone: Milestone
    reason: Reason | None = None
    place: str = ""
    visit: int = 0


class Consignment(msgspec.Struct, kw_only=True):
    """One line in the carrier's books. `details` is the accepted request body, as the side wants to remember it (JSON).

    `details["qc"]` true: the rider checks at the door. `phone` and the postal codes may be magic (README of the lab).
    """

    awb: str
    reference: str
    origin: str
    destination: str
    created_at: dt.datetime
    state: str  # scheduled, out, collected, delivered, cancelled, lost
    phone: str = ""
    details: dict[str, Any] = {}
    events: list[Event] = []
    visits: int = 0
    price_minor: int = 0


class Desk(Protocol):
    """What a side's handlers may do: one lab account of one carrier, in a transaction that commits before the reply leaves."""

    account: str
    now: dt.datetime

    def dice(self, *salt: str) -> float:
        """A number in [0, 1) that depends on the seed, the account and `salt` only."""

    def next_number(self, series: str) -> int:
        """1, 2, 3... per account and series, for AWBs and upload ids."""

    def open(self, consignment: Consignment) -> None:
        """Enter a booking and plan its first visit.

        If it brings no events, its first is PICKUP_SCHEDULED (pushed by `created` only).
        """

    def by_awb(self, awb: str) -> Consignment | None: ...

    def by_reference(self, reference: str) -> list[Consignment]: ...

    def cancel(self, awb: str, reason: Reason) -> None:
        """Strike it out of the books (the side has checked that the carrier would)."""

    def visit_again(self, awb: str, day: dt.date | None) -> None:
        """Plan another visit, on `day` or the next working day; reopens what was cancelled after a failed visit.

        Enters a PICKUP_SCHEDULED event, whose `visit` is the number of the visit to come.
        """

    def update(self, awb: str, **details: Any) -> None: ...

    def remember(self, key: str, value: Any) -> None:
        """Keep any JSON under `key` for this account (upload results). Keys with a leading "_" are the engine's.

        `remember("push", {"url": ..., "secret": ..., "headers": {...}})` registers where this account's pushes go (loopback only).
        """

    def recall(self, key: str) -> Any:
        """What was remembered under `key`, or None."""

    def recall_below(self, prefix: str) -> list[Any]:
        """All that was remembered under keys that begin like this, in the order of the keys."""

    def price_factor(self, origin: str, destination: str) -> float:
        """What `POST /_lab/world` says prices of this lane are multiplied by; 1.0 if nothing."""

    def serves(self, postal_code: str) -> bool:
        """False where `POST /_lab/world` or a magic postal code says that this carrier does not go."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """`pattern` like "/api/v1/track/{id}"; `operation` names it to faults; `commits`: it books; `open`: it needs no credentials.

    `action`: the SOAPAction that leads here, where one address serves several; its pattern has no parameters.
    """

    method: str
    pattern: str
    operation: str
    handle: Callable[[Call, Desk], Reply]
    commits: bool = False
    open: bool = False
    action: str = ""


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A push the engine delivers (and repeats as the carrier would)."""

    body: bytes
    headers: Mapping[str, str] = {}


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One carrier in the lab.

    `account_of(call)` names the lab account the credentials belong to, or None: wrong credentials; then `unauthorized` answers.
    `error(status)` is how this carrier words a server's fault: 5xx, 429 "too fast", 404 an unknown path, other 4xx a refusal,
    200 a refusal that comes with HTTP 200. Where a refusal's words depend on what was asked, `refusal(call, status)` gives them.
    `failures` are the reasons its riders report, with weights. Weight 0 is documented but never drawn: so MAX_VISITS_REACHED, if
    the carrier documents it; it then cancels after its last visit. `untold` are reasons its riders fail for and never report.
    `push` words an event as the carrier's push (None: it pushes nothing for it); `created` is the push, if any, at booking.
    `visits` is how many visits it makes by itself before it gives up; `cancels_on` are the reasons it cancels on at once instead
    of coming again. `number` is its digit in magic values (0: the first that is free).
    """

    carrier: str
    timezone: str
    routes: tuple[Route, ...]
    account_of: Callable[[Call], str | None]
    unauthorized: Callable[[Call], Reply]
    error: Callable[[int], Reply]
    failures: Mapping[Reason, float]
    untold: Mapping[Reason, float] = {}
    refusal: Callable[[Call, int], Reply] | None = None
    qc_failures: Mapping[Reason, float] = {}
    visits: int = 3
    cancels_on: frozenset[Reason] = frozenset()
    push: Callable[[Consignment, Event, str], Push | None] | None = None  # consignment, event, the push secret
    created: Callable[[Consignment, str], Push | None] | None = None
    number: int = 0
    success: float = 0.75  # mean chance that a visit collects, before zones and faults
    tat_days: int = 3


def lab_credential(text: str) -> str | None:
    """The account key of a credential the lab accepts, else None: for `Side.account_of`."""
    return text if text.startswith("lab_") else None
