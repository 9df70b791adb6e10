"""The lab's side of each carrier against its adapter: every operation has its answer, every code the riders use its meaning."""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from adapters.contract.carrier import Booking, Carrier
from adapters.contract.errors import CarrierError, RefusalKind, Refused
from adapters.contract.scans import NEEDS_REASON, Milestone, Reason
from adapters.lab.engine import load_sides
from gateway.carriers import registry
from tests.contract.examples import COLOUR, FOR_CHECKS, OWN_CANCEL, REFUSED_IN_THE_LAB
from tests.contract.stage import ASKED, Stage, on_stage, played

HINTS = get_type_hints(Carrier)


def operation_hint(name: str) -> Any:
    """The annotation of this operation in `Carrier`: `Operation[Question, Answer]`."""
    hint = HINTS[name]
    return hint if get_origin(hint) not in (Union, types.UnionType) else get_args(hint)[0]


def declared(name: str) -> Any:
    """The type that the description of a carrier declares for this operation's answers."""
    return get_args(operation_hint(name))[1]


def conforms(answer: Any, kind: Any) -> bool:
    """Is it of this type, and are its fields, however deep, of those they are declared to be?"""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(conforms(answer, one) for one in args)
    if origin is tuple:
        return isinstance(answer, tuple) and all(conforms(one, args[0]) for one in answer)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(answer, Mapping) and all(conforms(one, args[1]) for one in answer.values())
    if isinstance(answer, msgspec.Struct):
        return isinstance(answer, kind) and msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=kind) == answer
    return isinstance(answer, kind)


def last(code: str, name: str) -> Any:
    return [exchange.answer for (asked, _), exchange in played(code).items() if asked == name][-1]


@pytest.mark.parametrize(("code", "name"), [asked for asked in ASKED if asked not in REFUSED_IN_THE_LAB])
def test_every_operation_gives_an_answer_of_its_declared_type(code, name):
    answer = last(code, name)
    assert not isinstance(answer, CarrierError)
    assert conforms(answer, declared(name))


@pytest.mark.parametrize(("code", "name"), REFUSED_IN_THE_LAB)
def test_what_the_lab_refuses_it_refuses_in_the_carriers_words(code, name):
    refusal = last(code, name)
    assert isinstance(refusal, Refused)
    assert refusal.raw_code or refusal.raw_message


@pytest.mark.parametrize("code", registry.codes())
def test_every_carrier_has_its_side_in_the_lab(code):
    assert load_sides()[code].timezone == registry.carrier(code).timezone


@pytest.mark.parametrize(("code", "name"), [asked for asked in ASKED if asked[1] != "sign_in"])
def test_a_wrong_credential_is_unauthorized(code, name):
    exchange = next(exchange for (asked, _), exchange in played(code).items() if asked == name)
    stage, _ = on_stage(registry.carrier(code))
    strange = msgspec.structs.replace(
        exchange.access, secrets=dict.fromkeys(exchange.access.secrets, "live_key"), token=exchange.access.token and "live_key"
    )
    request = exchange.step.build(exchange.question, strange, exchange.so_far)
    response = stage.lab.transport().handle_request(request)
    response.read()
    refusal = exchange.reread(response)
    open_to_all = not any("live_key" in value for value in (str(request.url), *request.headers.values(), request.content.decode()))
    assert open_to_all or (isinstance(refusal, Refused) and refusal.kind is RefusalKind.UNAUTHORIZED), refusal


# --- what the riders report --------------------------------------------------------------------------

LIFE = dt.timedelta(days=12)
REASONS = [(code, reason) for code in registry.codes() for side in [load_sides()[code]] for reason in side.failures]
CHECKS = [(code, reason) for code in registry.codes() for side in [load_sides()[code]] for reason in side.qc_failures]


def lived(stage: Stage, booking: Booking) -> list[tuple[Milestone, Reason | None]]:
    stage.until(stage.clock.now + LIFE)
    return [(scan.milestone, scan.reason) for scan in stage.tracked(booking).scans]


def reasons(told: list[tuple[Milestone, Reason | None]]) -> set[Reason | None]:
    return {given for milestone, given in told if milestone in (Milestone.PICKUP_FAILED, Milestone.CANCELLED)}


@pytest.mark.parametrize(("code", "reason"), REASONS)
def test_every_reason_of_the_riders_is_read_as_what_it_is(code, reason):
    stage, _ = on_stage(registry.carrier(code))
    told = lived(stage, stage.book_failing(reason))
    assert reason in reasons(told)
    assert Milestone.UNKNOWN not in {milestone for milestone, _ in told}
    assert all((milestone in NEEDS_REASON) == (given is not None) for milestone, given in told)


@pytest.mark.parametrize(("code", "reason"), CHECKS)
def test_every_reason_of_a_failed_check_is_read_as_what_it_is(code, reason):
    stage, _ = on_stage(registry.carrier(code), **FOR_CHECKS.get(code, {}))
    assert reason in reasons(lived(stage, stage.book_failing(reason, "qc_fails", quality_checks=(COLOUR,))))


@pytest.mark.parametrize("code", registry.codes())
def test_a_whole_life_is_read_in_order_to_its_end(code):
    stage, _ = on_stage(registry.carrier(code))
    booking = stage.book()
    stage.until(stage.clock.now + LIFE)
    tracked = stage.tracked(booking)
    milestones = [scan.milestone for scan in tracked.scans]
    way = [Milestone.OUT_FOR_PICKUP, Milestone.PICKED_UP, Milestone.IN_TRANSIT, Milestone.OUT_FOR_DELIVERY, Milestone.DELIVERED]
    assert [milestone for milestone in milestones if milestone in way] == [one for one in way for _ in range(milestones.count(one))]
    assert milestones[-1] is Milestone.DELIVERED
    assert [scan.at for scan in tracked.scans] == sorted(scan.at for scan in tracked.scans)
    assert tracked.carrier_reference in ("", booking.carrier_reference)


@pytest.mark.parametrize("code", registry.codes())
def test_a_cancelled_booking_is_seen_as_cancelled_by_us(code):
    stage, _ = on_stage(registry.carrier(code))
    booking = stage.book()
    stage.ask("cancel", booking)
    scan = stage.tracked(booking).scans[-1]
    told = OWN_CANCEL.get(code, Reason.CANCELLED_BY_MERCHANT)
    assert (scan.milestone, scan.reason) == (Milestone.CANCELLED, told)
