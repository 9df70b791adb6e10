"""Good answers spoilt: whatever comes of them is a CarrierError or what was true before, and never another exception."""

import functools
import os
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.aramex import CARRIER
from adapters.aramex.lab import SIDE
from adapters.contract.carrier import AwbList, Booked, Next, Step
from adapters.contract.errors import CarrierError
from adapters.contract.scans import Tracked
from adapters.lab.engine import Lab

from .examples import NOW, enquiry, pickup
from .shop import Shop

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
MANY = settings(max_examples=int(os.environ.get("EXAMPLES", "60")), deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Heard:
    """One step as it was asked and answered."""

    def __init__(self, step: Step[Any, Any], question: object, so_far: Mapping[str, str], response: httpx.Response) -> None:
        self.step, self.question, self.so_far, self.response = step, question, so_far, response

    def reread(self, content: bytes) -> Any:
        response = httpx.Response(200, content=content, headers=self.response.headers)
        try:
            return self.step.parse(response, self.question, self.so_far)
        except CarrierError:
            return None


class Listening(Shop):
    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.heard: dict[str, Heard] = {}
        self._last = httpx.Response(500)

    def take(self, name: str, index: int, question: object) -> Any:
        operation = CARRIER.operation(name)
        assert operation
        before = dict(self.so_far)
        answer = super().take(name, index, question)
        self.heard[f"{name}/{operation.steps[index].name}"] = Heard(operation.steps[index], question, before, self._last)
        return answer

    def send(self, request: httpx.Request) -> httpx.Response:
        self._last = super().send(request)
        return self._last


@functools.cache
def heard() -> Mapping[str, Heard]:
    """Every step, once, in the lab."""
    shop = Listening(Lab({"aramex": SIDE}, wall=lambda: NOW))
    shop.ask("quote", enquiry())
    booked = shop.book(pickup())
    shop.ask("label", booked)
    shop.ask("track", AwbList(awbs=(booked.awb,)))
    shop.ask("cancel", booked)
    return shop.heard


STEPS = (
    "quote/express",
    "book/number",
    "book/waybill",
    "book/pickup",
    "label/",
    "track/",
    "cancel/look",
    "cancel/cancel",
)


def dropped(node: etree._Element) -> None:
    node.getparent().remove(node)


def doubled(node: etree._Element) -> None:
    node.addnext(etree.fromstring(etree.tostring(node)))


def emptied(node: etree._Element) -> None:
    for child in list(node):
        node.remove(child)
    node.text = None


def made_nil(node: etree._Element) -> None:
    emptied(node)
    node.set(NIL, "true")


def moved_to_another_namespace(node: etree._Element) -> None:
    node.tag = f"{{http://elsewhere.test/}}{etree.QName(node).localname}"


def filled_with_words(node: etree._Element) -> None:
    emptied(node)
    node.text = "nonsense & more"


def put_first(node: etree._Element) -> None:
    node.getparent().insert(0, node)


def buried(node: etree._Element) -> None:
    wrapper = etree.SubElement(node.getparent(), "wrapper")
    wrapper.append(node)


SPOILS = (dropped, doubled, emptied, made_nil, moved_to_another_namespace, filled_with_words, put_first, buried)


def true_of(outcome: Any, whole: Any) -> bool:
    """Nothing that the whole answer did not say: the same numbers, and scans that were there."""
    if outcome is None or outcome == whole:
        return True
    if isinstance(outcome, Next):
        return all(whole.so_far.get(name) == value for name, value in outcome.so_far.items())
    if isinstance(outcome, Booked):
        return bool(outcome.handles.items() <= whole.handles.items() and outcome.awb == whole.awb)
    if isinstance(outcome, Mapping):
        return all(isinstance(one, CarrierError) or _shorter(one, whole[awb]) for awb, one in outcome.items())
    return isinstance(outcome, tuple) and outcome[0].price == whole[0].price


def _shorter(one: Tracked, whole: Tracked) -> bool:
    """Texts, places and codes may have suffered; there is no scan more at another time."""
    return {scan.at.date() for scan in one.scans} <= {scan.at.date() for scan in whole.scans}


@pytest.mark.parametrize("name", STEPS)
@MANY
@given(data=st.data())
def test_a_spoilt_answer_says_nothing_new(name, data):
    one = heard()[name]
    root = etree.fromstring(one.response.content)
    for _ in range(data.draw(st.integers(1, 3))):
        nodes = [node for node in root.iter() if node.getparent() is not None]
        if nodes:
            data.draw(st.sampled_from(SPOILS))(data.draw(st.sampled_from(nodes)))
    assert true_of(one.reread(etree.tostring(root)), one.reread(one.response.content))


def test_every_step_was_heard():
    assert {*heard()} == {*STEPS}
    assert all(one.reread(one.response.content) is not None for one in heard().values())
