"""Cancelling the collection, and what stands in the way."""

from typing import Any

import httpx
import pytest

from adapters.contract.carrier import Cancelled, Next
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused

from .examples import (
    GUID,
    HANDLES,
    NUMBER,
    REFERENCE,
    access,
    answer,
    booking,
    built,
    fault,
    notifications,
    read,
    refused_building,
    sent,
    step,
)

ECHO = (REFERENCE, NUMBER)
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"


def state(*collected: str, reference: str = "K000001", **more: Any) -> httpx.Response:
    waybills = "".join(f"<string xmlns='{ARRAYS}'>{waybill}</string>" for waybill in collected)
    inner = f"<Entity>BLR</Entity><Reference>{reference}</Reference><LastStatus>SH308</LastStatus>"
    inner += f"<LastStatusDescription>planned</LastStatusDescription><CollectedWaybills>{waybills}</CollectedWaybills>"
    return answer("PickupTrackingResponse", inner, **{"echo": ECHO} | more)


def cancelled(**more: Any) -> httpx.Response:
    return answer("PickupCancelationResponse", "<Message>done</Message>", **{"echo": ECHO} | more)


def test_it_is_first_looked_up_by_its_id():
    assert sent(built("cancel", booking(), "look"), "Reference") == "K000001"


def test_it_is_cancelled_by_its_guid():
    request = built("cancel", booking())
    assert [sent(request, name) for name in ("PickupGUID", "Transaction/Reference1", "Transaction/Reference2")] == [GUID, *ECHO]


@pytest.mark.parametrize("name", ["look", "cancel"])
def test_a_collection_without_its_guid_cannot_be_cancelled(name):
    adopted = booking(handles={"pickup": "K000007"})
    assert refused_building("cancel", adopted, name) == {"kind": RefusalKind.WRONG_STATE, "field": ""}


def test_one_without_its_id_is_not_looked_up():
    look = step("cancel", "look")
    assert look.when
    assert [look.when(booking(handles=handles), access()) for handles in (HANDLES, {"guid": GUID})] == [True, False]


@pytest.mark.parametrize(
    "response", [state(), state("47000000002"), state(echo=ECHO, errors="true", head=notifications(ERR52="?"))]
)
def test_only_a_made_collection_stands_in_the_way(response):
    assert read("cancel", response, booking(), "look", {}) == Next(so_far={})


def test_a_collected_waybill_is_too_late():
    assert read("cancel", state(NUMBER), booking(), "look", {}) == (Refused, RefusalKind.TOO_LATE, "SH308", "planned")


@pytest.mark.parametrize("response", [state(reference="K000002"), state(echo=(REFERENCE, "47000000002")), cancelled()])
def test_the_state_of_something_else_is_misread(response):
    assert read("cancel", response, booking(), "look", {}) == (Misread,)


@pytest.mark.parametrize("response", [cancelled(), cancelled(errors="true", head=notifications(ERR70="before"))])
def test_cancelled_now_or_before_is_cancelled(response):
    assert read("cancel", response, booking()) == Cancelled()


@pytest.mark.parametrize(
    ("code", "kind"), [("ERR01", RefusalKind.UNAUTHORIZED), ("ERR52", RefusalKind.REFUSED), ("ERR99", RefusalKind.REFUSED)]
)
def test_a_no_is_a_refusal(code, kind):
    response = cancelled(errors="true", head=notifications(**{code: "no"}))
    assert read("cancel", response, booking()) == (Refused, kind, code, "no")


@pytest.mark.parametrize(
    "response",
    [
        cancelled(echo=None),
        cancelled(echo=(REFERENCE,)),
        cancelled(echo=(REFERENCE, "47000000002")),
        cancelled(errors=""),
        cancelled(errors="true", head=notifications(ERR70="before"), echo=(REFERENCE, "47000000002")),
        state(),
    ],
)
def test_the_cancel_of_something_else_is_misread(response):
    assert read("cancel", response, booking()) == (Misread,)


def test_a_server_fault_leaves_it_open():
    assert read("cancel", fault("s:Server"), booking()) == (OutcomeUnknown,)
