"""The ledger's rows: a pickup with its bookings, visits, instructions, exceptions, labels and events."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from adapters.contract.carrier import Act
from adapters.contract.orders import Item, Parcel, QualityCheck
from adapters.contract.places import Party, Window
from adapters.contract.scans import Fault, Milestone, Reason
from adapters.contract.units import Money
from gateway.life.booking import OPEN, BookingState
from gateway.life.pickup import Intent, PickupState
from gateway.store import tables
from gateway.store.rows import Rows
from gateway.values import Mode
from rates.recovery import Step
from rates.rules import Action


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the merchant asked for, without the people: the body of the pickup row."""

    parcels: tuple[Parcel, ...]
    items: tuple[Item, ...]
    window: Window | None = None
    quality_checks: tuple[QualityCheck, ...] = ()
    order_number: str = ""
    delivered_at: dt.datetime | None = None
    channel: str = ""
    instructions: str = ""
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    pin: str = ""
    max_price: Money | None = None
    metadata: dict[str, str] = {}
    extra: dict[str, dict[str, Any]] = {}

    def window_ahead(self, now: dt.datetime) -> Window | None:
        """The wished window, unless it is over."""
        return self.window if self.window and self.window.closes > now else None


class NextAction(msgspec.Struct, frozen=True, kw_only=True):
    """What automation will do, when (business time), and why: one sentence."""

    what: str
    why: str
    at: dt.datetime | None = None


class Pickup(msgspec.Struct, frozen=True, kw_only=True):
    """`wake_at` (business) and `wake_wall` are when the driver must look again; `lease_*` keep it to one driver at a time."""

    id: str
    merchant_id: str
    mode: Mode
    reference: str
    state: PickupState
    body: Wanted
    lane: str
    business_created_at: dt.datetime
    created_at: dt.datetime
    updated_at: dt.datetime
    order_number: str = ""
    kind: str = "reverse"
    intent: Intent = Intent.COLLECT
    handed_over: bool = False
    ended: bool = False
    parent: str | None = None
    decision_id: str | None = None
    next_action: NextAction | None = None
    tries: int = 0
    retry_at: dt.datetime | None = None
    wake_at: dt.datetime | None = None
    wake_wall: dt.datetime | None = None
    lease_until: dt.datetime | None = None
    lease_owner: str | None = None
    sequence: int = 0
    version: int = 0
    erased_at: dt.datetime | None = None


class People(msgspec.Struct, frozen=True, kw_only=True):
    shipper: Party
    consignee: Party


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier's no, with its own code and text."""

    kind: str
    raw_code: str = ""
    raw_message: str = ""
    field: str = ""
    exchange: str = ""


class PriceAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What the carrier itself asks, and how much dearer that is than the rate card said (percent)."""

    carrier_price: Money
    gap_percent: float


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One carrier asked once. A many-step booking resumes at `step` with `so_far`; `retry_at` and `sent_at` are wall time.

    `overlap`: its carrier may hold it although the next one was booked; it is cancelled until that is confirmed.
    """

    id: str
    merchant_id: str
    mode: Mode
    pickup_id: str
    account_id: str
    carrier: str
    service: str
    moved_by: str
    carrier_reference: str
    state: BookingState
    created_at: dt.datetime
    updated_at: dt.datetime
    decision_id: str | None = None
    overlap: bool = False
    avoid: bool = False
    due_if_not_collected: Money | None = None
    step: int = 0
    so_far: dict[str, str] = {}
    handles: dict[str, str] = {}
    awb: str | None = None
    pickup_token: str = ""
    tracking_url: str = ""
    price: Money | None = None
    quoted_price: Money | None = None
    audit: PriceAudit | None = None
    window: Window | None = None
    retry_at: dt.datetime | None = None
    tries: int = 0
    lookups: int = 0
    refusal: Refusal | None = None
    sent_at: dt.datetime | None = None
    promised_at: dt.datetime | None = None
    poll_at: dt.datetime | None = None
    quiet_polls: int = 0
    booked_at: dt.datetime | None = None
    cancelled_at: dt.datetime | None = None
    cancel_wait_until: dt.datetime | None = None
    quote_expires_at: dt.datetime | None = None

    @property
    def in_force(self) -> bool:
        """Open, and not left behind in an overlap: at most one of a pickup is."""
        return self.state in OPEN and not self.overlap


