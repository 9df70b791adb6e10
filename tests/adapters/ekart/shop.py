"""A merchant's side of one lab account of Ekart."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from adapters.contract.carrier import Access, AwbList, Later, Next, Operation, Step
from adapters.contract.errors import CarrierError
from adapters.contract.reading import read
from adapters.contract.scans import Tracked
from adapters.ekart import CARRIER
from adapters.lab.engine import Lab

from .examples import SETTINGS, told

ACCOUNT = "lab_kestrel"
KEYS = {"client_id": ACCOUNT, "username": "api@warehouse.test", "password": "sesame", "webhook_secret": "push-secret"}


class Shop:
    """Asks, and lets the carrier's time pass. `seen` are the answers as they came over the wire."""

    def __init__(self, lab: Lab, account: str = ACCOUNT) -> None:
        self.lab, self.account, self.token = lab, account, ""
        self.seen: list[httpx.Response] = []
        self._http = httpx.Client(transport=lab.transport())

    @property
    def now(self) -> dt.datetime:
        return self.lab.now("ekart", self.account)

    def access(self) -> Access:
        keys = KEYS | {"client_id": self.account}
        return Access(base_url="http://lab/ekart", secrets=keys, settings=SETTINGS, now=self.now, token=self.token)

    def sign_in(self) -> None:
        self.token = self.ask("sign_in", None).value

    def ask(self, name: str, question: object) -> Any:
        operation = CARRIER.operation(name)
        assert operation
        answer: Any = Next(so_far={})
        for step in operation.steps:
            if step.when is None or step.when(question, self.access()):
                answer = self._step(operation, step, question, answer.so_far)
        return answer

    def refused(self, name: str, question: object) -> tuple[object, ...]:
        with pytest.raises(CarrierError) as caught:
            self.ask(name, question)
        return told(caught.value)

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"}
        return self._http.request(method, f"http://lab/ekart{path}", headers=headers, json=body)

    def wait(self, **time: float) -> None:
        ahead = self.lab.books.ahead("ekart", self.account) + dt.timedelta(**time).total_seconds()
        self.lab.move_clock("ekart", self.account, ahead)

    def later(self, **time: float) -> None:
        """Time passes, and the token is renewed."""
        self.wait(**time)
        self.sign_in()

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
