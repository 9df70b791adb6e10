"""What the API answers about pickups: shapes, and the small functions that make them of what the floors below know.

Nothing here names a person or a street: who holds a key for reading pickups need not see them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from adapters.contract.places import Window
from adapters.contract.scans import Milestone, Reason
from adapters.contract.units import Money
from gateway.life.booking import BookingState
from gateway.life.pickup import PickupState
from gateway.store import ledger
from gateway.store.rows import Page
from gateway.values import Mode
from gateway.web.addresses import Amount
from rates.decisions import Candidate, Row
from rates.decisions import Decision as Choice
from rates.filters import Barred, Cause
from rates.losing import why_lost
from rates.rules import Action


class View(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, or a part of one."""


V = TypeVar("V", bound=msgspec.Struct)


def pick(shape: type[V], source: object, **more: Any) -> V:
    """The fields of `shape`: those given, and the others from a value that has them (and may have more)."""
    rest = (name for name in shape.__struct_fields__ if name not in more)
    return shape(**more, **{name: getattr(source, name) for name in rest})


class PageInfo(View, frozen=True, kw_only=True):
    """`next` goes to the `after` of the following page, `prev` to the `before` of the one before; null at the ends."""

    next: str | None
    prev: str | None
    has_more: bool


def page_info(page: Page[Any]) -> PageInfo:
    return PageInfo(next=page.next or None, prev=page.prev or None, has_more=bool(page.next))


def whole(rows: Sequence[Any]) -> PageInfo:
    """A list that is always given whole."""
    return PageInfo(next=None, prev=None, has_more=False)


def amount(money: Money) -> Amount:
    return Amount(**money.told())


def maybe_amount(money: Money | None) -> Amount | None:
    return amount(money) if money else None


