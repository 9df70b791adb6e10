"""What carriers push: the lab's pushes, worded and signed as each carrier does it, and everything that is none."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.carrier import Pushed
from adapters.contract.errors import CarrierError
from adapters.contract.scans import NEEDS_REASON, Milestone, Tracked
from adapters.lab.books import Sending
from gateway.carriers import registry
from tests.contract import examples
from tests.contract.examples import NAMELESS, UNREPORTED
from tests.contract.spoiling import spoilt_json
from tests.contract.stage import on_stage
from tests.contract.test_replies import MANY, NONSENSE

PUSHING = [carrier.code for carrier in registry.every() if carrier.read_callback]
SECRET = "rider-bell"


def lab_account(code: str) -> str:
    """Which of the example's credentials the lab goes by."""
    stage, _ = on_stage(registry.carrier(code))
    stage.book()
    ((_, account),) = stage.lab.books.accounts()
    return account


@functools.cache
def pushes(code: str) -> tuple[Sending, ...]:
    """All that is pushed about one parcel from its booking to its delivery."""
    stage, _ = on_stage(registry.carrier(code))
    hook = {"carrier": code, "account": lab_account(code), "url": "http://127.0.0.1:9/push", "secret": SECRET}
    assert stage.lab.answer("POST", "/_lab/pushes", body=json.dumps(hook).encode()).status == 200
    stage.book()
    stage.until(stage.clock.now + dt.timedelta(days=12))
    sent: list[Sending] = []
    while due := stage.lab.due_pushes():
        for sending, _ in due:
            stage.lab.pushed(sending, delivered=True)
            sent.append(sending)
    return tuple(sent)


def keys(code: str, secret: str) -> dict[str, str]:
    """The account as `read_callback` is given it, with this secret as the one for pushes."""
    carrier = registry.carrier(code)
    own = {field.name: secret for field in carrier.fields if field.secret and not field.required}
    return {**examples.SETTINGS[code], **examples.secrets(carrier), **own}


def read(code: str, body: bytes, headers: Mapping[str, str], secret: str = SECRET) -> Pushed:
    reader = registry.carrier(code).read_callback
    assert reader
    return reader(headers, body, keys(code, secret))


def of_lab(code: str) -> list[Pushed]:
    return [read(code, push.body, push.headers) for push in pushes(code)]


@pytest.mark.parametrize("code", PUSHING)
def test_the_labs_pushes_tell_a_parcels_life(code):
    told: list[Tracked] = [tracked for pushed in of_lab(code) for tracked in pushed.tracked]
    milestones = [scan.milestone for tracked in told for scan in tracked.scans]
    assert milestones[-1] is Milestone.DELIVERED
    everybodys = {Milestone.OUT_FOR_PICKUP, Milestone.PICKED_UP, Milestone.IN_TRANSIT}
    assert everybodys - UNREPORTED.get(code, {}).keys() <= set(milestones)
    assert {tracked.awb for tracked in told} == {told[0].awb}
    assert {tracked.carrier_reference for tracked in told} == {"" if code in NAMELESS else "GWSTAGE0000000000001"}
    assert all((scan.milestone in NEEDS_REASON) == (scan.reason is not None) for one in told for scan in one.scans)


@pytest.mark.parametrize("code", PUSHING)
def test_a_push_with_the_accounts_secret_is_verified(code):
    assert {pushed.verified for pushed in of_lab(code)} == {True}


@pytest.mark.parametrize("code", PUSHING)
def test_header_names_may_be_written_large_or_small(code):
    for push in pushes(code):
        for write in (str.upper, str.lower):
            assert read(code, push.body, {write(name): value for name, value in push.headers.items()}).verified


@pytest.mark.parametrize("code", PUSHING)
@pytest.mark.parametrize("secret", ["another-bell", ""])
def test_a_push_signed_for_somebody_else_is_only_a_hint(code, secret):
    assert {read(code, push.body, push.headers, secret).verified for push in pushes(code)} == {False}


@pytest.mark.parametrize("code", PUSHING)
def test_an_unsigned_push_is_only_a_hint(code):
    assert {read(code, push.body, {}).verified for push in pushes(code)} == {False}


@pytest.mark.parametrize("code", PUSHING)
@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_no_push(code, what):
    with pytest.raises(CarrierError):
        read(code, NONSENSE[what].content, {})


@pytest.mark.parametrize("code", PUSHING)
@MANY
@given(data=st.data())
def test_a_spoilt_push_is_read_or_refused(code, data):
    push = data.draw(st.sampled_from(pushes(code)))
    body = data.draw(spoilt_json(push.body))
    try:
        pushed = read(code, body, push.headers)
    except CarrierError:
        return
    assert all(isinstance(tracked, Tracked) and tracked.awb for tracked in pushed.tracked)


@pytest.mark.parametrize("code", PUSHING)
@MANY
@given(body=st.binary(max_size=80))
def test_no_bytes_whatever_are_a_push(code, body):
    with pytest.raises(CarrierError):
        read(code, body, {})
