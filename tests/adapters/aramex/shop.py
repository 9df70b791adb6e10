"""A merchant's side of one lab account of Aramex."""

import datetime as dt
from typing import Any

import httpx
import pytest

from adapters.aramex import CARRIER
from adapters.contract.carrier import Access, AwbList, Booked, Booking, Next
from adapters.contract.errors import CarrierError
from adapters.contract.reading import read
from adapters.contract.scans import Tracked
from adapters.lab.engine import Lab

from .examples import REFERENCE, SECRETS, SETTINGS, told

ACCOUNT = "lab_kestrel"


class Shop:
    """Asks, and lets the carrier's time pass. `so_far` is what the steps of the last operation told."""

    def __init__(self, lab: Lab, username: str = ACCOUNT, password: str = "lab_sesame", **settings: str) -> None:
        self.lab, self.secrets = lab, SECRETS | {"username": username, "password": password}
        self.settings = SETTINGS | settings
        self.so_far: dict[str, str] = {}
        self._http = httpx.Client(transport=lab.transport())

    @property
    def now(self) -> dt.datetime:
        return self.lab.now("aramex", ACCOUNT)

    def access(self) -> Access:
        return Access(base_url="http://lab/aramex", secrets=self.secrets, settings=self.settings, now=self.now)

    def ask(self, name: str, question: object) -> Any:
        operation = CARRIER.operation(name)
        assert operation
        self.so_far = {}
        answer: Any = None
        for index, step in enumerate(operation.steps):
            if step.when is None or step.when(question, self.access()):
                answer = self.take(name, index, question)
        return answer

    def take(self, name: str, index: int, question: object) -> Any:
        """One step of an operation, with what is known so far."""
        operation = CARRIER.operation(name)
        assert operation
        step = operation.steps[index]
        response = self.send(step.build(question, self.access(), self.so_far))
        answer = read(operation, step, response, question, self.so_far, self.now)
        if isinstance(answer, Next):
            self.so_far |= answer.so_far
        return answer

    def send(self, request: httpx.Request) -> httpx.Response:
        response = self._http.send(request)
        response.read()
        return response

    def refused(self, name: str, question: object) -> tuple[object, ...]:
        with pytest.raises(CarrierError) as caught:
            self.ask(name, question)
        return told(caught.value)

    def book(self, order: Any) -> Booking:
        booked: Booked = self.ask("book", order)
        return Booking(awb=booked.awb, carrier_reference=order.carrier_reference, handles=booked.handles)

    def wait(self, **time: float) -> None:
        self.lab.advance("aramex", ACCOUNT, dt.timedelta(**time))

    def tracked(self, awb: str) -> Tracked:
        found: Tracked = self.ask("track", AwbList(awbs=(awb,)))[awb]
        return found

    def codes(self, awb: str) -> list[str]:
        return [scan.code for scan in self.tracked(awb).scans]


__all__ = ["ACCOUNT", "REFERENCE", "Shop"]
