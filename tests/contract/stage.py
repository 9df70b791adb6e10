"""A carrier on stage: in a lab of its own, asked as the gateway asks it, with a clock that moves when told.

`Stage` knows what must have happened before an operation can be asked; how a step is put and read is handed in. `played` has
asked everything once, without a socket, and keeps what went over the wire: the good replies that the suite spoils.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import httpx
import msgspec

from adapters.contract.carrier import OPERATIONS, Access, Act, Booked, Booking, Carrier, Later, Next, SoFar, Standing, Step
from adapters.contract.errors import CarrierError
from adapters.contract.reading import read
from adapters.contract.scans import Reason, Tracked
from adapters.lab.engine import Lab, load_sides
from gateway.carriers import registry
from gateway.carriers.transport import send
from gateway.life.visits import visits
from tests.contract import examples
from tests.contract.examples import NOW, QUESTIONS, REFUSED_IN_THE_LAB

BASE = "http://lab"
_LOOKS = 10
_BETWEEN_LOOKS = dt.timedelta(hours=6)


class AskStep(Protocol):
    def __call__(self, name: str, index: int, question: Any, so_far: SoFar) -> Any: ...


def asked(ask_step: AskStep, wait_until: Callable[[dt.datetime], None], name: str, question: Any) -> Any:
    """The answer of an operation's last step; what one step learns, the next one knows. Raises CarrierError."""
    index, so_far = 0, dict[str, str]()
    while True:
        answer = ask_step(name, index, question, so_far)
        if not isinstance(answer, Next | Later):
            return answer
        so_far |= answer.so_far
        if isinstance(answer, Later):
            wait_until(answer.at)
        else:
            index += 1


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


class Stage:
    """One carrier's lab and what has to go before: a booking, a visit that failed, the hour at which an act is taken."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.clock = Clock()
        self.lab = Lab({carrier.code: load_sides()[carrier.code]}, seed=1, wall=self.clock)
        self.ask_step: AskStep = self._unset
        self._references = 0

    @staticmethod
    def _unset(name: str, index: int, question: Any, so_far: SoFar) -> Any:
        raise AssertionError("nobody asks")

    def ask(self, name: str, question: Any) -> Any:
        """The answer of the last step. Time passes where the carrier answers later. Raises CarrierError."""
        return asked(self.ask_step, self.until, name, question)

    def until(self, at: dt.datetime) -> None:
        self.clock.now = max(self.clock.now, at)
        self.lab.let_time_pass()

    def book(self, **changes: Any) -> Booking:
        self._references += 1
        order = examples.at_home(self.carrier.code, examples.order(f"GWSTAGE{self._references:013d}", **changes))
        booked: Booked = self.ask("book", order)
        return Booking(awb=booked.awb, carrier_reference=order.carrier_reference, handles=booked.handles)

    def tracked(self, booking: Booking) -> Tracked:
        found = self.ask("track", QUESTIONS["track"](booking, self.today))[booking.awb]
        assert isinstance(found, Tracked), found
        return found

    @property
    def today(self) -> dt.date:
        return self.clock.now.astimezone(ZoneInfo(self.carrier.timezone)).date()

    def question(self, name: str) -> Any:
        """The example question, once everything it speaks of has happened."""
        return examples.at_home(self.carrier.code, QUESTIONS[name](self._spoken_of(name), self.today))

    def _spoken_of(self, name: str) -> Booking:
        if name in _ACTS_ON_A_VISIT:
            return self._permitting(Act(name))
        return self.book() if name in _ABOUT_A_BOOKING else Booking(awb="", carrier_reference="GWCONTRACT0000000001")

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Those the riders of this carrier report."""
        side = self.lab.sides[self.carrier.code]
        return (*side.failures, *side.qc_failures)

    def book_failing(self, reason: Reason, kind: str = "visit_fails", **changes: Any) -> Booking:
        """A booking whose first visit will fail for this reason."""
        body = {"carrier": self.carrier.code, "kind": kind, "reason": reason, "visits": 1, "times": 1}
        added = self.lab.answer("POST", "/_lab/faults", body=json.dumps(body).encode())
        assert added.status == 200, added
        return self.book(shipper=msgspec.structs.replace(examples.CUSTOMER, phone="9820123456"), **changes)

    def _permitting(self, act: Act) -> Booking:
        """A booking as it stands when this act may be sent, and the clock at that time."""
        if (self.carrier.code, act) in REFUSED_IN_THE_LAB:
            return self.book()
        return next(booking for booking in self._failed_bookings() if self._permits(act, booking))

    def _failed_bookings(self) -> Iterator[Booking]:
        for reason in self.reasons:
            booking = self.book_failing(reason)
            for _ in range(_LOOKS):
                self.until(self.clock.now + _BETWEEN_LOOKS)
                yield booking

    def _permits(self, act: Act, booking: Booking) -> bool:
        scans = self.tracked(booking).scans
        standing = Standing(last=scans[-1], visits=len(visits(scans, self.carrier.timezone)))
        at = self.carrier.act_from(act, standing, self.clock.now) if self.carrier.act_from else None
        if at is not None:
            self.until(at)
        return at is not None