class StoredScan(msgspec.Struct, frozen=True, kw_only=True):
    booking_id: str
    digest: bytes
    code: str
    at: dt.datetime
    milestone: Milestone
    source: str
    received_at: dt.datetime
    text: str = ""
    place: str = ""
    reason: Reason | None = None


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One time the rider came or should have. `outcome`: out, collected or failed; `scored`: what the estimates took from it."""

    id: str
    merchant_id: str
    mode: Mode
    pickup_id: str
    booking_id: str
    number: int
    day: dt.date
    outcome: str
    reason: Reason | None = None
    fault: Fault | None = None
    disputed: bool = False
    confirmed: bool = False
    ended_at: dt.datetime | None = None
    scored: dict[str, Any] | None = None

    @property
    def tells_of_the_customer(self) -> bool:
        """Whether it makes a later visit less likely to collect: a rider who never came has sorted out no easy customers."""
        if self.outcome == "out" or self.disputed:
            return False
        return self.reason is None or self.reason.fault not in (Fault.CARRIER, Fault.NOBODY)


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """An act sent to the carrier of a live booking. `state`: planned, sending, confirmed, refused, dropped."""

    id: str
    merchant_id: str
    mode: Mode
    pickup_id: str
    booking_id: str
    act: Act
    state: str
    send_at: dt.datetime
    created_at: dt.datetime
    day: dt.date | None = None
    note: str = ""
    tries: int = 0
    step: int = 0
    so_far: dict[str, str] = {}
    answer: str = ""


class PickupException(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: new, waiting_customer, waiting_carrier, scheduled_retry, needs_decision, resolved. `step` None: not decided yet.

    `answer` is what the customer or merchant said, `answer_by` (business time) how long it is waited for. An orphan, an AWB that
    no booking has, has `account_id` and `awb` in place of a booking, and as a rule no pickup.
    """

    id: str
    merchant_id: str
    mode: Mode
    pickup_id: str | None
    reason: str
    fault: Fault
    state: str
    opened_at: dt.datetime
    booking_id: str | None = None
    visit_id: str | None = None
    account_id: str | None = None
    awb: str | None = None
    action: Action | None = None
    step: Step | None = None
    answer: str = ""
    answer_day: dt.date | None = None
    answer_by: dt.datetime | None = None
    detail: str = ""
    raw_code: str = ""
    exchange_id: str = ""
    assignee: str = ""
    note: str = ""
    resolution: str = ""
    version: int = 0
    resolved_at: dt.datetime | None = None


class StoredDecision(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    merchant_id: str
    mode: Mode
    pickup_id: str
    body: Any
    created_at: dt.datetime


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """`pickup_id` None and `sequence` 0: it is about a carrier account."""

    id: str
    merchant_id: str
    mode: Mode
    pickup_id: str | None
    sequence: int
    type: str
    data: dict[str, Any]
    at: dt.datetime
    created_at: dt.datetime


class StoredLabel(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a booking's label. `source`: carrier or ours (a packing slip); `slip`: what ours says."""

    id: str
    merchant_id: str
    mode: Mode
    pickup_id: str
    booking_id: str
    format: str
    source: str
    digest: bytes
    content: bytes
    created_at: dt.datetime
    slip: Any = None


PICKUPS = Rows(tables.pickups, Pickup)
BOOKINGS = Rows(tables.bookings, Booking)
VISITS = Rows(tables.visits, Visit)
INSTRUCTIONS = Rows(tables.instructions, Instruction)
EXCEPTIONS = Rows(tables.exceptions, PickupException)
DECISIONS = Rows(tables.decisions, StoredDecision)
EVENTS = Rows(tables.events, Event)
LABELS = Rows(tables.labels, StoredLabel)
