"""A carrier described as data: what it can be asked, how each question is put and its answer read.

What a carrier cannot do is `None`. There is no base class and no second capability list: the capability
table, the contract suite and the lab all read the `Carrier` value.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import httpx
import msgspec

from adapters.contract.errors import CarrierError
from adapters.contract.orders import Direction, Order, Parcel
from adapters.contract.places import Lane, Party, Window
from adapters.contract.scans import Scan, Tracked
from adapters.contract.units import Length, Money, Weight

Q = TypeVar("Q")
A = TypeVar("A")

# What is known of a many-step operation so far; stored in the ledger after each step.
SoFar = Mapping[str, str]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How an account is reached: handed to every `build`, so that no builder looks at a clock or a store.

    `secrets` and `settings` hold the fields the carrier declares in `Carrier.fields`; `token` is the answer of
    `sign_in`, if it has one; `now` is the business time (UTC).
    """

    base_url: str
    secrets: Mapping[str, str]
    settings: Mapping[str, str]
    now: dt.datetime
    token: str = ""


# --- an operation: pure functions in steps -------------------------------------------------------


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """This step is done; `so_far` is stored, then the next step is asked.

    `price` is what the booking comes to as the carrier tells it now, given only while nothing is committed.
    """

    so_far: SoFar
    price: Money | None = None


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """The carrier took it and answers later: ask this step again at `at` (UTC).

    A parser knows no clock: it may give `after` instead, and `reading.read` makes `at` of it.
    """

    at: dt.datetime = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    after: dt.timedelta = dt.timedelta(0)
    so_far: SoFar = {}


class Step(msgspec.Struct, Generic[Q, A], frozen=True, kw_only=True):
    """One request and how its answer is read.

    `build(question, access, so_far)` gives the same bytes for the same input. `parse(response, question, so_far)`
    answers, goes on (`Next`), waits (`Later`) or raises a `CarrierError`. `commits` marks the step after which the
    carrier holds a booking: a lost answer there is an unknown outcome, elsewhere the step is just asked again. `when`
    says whether the step is needed at all for this question and account (None: always).
    """

    build: Callable[[Q, Access, SoFar], httpx.Request]
    parse: Callable[[httpx.Response, Q, SoFar], A | Next | Later]
    name: str = ""
    commits: bool = False
    when: Callable[[Q, Access], bool] | None = None


class Operation(msgspec.Struct, Generic[Q, A], frozen=True, kw_only=True):
    """One thing a carrier can be asked.

    `repeatable`: asking twice does no harm. `reads_server_errors`: `parse` understands HTTP 5xx (SOAP faults); otherwise
    the transport makes them `OutcomeUnknown`. `timeout` is how long the carrier may take, in seconds.
    """

    steps: tuple[Step[Q, A], ...]
    repeatable: bool = False
    reads_server_errors: bool = False
    timeout: float = 15.0


def one_step(
    build: Callable[[Q, Access, SoFar], httpx.Request],
    parse: Callable[[httpx.Response, Q, SoFar], A | Next | Later],
    *,
    commits: bool = False,
    repeatable: bool = False,
    timeout: float = 15.0,
) -> Operation[Q, A]:
    """The usual operation: one request, one answer."""
    return Operation(steps=(Step(build=build, parse=parse, commits=commits),), repeatable=repeatable, timeout=timeout)