class WindowView(View, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """A local day and times of day, in this zone."""

    date: dt.date
    start: str
    end: str
    timezone: str


def window(given: Window | None) -> WindowView | None:
    if given is None:
        return None
    return WindowView(date=given.date, start=f"{given.start:%H:%M}", end=f"{given.end:%H:%M}", timezone=given.timezone)


class LaneView(View, frozen=True, kw_only=True, rename={"origin": "from", "destination": "to"}):
    """From the customer's postal code to the warehouse's."""

    origin: str
    destination: str


# --- the choice ------------------------------------------------------------------------------------


class Chance(View, frozen=True, kw_only=True):
    """The chance that this visit collects, the 95 % range of a first visit's, and the visits it rests on, here and elsewhere."""

    p: float
    low: float
    high: float
    visits: float
    elsewhere: float
    prior: str


class ExchangeRate(View, frozen=True, kw_only=True):
    """One `source_currency` was worth `value` of `target_currency` on that day, by the table of that name."""

    source_currency: str
    target_currency: str
    value: str
    on: dt.date
    source: str


class Offer(View, frozen=True, kw_only=True):
    """A carrier's service that may be chosen. `rank` 1 is asked first.

    `price` is as quoted (tax, fuel and quality checks in it); `converted_price` and `expected_cost`, what one collected return
    costs all in, are in your currency, `exchange_rate` is what was converted at, if anything was. `why_not` says what the choice
    had against it; empty for the chosen one.
    """

    rank: int
    account: str
    carrier: str
    service: str
    name: str
    moved_by: str
    price: Amount
    converted_price: Amount
    exchange_rate: ExchangeRate | None
    due_if_not_collected: Amount
    expected_cost: Amount
    chance: Chance
    reliable: bool
    tat_days: int | None
    days_to_success: float
    days_to_failure: float
    firm: bool
    expires_at: dt.datetime | None
    price_from: str
    tat_from: str
    why_not: str = ""


class LeftOut(View, frozen=True, kw_only=True):
    """A carrier's service that is no offer, and why."""

    account: str
    carrier: str
    service: str
    cause: Cause
    detail: str


class Decision(View, frozen=True, kw_only=True):
    """Which carrier was chosen and why, in one sentence. With all offers and what was left out where that was asked for.

    `why` is chosen, too_dear (a person is cheaper) or no_candidate. `propensity` is the chance this choice had, below 1 only with
    your shuffle; `explored` means the shuffle drew it. `follows` is the decision before this one.
    """

    id: str
    at: dt.datetime
    why: str
    sentence: str
    chosen: Offer | None
    runner_up: Offer | None
    next_in_line: Offer | None
    rule: str
    offers: list[Offer] | UnsetType = UNSET
    left_out: list[LeftOut] | UnsetType = UNSET
    override: str | None = None
    propensity: float = 1.0
    explored: bool = False
    floor_dropped: bool = False
    policy_version: int = 0
    follows: str = ""


class Quotes(View, frozen=True, kw_only=True):
    """All that could be had for this lane, in the order it would be asked; nothing is booked."""

    at: dt.datetime
    why: str
    sentence: str
    offers: list[Offer]
    left_out: list[LeftOut]


def offer(choice: Choice, row: Row) -> Offer:
    one: Candidate = choice.of(row)
    return Offer(
        rank=choice.rows.index(row) + 1,
        account=one.account,
        carrier=one.carrier,
        service=one.service,
        name=one.name,
        moved_by=one.moved_by or one.carrier,
        price=amount(one.price),
        converted_price=amount(Money(one.price_minor, choice.policy.currency)),
        exchange_rate=pick(ExchangeRate, one.rate, value=str(one.rate.value)) if one.rate else None,
        due_if_not_collected=amount(one.due_if_not_collected),
        expected_cost=amount(Money(round(row.index), choice.policy.currency)),
        chance=_chance(one, row),
        reliable=row.reliable,
        tat_days=one.tat_days,
        days_to_success=round(one.days_to_success, 2),
        days_to_failure=round(one.days_to_failure, 2),
        firm=one.firm,
        expires_at=one.expires_at,
        price_from=one.sources.get("price", ""),
        tat_from=one.sources.get("tat", ""),
        why_not=why_lost(choice, row),
    )


def _chance(one: Candidate, row: Row) -> Chance:
    seen = one.estimate
    return Chance(
        p=round(row.p, 4),
        low=round(seen.low, 4),
        high=round(seen.high, 4),
        visits=round(seen.visits, 1),
        elsewhere=round(seen.elsewhere, 1),
        prior=seen.prior,
    )


def offers(choice: Choice) -> list[Offer]:
    return [offer(choice, row) for row in choice.rows]


def left_out(barred: Iterable[Barred]) -> list[LeftOut]:
    return [pick(LeftOut, one) for one in barred]


def quotes(choice: Choice) -> Quotes:
    return Quotes(at=choice.at, why=choice.why, sentence=choice.sentence, offers=offers(choice), left_out=left_out(choice.barred))


def decision(stored: ledger.StoredDecision, *, full: bool) -> Decision:
    choice = msgspec.convert(stored.body, Choice)
    return Decision(
        id=stored.id,
        at=choice.at,
        why=choice.why,
        sentence=choice.sentence,
        chosen=offer(choice, choice.chosen) if choice.chosen else None,
        runner_up=offer(choice, choice.runner_up) if choice.runner_up else None,
        next_in_line=offer(choice, choice.next_in_line) if choice.next_in_line else None,
        rule=choice.rule,
        offers=offers(choice) if full else UNSET,
        left_out=left_out(choice.barred) if full else UNSET,
        override=choice.override,
        propensity=choice.propensity,
        explored=choice.explored,
        floor_dropped=choice.floor_dropped,
        policy_version=choice.policy.version,
        follows=choice.situation.follows,
    )


# --- bookings, visits, events, labels --------------------------------------------------------------


class ScanView(View, frozen=True, kw_only=True):
    """One line of the carrier's tracking, with its own code and what it means."""

    at: dt.datetime
    code: str
    milestone: Milestone
    reason: Reason | None
    text: str
    place: str
    source: str


class RefusalView(View, frozen=True, kw_only=True):
    """A carrier's no, or its silence, in its own code and words."""

    kind: str
    raw_code: str
    raw_message: str
    field: str
    exchange: str


class Booking(View, frozen=True, kw_only=True):
    """One carrier asked once to collect it."""

    id: str
    carrier: str
    service: str
    account: str
    moved_by: str
    state: BookingState
    carrier_reference: str
    awb: str | None
    pickup_token: str
    tracking_url: str
    price: Amount | None
    quoted_price: Amount | None
    window: WindowView | None
    overlap: bool
    refusal: RefusalView | None
    booked_at: dt.datetime | None
    promised_at: dt.datetime | None
    created_at: dt.datetime
    scans: list[ScanView] | UnsetType = UNSET


def booking(row: ledger.Booking, scans: Sequence[ledger.StoredScan] | None = None) -> Booking:
    return pick(
        Booking,
        row,
        account=row.account_id,
        price=maybe_amount(row.price),
        quoted_price=maybe_amount(row.quoted_price),
        window=window(row.window),
        refusal=pick(RefusalView, row.refusal) if row.refusal else None,
        scans=UNSET if scans is None else [pick(ScanView, scan) for scan in scans],
    )


class Visit(View, frozen=True, kw_only=True):
    """One time the rider came, or should have. `outcome` is out, collected or failed; `fault` whose doing a failure was."""

    id: str
    booking: str
    number: int
    day: dt.date
    outcome: str
    reason: Reason | None
    fault: str | None
    disputed: bool
    confirmed: bool
    ended_at: dt.datetime | None


def visit(row: ledger.Visit) -> Visit:
    return pick(Visit, row, booking=row.booking_id)


class Event(View, frozen=True, kw_only=True):
    """Something that happened to a pickup; `sequence` counts within it, without a gap. `at` is business time.

    One about a carrier account has no `pickup`, and `sequence` 0.
    """

    id: str
    type: str
    sequence: int
    pickup: str | None
    at: dt.datetime
    created_at: dt.datetime
    data: dict[str, Any]


def event(row: ledger.Event) -> Event:
    return pick(Event, row, pickup=row.pickup_id)


class Label(View, frozen=True, kw_only=True):
    """The newest label. `source` is carrier, or ours: a packing slip. `content` (base 64) where it was asked for."""

    id: str
    url: str
    format: str
    source: str
    booking: str
    created_at: dt.datetime
    content: bytes | UnsetType = UNSET


class BookingList(View, frozen=True, kw_only=True):
    data: list[Booking]
    page: PageInfo


class VisitList(View, frozen=True, kw_only=True):
    data: list[Visit]
    page: PageInfo


class EventList(View, frozen=True, kw_only=True):
    data: list[Event]
    page: PageInfo


# --- pickups ---------------------------------------------------------------------------------------


class NextAction(View, frozen=True, kw_only=True):
    """What automation does next, when (business time), and why."""

    what: str
    at: dt.datetime | None
    why: str


class Pickup(View, frozen=True, kw_only=True):
    """A reverse pickup. `bookings` are the carriers asked, oldest first; at most one is live unless an overlap is recorded.

    `instructions` is what the customer at the door should know. `visits`, `events` and more of `decision`, `bookings` and `label`
    come with `expand`.
    """

    id: str
    mode: Mode
    state: PickupState
    reference: str
    lane: LaneView
    window: WindowView | None
    decision: Decision | None
    bookings: list[Booking]
    next_action: NextAction | None
    instructions: list[str]
    label: Label | None
    tracking_url: str
    parent: str | None
    metadata: dict[str, str]
    created_at: dt.datetime
    updated_at: dt.datetime
    visits: list[Visit] | UnsetType = UNSET
    events: list[Event] | UnsetType = UNSET


class PickupList(View, frozen=True, kw_only=True):
    data: list[Pickup]
    page: PageInfo


def lane(text: str) -> LaneView:
    origin, _, destination = text.partition("-")
    return LaneView(origin=origin, destination=destination)


def next_action(row: ledger.Pickup) -> NextAction | None:
    found = row.next_action
    if found:
        return NextAction(what=found.what, at=found.at, why=found.why)
    if row.state is PickupState.REQUESTED:
        return NextAction(
            what="choose_carrier", at=None, why="The carriers are asked for their prices, then one is chosen and booked."
        )
    return None


# --- serviceability, validation --------------------------------------------------------------------


class Reachable(View, frozen=True, kw_only=True):
    """One account's word on the lane; `serviceable` null: it could not say."""

    account: str
    carrier: str
    serviceable: bool | None
    cause: str
    tat_days: int | None


class Serviceability(View, frozen=True, kw_only=True):
    lane: LaneView
    direction: str
    data: list[Reachable]


class Objection(View, frozen=True, kw_only=True):
    """A field that this carrier's service would refuse, before or instead of booking it."""

    account: str
    carrier: str
    service: str
    pointer: str
    kind: str
    detail: str


class Validation(View, frozen=True, kw_only=True):
    """What would happen to this pickup: `bookable` when somebody would be chosen who objects to nothing. Nothing was booked."""

    bookable: bool
    sentence: str
    offers: list[Offer]
    left_out: list[LeftOut]
    objections: list[Objection]


# --- exceptions ------------------------------------------------------------------------------------


class Plan(View, frozen=True, kw_only=True):
    """What was decided about an exception, and why."""

    what: str
    why: str
    date: dt.date | None


class ExceptionView(View, frozen=True, kw_only=True):
    """A pickup that does not go on by itself as promised.

    `state` is new, waiting_customer, waiting_carrier, scheduled_retry, needs_decision or resolved. `raw_code` and `detail` are the
    carrier's own; `exchange` is the call it came from. `version` counts changes: send it with an action. An `orphan` may have no
    pickup: its carrier speaks of an `awb` that no booking has. `not_at_carrier` is the other way round; a
    `stalled` parcel was collected, and nothing was heard of it for a week.
    """

    id: str
    pickup: str | None
    reference: str
    booking: str | None
    carrier: str | None
    awb: str | None
    visit: str | None
    reason: str
    fault: str
    state: str
    action: Action | None
    plan: Plan | None
    answer: str
    answer_by: dt.datetime | None
    detail: str
    raw_code: str
    exchange: str
    assignee: str
    note: str
    resolution: str
    version: int
    opened_at: dt.datetime
    resolved_at: dt.datetime | None


class ExceptionList(View, frozen=True, kw_only=True):
    data: list[ExceptionView]
    page: PageInfo


def exception(row: ledger.PickupException, reference: str, asked: ledger.Booking | None, carrier: str | None) -> ExceptionView:
    """`carrier` is that of an orphan's account."""
    return pick(
        ExceptionView,
        row,
        pickup=row.pickup_id,
        reference=reference,
        booking=row.booking_id,
        carrier=asked.carrier if asked else carrier,
        awb=asked.awb if asked else row.awb,
        visit=row.visit_id,
        plan=pick(Plan, row.step) if row.step else None,
        exchange=row.exchange_id,
    )
