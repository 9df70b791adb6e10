"""A merchant's side of one lab account of EasyPost."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from adapters.contract.carrier import Access, AwbList, Booked, Booking, Later, Next, Operation, Sought, Step
from adapters.contract.errors import CarrierError
from adapters.contract.orders import Order
from adapters.contract.reading import read
from adapters.contract.scans import Tracked
from adapters.easypost import CARRIER
from adapters.lab.engine import Lab

from .examples import REFERENCE, pickup, told

ACCOUNT = "lab_kestrel"


class Shop:
    """Asks, and lets the carrier's time pass. `seen` are the answers as they came over the wire."""

    def __init__(self, lab: Lab, account: str = ACCOUNT) -> None:
        self.lab, self.account = lab, account
        self.settings: dict[str, str] = {}
        self.seen: list[httpx.Response] = []
        self.so_far: dict[str, str] = {}
        self._http = httpx.Client(transport=lab.transport())

    @property
    def now(self) -> dt.datetime:
        return self.lab.now("easypost", self.account)

    def access(self) -> Access:
        secrets = {"api_key": self.account, "webhook_secret": "bell"}
        return Access(base_url="http://lab/easypost", secrets=secrets, settings=self.settings, now=self.now)

    def ask(self, name: str, question: object) -> Any:
        """The answer of the last step; what was learned on the way stays in `so_far`."""
        operation = CARRIER.operation(name)
        assert operation
        self.so_far = {}
        answer: Any = None
        for step in operation.steps:
            if step.when is None or step.when(question, self.access()):
                answer = self._step(operation, step, question, self.so_far)
                self.so_far |= answer.so_far if isinstance(answer, Next) else {}
        return answer

    def ask_until(self, last: str, question: Order) -> None:
        """A booking's steps up to this one; what was learned stays in `so_far`."""
        self.so_far = {}
        for step in CARRIER.book.steps:
            self.put(step.name, question)
            if step.name == last:
                return

    def put(self, name: str, question: Order) -> Any:
        """One step of a booking, by what is known so far."""
        step = next(one for one in CARRIER.book.steps if one.name == name)
        answer = self._step(CARRIER.book, step, question, self.so_far)
        self.so_far |= answer.so_far if isinstance(answer, Next) else {}
        return answer

    def refused(self, name: str, question: object) -> tuple[object, ...]:
        with pytest.raises(CarrierError) as caught:
            self.ask(name, question)
        return told(caught.value)

    def book(self, order: Order | None = None) -> Booking:
        asked = order or pickup()
        booked: Booked = self.ask("book", asked)
        return Booking(awb=booked.awb, carrier_reference=asked.carrier_reference, handles=booked.handles)

    def find(self, reference: str = REFERENCE, **handles: str) -> Booked | None:
        """None as soon as a step says so."""
        assert CARRIER.find
        asked, so_far = Sought(carrier_reference=reference, sent_at=self.now, handles=handles), dict[str, str]()
        for step in CARRIER.find.steps:
            if step.when and not step.when(asked, self.access()):
                continue
            answer = self._step(CARRIER.find, step, asked, so_far)
            if not isinstance(answer, Next):
                found: Booked | None = answer
                return found
            so_far |= answer.so_far
        return None

    def call(self, method: str, path: str, body: object = None, user: str = "", password: str = "") -> httpx.Response:
        return self._http.request(method, f"http://lab/easypost{path}", json=body, auth=(user or self.account, password))

    def wait(self, **time: float) -> None:
        ahead = self.lab.books.ahead("easypost", self.account) + dt.timedelta(**time).total_seconds()
        self.lab.move_clock("easypost", self.account, ahead)

    def tracked(self, awb: str) -> Tracked:
        found: Tracked = self.ask("track", AwbList(awbs=(awb,)))[awb]
        return found

    def _step(self, operation: Operation[Any, Any], step: Step[Any, Any], question: object, so_far: Mapping[str, str]) -> Any:
        request = step.build(question, self.access(), so_far)
        response = self._http.send(request)
        response.read()
        self.seen.append(response)
        answer = read(operation, step, response, question, so_far, self.now)
        assert not isinstance(answer, Later)
        return answer
