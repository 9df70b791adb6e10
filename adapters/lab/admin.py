"""`/_lab/...`: how the lab is steered and its books are read. JSON in and out; a 400 names the field it objects to.

Not part of any carrier: no credentials, and meant for loopback only.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import parse_qsl

import msgspec

from adapters.contract.scans import Reason
from adapters.lab import hooks, worlds
from adapters.lab.faults import AccountKey, AnyAccount, Count, Kind, Rule, RuleOrder, Share
from adapters.lab.side import Consignment, Event, Reply, Side

if TYPE_CHECKING:
    from adapters.lab.engine import Lab

PREFIX = "_lab"

_FURTHEST = 100 * 365 * 86400.0

T = TypeVar("T")
Query = Mapping[str, str]


class Objection(Exception):
    """The admin call cannot be carried out; `field` is the part of it that is wrong."""

    def __init__(self, message: str, field: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.reply = _json({"error": message, "field": field} if field else {"error": message}, status)


class _Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    carrier: str
    account: AccountKey


class Clock(_Asked, frozen=True, kw_only=True):
    """Either `offset_seconds`, counted from the wall, or `now`."""

    offset_seconds: float | None = None
    now: dt.datetime | None = None


class Pushes(_Asked, frozen=True, kw_only=True):
    url: str
    secret: str = ""
    headers: dict[str, str] = {}


class Phoned(_Asked, frozen=True, kw_only=True):
    awb: str


class WorldOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    carrier: str
    account: AnyAccount = ""
    zone: Annotated[str, msgspec.Meta(pattern=r"^(\w{3}(-\w{3})?)?$")] = ""
    success: Share | None = None
    price: Annotated[float, msgspec.Meta(gt=0)] | None = None
    serviceable: bool | None = None


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    carrier: str
    operation: str = ""
    ms: Count


class Seed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    seed: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One consignment for the auditor: no names, phones or addresses."""

    carrier: str
    account: str
    awb: str
    reference: str
    state: str
    visits: int
    origin: str
    destination: str
    price_minor: int
    created_at: dt.datetime
    events: list[Event]


def reply(lab: Lab, method: str, path: str, query: str, body: bytes) -> Reply:
    handle = _HANDLERS.get((method, path))
    if handle is None:
        return _json({"error": f"the lab has no {method} /{PREFIX}/{path}"}, 404)
    try:
        return _json(handle(lab, dict(parse_qsl(query)), body))
    except Objection as objection:
        return objection.reply


def no_such_carrier(lab: Lab, code: str) -> Reply:
    return _json({"error": f"the lab has no carrier {code!r}", "carriers": list(lab.sides)}, 404)


# --- clocks ---------------------------------------------------------------------------------------


def _clocks(lab: Lab, query: Query, body: bytes) -> object:
    """Of the accounts that have booked or been set; of any other, if it is named."""
    known = [(c, a) for c, a in lab.books.accounts() if _wanted(query, c, a)]
    named = [(query["carrier"], query["account"])] if {"carrier", "account"} <= query.keys() else []
    return {"clocks": [_clock(lab, c, a) for c, a in named or known]}


def _set_clock(lab: Lab, query: Query, body: bytes) -> object:
    asked = _read(body, Clock)
    _carrier(lab, asked.carrier)
    if not lab.move_clock(asked.carrier, asked.account, _ahead(lab, asked)):
        raise Objection("a clock is never set back", "now" if asked.now else "offset_seconds", 409)
    return _clock(lab, asked.carrier, asked.account)


def _ahead(lab: Lab, asked: Clock) -> float:
    if (asked.offset_seconds is None) == (asked.now is None):
        raise Objection("give either offset_seconds or now", "offset_seconds")
    field = "offset_seconds" if asked.now is None else "now"
    ahead = asked.offset_seconds if asked.now is None else (_aware(asked.now, "now") - lab.wall()).total_seconds()
    if ahead is None or not ahead <= _FURTHEST:
        raise Objection("further than a hundred years", field)
    return ahead