# --- questions ------------------------------------------------------------------------------------


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One end of a lane: does the carrier collect (`collect`) or deliver there, for this direction?"""

    postal_code: str
    country: str
    direction: Direction
    collect: bool


class Enquiry(msgspec.Struct, frozen=True, kw_only=True):
    """What a price or a TAT depends on. `quality_checks` is how many questions the rider asks."""

    lane: Lane
    direction: Direction
    parcels: tuple[Parcel, ...]
    declared_value: Money
    quality_checks: int = 0
    ready_at: dt.datetime | None = None


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """A booking whose outcome is unknown: what could identify it at the carrier."""

    carrier_reference: str
    sent_at: dt.datetime
    handles: Mapping[str, str] = {}


class DayPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a carrier's own list: what was booked on `day` (UTC), after the place that the page before named."""

    day: dt.date
    after: str = ""


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as the carrier knows it: for label, cancel, act."""

    awb: str
    carrier_reference: str
    handles: Mapping[str, str] = {}


class AwbList(msgspec.Struct, frozen=True, kw_only=True):
    awbs: tuple[str, ...]


class Act(enum.StrEnum):
    """What can be done to a live booking."""

    REATTEMPT = "reattempt"
    RESCHEDULE = "reschedule"
    EDIT_CONTACT = "edit_contact"
    EDIT_ADDRESS = "edit_address"


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """An act on a live booking. `date` for a re-attempt or reschedule, `party` the customer as corrected."""

    booking: Booking
    date: dt.date | None = None
    party: Party | None = None
    instructions: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a booking stands at the carrier when an act is considered: its last scan and the visits made."""

    last: Scan | None
    visits: int


# --- answers --------------------------------------------------------------------------------------


