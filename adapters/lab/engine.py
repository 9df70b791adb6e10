"""The lab in one process: calls in, outcomes out, all of it synchronous, in one SQLite transaction per call.

Sockets are somebody else's: `server` puts an `Outcome` on one, `transport` makes httpx errors of it. A call's delay is
data, so nothing here waits. Time passes for an account when it is called, when its clock is set, and by `let_time_pass`.
"""

from __future__ import annotations

import collections
import datetime as dt
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from adapters.lab import admin, faults
from adapters.lab.books import Books, Plan, Sending
from adapters.lab.desk import LabDesk, struck_key
from adapters.lab.exchange import Outcome, Request, SocketFault
from adapters.lab.faults import WIRE, Ending, Fault, Kind
from adapters.lab.hooks import Hook, hook_of
from adapters.lab.life import Life
from adapters.lab.routing import Router
from adapters.lab.side import Call, Reply, Route, Side
from adapters.lab.transport import LabTransport

ENTRY_POINTS = "gateway.lab"

_PUSHES_AT_ONCE = 32
_PUSH_PATIENCE = 3600.0  # seconds of wall time after which a push is given up
_LONGEST_PAUSE = 30.0
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Lab:
    """The simulated carriers of `sides`, by code, with their books at `path`.

    `seed` None keeps the seed of the books (1 in new ones). `wall` is the real clock, to be replaced in tests.
    """

    def __init__(
        self,
        sides: Mapping[str, Side],
        path: str | Path = ":memory:",
        seed: int | None = None,
        wall: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self.sides = {code: msgspec.structs.replace(side, carrier=code) for code, side in sorted(sides.items())}
        self.numbers = numbered(self.sides)
        self.books = Books(path)
        self.calls: collections.Counter[tuple[str, str, str]] = collections.Counter()
        self.wall = wall
        self._lock = threading.RLock()
        self._routers = {code: Router(side.routes) for code, side in self.sides.items()}
        self.latency: dict[tuple[str, str], int] = {(c, op): ms for c, op, ms in self.books.kept("", "", "_latency") or ()}
        kept_seed = self.books.kept("", "", "_seed")
        self.set_seed(next(s for s in (seed, kept_seed, 1) if s is not None))

    def close(self) -> None:
        with self._lock:
            self.books.close()

    # --- calls ---

    def answer(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """One call without a socket. Raises SocketFault where the connection would have broken; never waits."""
        parts = urlsplit(url)
        named = {name.lower(): value for name, value in (headers or {}).items()}
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        outcome = self.handle(Request(method=method, target=target, headers={"host": parts.netloc, **named}, body=body))
        if outcome.ending is not Ending.REPLY:
            raise SocketFault(outcome.ending)
        reply = outcome.reply
        return Answer(reply.status, {"content-type": reply.content_type, **reply.headers}, reply.body)

    def transport(self) -> LabTransport:
        """For `httpx.Client` and `httpx.AsyncClient`; broken connections and time-outs surface as httpx errors, at once."""
        return LabTransport(self)

    def handle(self, request: Request) -> Outcome:
        path, _, query = request.target.partition("?")
        code, _, rest = path[1:].partition("/")
        with self._lock:
            if code == admin.PREFIX:
                return Outcome(reply=admin.reply(self, request.method, rest, query, request.body))
            side = self.sides.get(code)
            return self._visit(side, "/" + rest, query, request) if side else Outcome(reply=admin.no_such_carrier(self, code))

    def _visit(self, side: Side, path: str, query: str, request: Request) -> Outcome:
        action = request.headers.get("soapaction", "").strip('"')
        found = self._routers[side.carrier].find(request.method, path, action)
        if found is None:
            return Outcome(reply=side.error(404))
        route, params = found
        call = Call(
            method=request.method,
            path=path,
            params=params,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=request.headers,
            body=request.body,
            host=f"{request.headers.get('host', 'lab')}/{side.carrier}",
        )
        return self._admit(side, route, call, query)

    def _admit(self, side: Side, route: Route, call: Call, query: str) -> Outcome:
        account = side.account_of(call)
        account = account if account and account.startswith("lab_") else None
        self.calls[side.carrier, account or "", route.operation] += 1
        if account is None and not route.open:
            return Outcome(reply=side.unauthorized(call))
        return self._work(side, route, call, account or "", query)

    def _work(self, side: Side, route: Route, call: Call, account: str, query: str) -> Outcome:
        self.pass_time(side, account)
        fault = self._fault_by_rule(side, route, account) or self._fault_by_postal_code(side, route, call, query)
        with self.books.transaction() as transaction:
            desk = LabDesk(self.life(side, account), self.numbers[side.carrier], route.operation)
            reply = route.handle(call, desk)
            fault = fault or desk.fault
            transaction.keep = fault is None or WIRE[fault.kind].works
        if desk.struck and fault is desk.fault:
            self._note_struck(side, account, desk)
        latency = self.latency.get((side.carrier, route.operation), self.latency.get((side.carrier, ""), 0))
        return outcome_of(side, call, reply, fault, latency)

    def _note_struck(self, side: Side, account: str, desk: LabDesk) -> None:
        """In its own transaction: the call's may have been undone."""
        with self.books.transaction():
            self.books.keep(side.carrier, account, struck_key(desk.struck), True)

    def _fault_by_rule(self, side: Side, route: Route, account: str) -> Fault | None:
        """The first rule that fires. What applies is counted in its own transaction, before any work: the call's may be undone."""
        applying = (rule for rule in self.books.rules() if rule.order.kind in WIRE)
        rules = [rule for rule in applying if faults.applies(rule, side.carrier, account, route.operation)]
        if not rules:
            return None
        with self.books.transaction():
            desk = LabDesk(self.life(side, account), 0, route.operation)
            return next((rule.order for rule in rules if desk.fires(rule)), None)

    def _fault_by_postal_code(self, side: Side, route: Route, call: Call, query: str) -> Fault | None:
        if route.commits or not (b"999" in call.body or "999" in call.path or "999" in query):
            return None
        return faults.of_postal_code(f"{call.path}?{query} {call.body.decode(errors='replace')}", self.numbers[side.carrier])

    # --- time ---

    def now(self, carrier: str, account: str) -> dt.datetime:
        return self.wall() + dt.timedelta(seconds=self.books.ahead(carrier, account))

    def let_time_pass(self) -> None:
        """Carry out what has become due in every account."""
        with self._lock:
            for carrier, account in self.books.accounts():
                if carrier in self.sides:
                    self.pass_time(self.sides[carrier], account)

    def pass_time(self, side: Side, account: str) -> None:
        until = self.now(side.carrier, account)
        if self.books.next_plan(side.carrier, account, until) is not None:
            with self.books.transaction():
                self._carry_out(side, account, until)

    def move_clock(self, carrier: str, account: str, ahead: float) -> bool:
        """Set how far the account's clock runs ahead of the wall, and carry out all that falls due. False: it would go back."""
        with self._lock, self.books.transaction() as transaction:
            if ahead < self.books.ahead(carrier, account):
                transaction.keep = False
                return False
            self.books.set_ahead(carrier, account, ahead)
            self._carry_out(self.sides[carrier], account, self.now(carrier, account))
            return True

    def advance(self, carrier: str, account: str, by: dt.timedelta) -> None:
        """Move the account's clock on."""
        self.move_clock(carrier, account, self.books.ahead(carrier, account) + by.total_seconds())

    def _carry_out(self, side: Side, account: str, until: dt.datetime) -> None:
        for plan in self._due(side.carrier, account, until):
            self.life(side, account, plan.at).carry_out(plan)

    def _due(self, carrier: str, account: str, until: dt.datetime) -> Iterator[Plan]:
        while plan := self.books.next_plan(carrier, account, until):
            yield plan

    def life(self, side: Side, account: str, now: dt.datetime | None = None) -> Life:
        at = now or self.now(side.carrier, account)
        return Life(self.books, side, account, at, self.seed, self.wall().timestamp())

    # --- settings ---

    def set_seed(self, seed: int) -> None:
        """For all dice from now on."""
        with self._lock, self.books.transaction():
            self.seed = seed
            self.books.keep("", "", "_seed", seed)

    def set_latency(self, carrier: str, operation: str, milliseconds: int) -> None:
        """For one operation, or ("") for all that have none of their own."""
        with self._lock, self.books.transaction():
            self.latency[carrier, operation] = milliseconds
            self.books.keep("", "", "_latency", [(c, op, ms) for (c, op), ms in self.latency.items()])

    # --- pushes ---

    def due_pushes(self) -> list[tuple[Sending, Hook]]:
        """What is to be sent now, and where; what has no address any more is dropped."""
        with self._lock:
            sendings = self.books.due_pushes(self.wall().timestamp(), _PUSHES_AT_ONCE)
            hooked = [(sending, hook_of(self.books, sending.carrier, sending.account)) for sending in sendings]
            for sending, hook in hooked:
                if hook is None:
                    self.pushed(sending, delivered=True)
            return [(sending, hook) for sending, hook in hooked if hook]

    def pushed(self, sending: Sending, *, delivered: bool) -> None:
        """Strike a push off, or try again: after 1, 2, 4... 30 seconds, for an hour."""
        wall = self.wall().timestamp()
        pause = min(2.0**sending.tries, _LONGEST_PAUSE)
        with self._lock, self.books.transaction():
            if delivered or wall - sending.born > _PUSH_PATIENCE:
                self.books.delivered(sending)
            else:
                self.books.postpone(sending, wall + pause)


def numbered(sides: Mapping[str, Side]) -> dict[str, int]:
    """Each carrier's digit in magic values: its own, or the first that is free."""
    taken = {side.number for side in sides.values()}
    free = (number for number in itertools.count(1) if number not in taken)
    return {code: side.number or next(free) for code, side in sides.items()}


def load_sides(group: str = ENTRY_POINTS) -> dict[str, Side]:
    """The sides of all installed carriers, by code. Raises TypeError where an entry point is no Side."""
    return {point.name: _side(point.name, point.load()) for point in entry_points(group=group)}


def _side(name: str, found: object) -> Side:
    if not isinstance(found, Side):
        raise TypeError(f"the entry point {name!r} is no Side")
    return found


def outcome_of(side: Side, call: Call, reply: Reply, fault: Fault | None, latency: int) -> Outcome:
    """How a call ends: as the side answered, or as the fault has it."""
    if fault is None:
        return Outcome(reply=reply, delay=latency / 1000)
    wire = WIRE[fault.kind]
    delay = wire.delay_ms if fault.delay_ms is None else fault.delay_ms
    return Outcome(reply=_worded(side, call, reply, fault), ending=wire.ending, delay=(latency + delay) / 1000)


def _worded(side: Side, call: Call, reply: Reply, fault: Fault) -> Reply:
    """The reply under a fault, in the carrier's own words where it has any."""
    match fault.kind:
        case Kind.REFUSE:
            return _refusal(side, call, fault.status or 400)
        case Kind.THROTTLE:
            slow_down = side.error(fault.status or 429)
            return msgspec.structs.replace(
                slow_down, headers={"retry-after": str(30 if fault.retry_after is None else fault.retry_after), **slow_down.headers}
            )
        case Kind.SERVER_ERROR | Kind.SERVER_ERROR_BOOKED:
            return side.error(fault.status or 500)
        case Kind.ERROR_IN_200:
            return _refusal(side, call, 200)
        case Kind.HTML:
            return Reply(status=fault.status or 200, body=_HTML, content_type="text/html")
        case _:
            return reply


def _refusal(side: Side, call: Call, status: int) -> Reply:
    return side.refusal(call, status) if side.refusal else side.error(status)