def _clock(lab: Lab, carrier: str, account: str) -> object:
    ahead = lab.books.ahead(carrier, account)
    return {"carrier": carrier, "account": account, "offset_seconds": ahead, "now": lab.now(carrier, account)}


# --- faults and the world -------------------------------------------------------------------------


def _faults(lab: Lab, query: Query, body: bytes) -> object:
    return {"faults": [_rule(rule) for rule in lab.books.rules() if query.get("carrier", "") in ("", rule.order.carrier)]}


def _add_fault(lab: Lab, query: Query, body: bytes) -> object:
    order = _read(body, RuleOrder)
    _check_fault(lab, order)
    with lab.books.transaction():
        return _rule(lab.books.add_rule(order))


def _check_fault(lab: Lab, order: RuleOrder) -> None:
    side = _carrier(lab, order.carrier)
    if order.operation and order.operation not in {route.operation for route in side.routes}:
        raise Objection(f"{order.carrier} has no operation {order.operation!r} in the lab", "operation")
    documented = side.qc_failures if order.kind is Kind.QC_FAILS else side.failures
    if order.reason is not None and order.reason not in documented:
        raise Objection(f"{order.carrier} documents no {order.reason}", "reason")
    for name in ("start", "until"):
        if getattr(order, name) is not None:
            _aware(getattr(order, name), {"start": "from"}.get(name, name))


def _drop_faults(lab: Lab, query: Query, body: bytes) -> object:
    number = query.get("id")
    if number is not None and not number.isdecimal():
        raise Objection("id is a number", "id")
    with lab.books.transaction():
        return {"deleted": lab.books.drop_rules(query.get("carrier", ""), int(number) if number else None)}


def _rule(rule: Rule) -> object:
    order = {name: value for name, value in msgspec.to_builtins(rule.order).items() if value is not None}
    return {"id": rule.id, "seen": rule.seen, "fired": rule.fired} | order


def _set_world(lab: Lab, query: Query, body: bytes) -> object:
    asked = _read(body, WorldOrder)
    _carrier(lab, asked.carrier)
    change = worlds.World(success=asked.success, price=asked.price, serviceable=asked.serviceable)
    with lab.books.transaction():
        after = worlds.set_world(lab.books, asked.carrier, asked.account, asked.zone, change)
    return {"carrier": asked.carrier, "account": asked.account, "zone": asked.zone} | msgspec.to_builtins(after)


def _phone(lab: Lab, query: Query, body: bytes) -> object:
    """Somebody phones the carrier and calls a collection off: nothing on the wire says so but the scans."""
    asked = _read(body, Phoned)
    side = _carrier(lab, asked.carrier)
    known = lab.books.entry(asked.carrier, asked.account, asked.awb)
    if known is None or known.consignment.state not in ("scheduled", "out"):
        raise Objection("no rider is to come for it", "awb", 409)
    with lab.books.transaction():
        lab.life(side, asked.account).strike_out(asked.awb, Reason.CANCELLED_BY_MERCHANT)
    return {"carrier": asked.carrier, "account": asked.account, "awb": asked.awb}


# --- pushes ---------------------------------------------------------------------------------------


def _pushes(lab: Lab, query: Query, body: bytes) -> object:
    registered = [(c, a, kept["url"]) for c, a, kept in lab.books.all_kept(hooks.KEY) if _wanted(query, c, a)]
    return {"pushes": [{"carrier": c, "account": a, "url": url, "pending": lab.books.pending(c, a)} for c, a, url in registered]}


def _set_pushes(lab: Lab, query: Query, body: bytes) -> object:
    asked = _read(body, Pushes)
    _carrier(lab, asked.carrier)
    if not hooks.loopback(asked.url):
        raise Objection("the lab pushes to loopback addresses only", "url")
    with lab.books.transaction():
        hook = hooks.Hook(url=asked.url, secret=asked.secret, headers=asked.headers)
        lab.books.keep(asked.carrier, asked.account, hooks.KEY, hook)
    return {"carrier": asked.carrier, "account": asked.account, "url": asked.url}