class Token(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    expires_in: dt.timedelta


class Serviceability(msgspec.Struct, frozen=True, kw_only=True):
    """`cause` says why not, in the carrier's words; `holds_for` is how long the answer may be believed."""

    serviceable: bool
    cause: str = ""
    holds_for: dt.timedelta = dt.timedelta(hours=24)


class Tat(msgspec.Struct, frozen=True, kw_only=True):
    """Days to the destination: of the slowest service, and `by_service` where they differ. `source` names who foretells them."""

    days: int
    by_service: Mapping[str, int] = {}
    source: str = "the carrier's days"


class PriceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an itemised price: base, fuel, qc, tax..."""

    code: str
    amount: Money
    detail: str = ""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """One service's price. `due_if_not_collected` is the part owed even when nobody collects.

    `firm` says whether the carrier is bound by it; `rate` is the carrier's id of the quote, to book by.
    """

    service: str
    price: Money
    lines: tuple[PriceLine, ...] = ()
    tat_days: int | None = None
    firm: bool = False
    due_if_not_collected: Money | None = None
    rate: str = ""
    moved_by: str = ""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """`format` is pdf, png or zpl."""

    content: bytes
    format: str


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """The positive sign: an AWB. `handles` are the carrier's other ids, needed later; `pickup_token` its confirmation number."""

    awb: str
    handles: Mapping[str, str] = {}
    pickup_token: str = ""
    price: Money | None = None
    label: Document | None = None
    tracking_url: str = ""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One consignment in the carrier's own list; `carrier_reference` is ours, where it bears one."""

    awb: str
    carrier_reference: str = ""
    handles: Mapping[str, str] = {}
    cancelled: bool = False


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One page of it; `more` is the place the next one begins after, "" where this was the last."""

    lines: tuple[Listed, ...]
    more: str = ""


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """The carrier confirmed the cancel."""


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """The carrier confirmed the instruction; `receipt` is its number, if any."""

    receipt: str = ""


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """A push, read. `verified`: its signature or shared secret held; otherwise it is only a hint to poll."""

    verified: bool
    tracked: tuple[Tracked, ...]


# --- the carrier ----------------------------------------------------------------------------------


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A named product and what differs by product.

    `own_visits` is how many visits the carrier makes by itself, without being told. `quality_checks` is how many questions its
    rider can ask. `divisor` turns cubic centimetres into volumetric kilograms.
    """

    code: str
    name: str
    own_visits: int = 1
    quality_checks: int = 0
    heaviest: Weight | None = None
    longest_side: Length | None = None
    pieces: int = 1
    divisor: int = 5000
    moved_by: str = ""


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """At most `calls` in `seconds`, per account."""

    calls: int
    seconds: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What choosing and calling must know. `quotas` by operation name; `track_batch` AWBs in one call."""

    track_batch: int = 1
    quotas: Mapping[str, Quota] = {}
    reference_length: int = 40
    slowest_commit: dt.timedelta = dt.timedelta(seconds=30)


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a carrier account: a credential when `secret`, else a setting."""

    name: str
    help: str
    secret: bool = False
    required: bool = True


ReadCallback = Callable[[Mapping[str, str], bytes, Mapping[str, str]], Pushed]
ActFrom = Callable[[Act, Standing, dt.datetime], dt.datetime | None]
TrackAnswer = Mapping[str, Tracked | CarrierError]


class Carrier(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the gateway knows of a carrier.

    `offers_from` names the operations an offer is made of, asked at once; if `quote` is not among them the price comes from the
    merchant's rate card, and `quote` only audits the card in the background. `offers_also` are those asked besides where the
    account's setting of that name is "yes". `days_off` are days of the week (0 is Monday), besides a country's day of rest, on
    which it does not collect. `act_from(act, standing, now)` says from when on an act may be sent in this standing (UTC), or None:
    not now, not later. `dedupes_by` are the reference fields by which the carrier itself refuses a second booking. `void_window`:
    until when an unused booking can be cancelled. `file_hosts`: host suffixes that documents may be fetched from, always without
    credentials. `leaves_behind`: what stays at the carrier after a confirmed cancel, in words. `undo_by`: by which word of what is
    known so far a booking given up half-way can be cancelled, because something may be bought by then; "" where nothing is spent
    before the end.
    """

    code: str
    name: str
    countries: frozenset[str]
    currency: str
    timezone: str
    days_off: tuple[int, ...] = ()
    live_url: str
    test_url: str = ""
    fields: tuple[Field, ...]
    services: tuple[Service, ...]
    limits: Limits = Limits()
    offers_from: tuple[str, ...] = ("serviceability", "quote")
    offers_also: Mapping[str, str] = {}
    dedupes_by: tuple[str, ...] = ()
    file_hosts: tuple[str, ...] = ()
    void_window: dt.timedelta | None = None
    leaves_behind: str = ""
    undo_by: str = ""
    simulated_only: bool = False

    sign_in: Operation[None, Token] | None = None
    serviceability: Operation[Stop, Serviceability] | None = None
    tat: Operation[Enquiry, Tat] | None = None
    quote: Operation[Enquiry, tuple[Quote, ...]] | None = None
    windows: Operation[Stop, tuple[Window, ...]] | None = None
    validate: Operation[Order, None] | None = None
    book: Operation[Order, Booked]
    find: Operation[Sought, Booked | None] | None = None
    list_of_day: Operation[DayPage, Listing] | None = None
    label: Operation[Booking, Document] | None = None
    cancel: Operation[Booking, Cancelled] | None = None
    track: Operation[AwbList, TrackAnswer] | None = None
    reattempt: Operation[Instruction, Acted] | None = None
    reschedule: Operation[Instruction, Acted] | None = None
    edit_contact: Operation[Instruction, Acted] | None = None
    edit_address: Operation[Instruction, Acted] | None = None
    act_from: ActFrom | None = None
    read_callback: ReadCallback | None = None

    def operation(self, name: str) -> Operation[Any, Any] | None:
        """The operation of that name, or None where the carrier has none."""
        found: Operation[Any, Any] | None = getattr(self, name)
        return found

    def service(self, code: str) -> Service:
        """Raises KeyError for a code the carrier does not have."""
        return next((s for s in self.services if s.code == code), None) or _no_service(self.code, code)


# The uniform names of what a carrier can be asked, in the order of a parcel's life.
OPERATIONS = (
    "sign_in", "serviceability", "tat", "quote", "windows", "validate", "book", "find", "list_of_day", "label",
    "cancel", "track", "reattempt", "reschedule", "edit_contact", "edit_address",
)  # fmt: skip


def _no_service(carrier: str, code: str) -> Service:
    raise KeyError(f"{carrier} has no service {code!r}")