_ACTS_ON_A_VISIT = (Act.REATTEMPT, Act.RESCHEDULE)
_ABOUT_A_BOOKING = ("find", "list_of_day", "label", "cancel", "track", "edit_contact", "edit_address")


# --- the pure way, and what it leaves ------------------------------------------------------------------


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One step as it was put and answered; `answer` may be a CarrierError."""

    name: str
    index: int
    question: Any
    access: Access
    so_far: SoFar
    request: httpx.Request
    response: httpx.Response
    answer: Any

    @property
    def step(self) -> Step[Any, Any]:
        operation = registry.carrier(self.carrier).operation(self.name)
        assert operation
        return operation.steps[self.index]

    @property
    def carrier(self) -> str:
        return httpx.URL(self.access.base_url).path.strip("/")

    def reread(self, response: httpx.Response) -> Any:
        """What another reply to the same request is taken for: an answer, or the CarrierError; other exceptions are bugs."""
        operation = registry.carrier(self.carrier).operation(self.name)
        assert operation
        try:
            return read(operation, self.step, response, self.question, self.so_far, NOW)
        except CarrierError as error:
            return error


class Wire:
    """Puts steps to the lab by the adapter's own functions and keeps each exchange."""

    def __init__(self, stage: Stage, settings: Mapping[str, str]) -> None:
        self._stage = stage
        self._settings = settings
        self._transport = stage.lab.transport()
        self.exchanges: list[Exchange] = []

    def access(self, token: str = "") -> Access:
        carrier = self._stage.carrier
        return Access(
            base_url=f"{BASE}/{carrier.code}",
            secrets=examples.secrets(carrier),
            settings=self._settings,
            now=self._stage.clock.now,
            token=token,
        )

    def __call__(self, name: str, index: int, question: Any, so_far: SoFar) -> Any:
        operation = self._stage.carrier.operation(name)
        assert operation, name
        step = operation.steps[index]
        access = self.access("" if name == "sign_in" else self._token())
        if step.when and not step.when(question, access):
            return Next(so_far={})
        request = step.build(question, access, so_far)
        response = asyncio.run(send(self._transport, request, operation.timeout))
        try:
            answer = read(operation, step, response, question, so_far, access.now)
        except CarrierError as error:
            self._keep(name, index, question, access, so_far, request, response, error)
            raise
        self._keep(name, index, question, access, so_far, request, response, answer)
        return answer

    def _token(self) -> str:
        return self("sign_in", 0, None, {}).value if self._stage.carrier.sign_in else ""

    def _keep(self, name: str, index: int, question: Any, access: Access, so_far: SoFar, *sent: Any) -> None:
        request, response, answer = sent
        self.exchanges.append(
            Exchange(
                name=name,
                index=index,
                question=question,
                access=access,
                so_far=dict(so_far),
                request=request,
                response=response,
                answer=answer,
            )
        )


def on_stage(carrier: Carrier, **more_settings: str) -> tuple[Stage, Wire]:
    """A fresh lab and the pure way to ask it, for an account with what the carrier demands and these settings."""
    stage = Stage(carrier)
    wire = Wire(stage, {**examples.SETTINGS[carrier.code], **more_settings})
    stage.ask_step = wire
    return stage, wire


@functools.cache
def played(code: str) -> Mapping[tuple[str, int], Exchange]:
    """Every operation of the carrier asked once: by operation and step, the last exchange (an answer, after any "later")."""
    carrier = registry.carrier(code)
    found: dict[tuple[str, int], Exchange] = {}
    for name in operations(carrier):
        stage, wire = on_stage(carrier, **examples.FOR_ALL_STEPS.get((code, name), {}))
        question = stage.question(name)
        wire.exchanges.clear()
        try:
            stage.ask(name, question)
        except CarrierError:
            assert (code, name) in REFUSED_IN_THE_LAB
        found |= {(exchange.name, exchange.index): exchange for exchange in wire.exchanges if exchange.name == name}
    return found


def operations(carrier: Carrier) -> tuple[str, ...]:
    return tuple(name for name in OPERATIONS if carrier.operation(name))


# For parametrising: (carrier, operation) and (carrier, operation, step).
ASKED = [(carrier.code, name) for carrier in registry.every() for name in operations(carrier)]
STEPS = [
    (code, name, index)
    for code, name in ASKED
    if (operation := registry.carrier(code).operation(name))
    for index in range(len(operation.steps))
]