# --- books, calls, seed, latency, health ----------------------------------------------------------


def _books(lab: Lab, query: Query, body: bytes) -> object:
    found = lab.books.consignments(query.get("carrier", ""), query.get("account", ""), query.get("reference", ""))
    return {"consignments": [_line(carrier, account, consignment) for carrier, account, consignment in found]}


def _line(carrier: str, account: str, c: Consignment) -> Line:
    return Line(
        carrier=carrier,
        account=account,
        awb=c.awb,
        reference=c.reference,
        state=c.state,
        visits=c.visits,
        origin=c.origin,
        destination=c.destination,
        price_minor=c.price_minor,
        created_at=c.created_at,
        events=c.events,
    )


def _calls(lab: Lab, query: Query, body: bytes) -> object:
    rows = [(c, a, op, n) for (c, a, op), n in sorted(lab.calls.items()) if _wanted(query, c, a)]
    calls = [{"carrier": c, "account": a, "operation": op, "count": n} for c, a, op, n in rows]
    return {"calls": calls, "total": sum(n for *_, n in rows)}


def _forget_calls(lab: Lab, query: Query, body: bytes) -> object:
    forgotten = lab.calls.total()
    lab.calls.clear()
    return {"deleted": forgotten}


def _seed(lab: Lab, query: Query, body: bytes) -> object:
    return {"seed": lab.seed}


def _set_seed(lab: Lab, query: Query, body: bytes) -> object:
    lab.set_seed(_read(body, Seed).seed)
    return {"seed": lab.seed}


def _latencies(lab: Lab, query: Query, body: bytes) -> object:
    return {"latency": [{"carrier": c, "operation": op, "ms": ms} for (c, op), ms in sorted(lab.latency.items())]}


def _set_latency(lab: Lab, query: Query, body: bytes) -> object:
    asked = _read(body, Latency)
    _carrier(lab, asked.carrier)
    lab.set_latency(asked.carrier, asked.operation, asked.ms)
    return {"carrier": asked.carrier, "operation": asked.operation, "ms": asked.ms}


def _health(lab: Lab, query: Query, body: bytes) -> object:
    return {"status": "ok", "carriers": lab.numbers, "seed": lab.seed}


# --- reading and writing --------------------------------------------------------------------------


def _read(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise Objection(str(error), _field(str(error))) from error
    except msgspec.DecodeError as error:
        raise Objection(f"not JSON: {error}") from error


def _field(message: str) -> str:
    """msgspec names a missing or unknown field in backquotes, the place of a wrong one as `$.name`."""
    found = re.search(r"field `(\w+)`|`\$\.(\w+)", message)
    return (found[1] or found[2]) if found else ""


def _carrier(lab: Lab, code: str) -> Side:
    if code not in lab.sides:
        raise Objection(f"the lab has no carrier {code!r}", "carrier")
    return lab.sides[code]


def _aware(at: dt.datetime, field: str) -> dt.datetime:
    if at.tzinfo is None:
        raise Objection("a time without a zone", field)
    return at


def _wanted(query: Query, carrier: str, account: str) -> bool:
    return query.get("carrier", carrier) == carrier and query.get("account", account) == account


def _json(value: object, status: int = 200) -> Reply:
    return Reply(status=status, body=msgspec.json.encode(value))


_HANDLERS: Mapping[tuple[str, str], Callable[[Lab, Query, bytes], object]] = {
    ("GET", "health"): _health,
    ("GET", "clock"): _clocks,
    ("POST", "clock"): _set_clock,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _drop_faults,
    ("POST", "world"): _set_world,
    ("POST", "phone"): _phone,
    ("GET", "pushes"): _pushes,
    ("POST", "pushes"): _set_pushes,
    ("GET", "books"): _books,
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): _forget_calls,
    ("GET", "seed"): _seed,
    ("POST", "seed"): _set_seed,
    ("GET", "latency"): _latencies,
    ("POST", "latency"): _set_latency,
}
