"""What the demonstration says and adds up, on returns made by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.demo import commands
from gateway.demo.api import Amount, Api, Booking, Decision, Event, ExchangeRate, Lab, Offer, Pickup, Plan, Refusal, Trouble, Visit
from gateway.demo.people import People
from gateway.demo.play import next_stop
from gateway.demo.returns import RETURNS, WAREHOUSES, request
from gateway.demo.screen import ZONE, stamp
from gateway.demo.summary import Costs, Line, by_carrier, cost, ends, healed
from gateway.demo.telling import tell, undecided

_MONDAY = dt.datetime(2026, 11, 23, 4, 40, tzinfo=dt.UTC)
_COSTS = Costs(failed_visit=Decimal(15), move=Decimal(6), day=Decimal(8))


def _rupees(amount: str) -> Amount:
    return Amount(amount=amount, currency="INR")


def _booking(number: int, carrier: str, state: str, **more: Any) -> Booking:
    fields: dict[str, Any] = {"awb": f"AWB{number}", "price": _rupees("100.00"), "refusal": None} | more
    return Booking(id=f"bkg_{number}", carrier=carrier, service="surface", state=state, carrier_reference=f"GW{number}", **fields)


def _visit(booking: int, day: int, outcome: str) -> Visit:
    return Visit(booking=f"bkg_{booking}", day=dt.date(2026, 11, day), outcome=outcome, reason=None)


def _event(kind: str, sequence: int = 1, **data: Any) -> Event:
    return Event(type=kind, sequence=sequence, at=_MONDAY, data=data)


def _pickup(*bookings: Booking, **more: Any) -> Pickup:
    fields: dict[str, Any] = {"state": "delivered", "decision": None, "label": None, "metadata": {}} | more
    return Pickup(id="pck_1", reference="RMA-1001", bookings=list(bookings), **fields)


def _trouble(**more: Any) -> Trouble:
    fields: dict[str, Any] = {
        "reason": "customer_unavailable",
        "state": "waiting_carrier",
        "raw_code": "PP/EOD-26",
        "plan": None,
        "version": 0,
    } | more
    return Trouble(
        id="exc_1",
        pickup="pck_1",
        reference="RMA-1001",
        booking="bkg_1",
        carrier="delhivery",
        answer="",
        resolution="",
        **fields,
    )


def test_a_return_that_moved_costs_its_price_its_failed_visits_the_move_and_the_days() -> None:
    moved = _pickup(
        _booking(1, "delhivery", "cancelled"),
        _booking(2, "ekart", "done", price=_rupees("120.50")),
        visits=[_visit(1, 24, "failed"), _visit(1, 25, "failed"), _visit(2, 26, "collected")],
        events=[_event("pickup.requested")],
    )
    assert cost(moved, _COSTS) == Decimal("120.50") + 2 * 15 + 6 + 3 * 8


def test_a_price_in_another_currency_counts_at_the_rate_of_the_choice() -> None:
    dollars = Amount(amount="11.20", currency="USD")
    offer = Offer(
        carrier="easypost",
        service="ups/Ground",
        price=dollars,
        expected_cost=_rupees("1060.00"),
        exchange_rate=ExchangeRate(source_currency="USD", value=Decimal(90)),
    )
    abroad = _pickup(_booking(1, "easypost", "done", price=dollars), decision=Decision(sentence="", chosen=offer))
    assert cost(abroad, _COSTS) == Decimal("1008.00")


def test_each_carrier_is_counted_for_its_own_bookings_and_charged_for_what_it_collected() -> None:
    offer = Offer(carrier="delhivery", service="surface", price=_rupees("100.00"), expected_cost=_rupees("146.37"))
    moved = _pickup(
        _booking(1, "delhivery", "cancelled"),
        _booking(2, "ekart", "done"),
        visits=[_visit(1, 24, "failed"), _visit(2, 25, "collected")],
    )
    assert by_carrier([moved], {"pck_1": offer}, _COSTS) == {
        "delhivery": Line(booked=1, visits=1, first=1),
        "ekart": Line(
            booked=1, visits=1, first=1, at_once=1, collected=1,
            price=Decimal("100.00"), cost=Decimal("121.00"), expected=Decimal("146.37"),
        ),
    }  # fmt: skip


def test_what_went_wrong_is_healed_by_itself_with_a_person_or_not_yet() -> None:
    closed = _trouble(state="resolved")
    assert healed([closed, _trouble()], frozenset()) == ("2", "1", "0", "1")
    assert healed([closed], frozenset({"exc_1"})) == ("1", "0", "1", "")


def test_where_the_returns_ended_is_one_sentence() -> None:
    found = ends([_pickup(), _pickup(), _pickup(state="cancelled")])
    assert found == "3 returns: 2 delivered, 1 cancelled. 0 packing slips or labels were made."


def test_a_failed_visit_is_told_with_the_carriers_code_and_what_is_done_about_it() -> None:
    opened = _event("exception.opened", exception={"id": "exc_1", "reason": "customer_unavailable"})
    trouble = _trouble(plan=Plan(what="wait_for_own_visit", why=""))
    words = "visit failed: customer_unavailable (Delhivery PP/EOD-26), the carrier comes again by itself"
    assert tell(opened, _pickup(), {"exc_1": trouble}) == words


def test_a_failed_visit_waits_to_be_told_until_something_is_decided() -> None:
    opened = _event("exception.opened", exception={"id": "exc_1", "reason": "customer_unavailable"})
    assert undecided(opened, {"exc_1": _trouble(state="new")})
    assert not undecided(opened, {"exc_1": _trouble(state="waiting_customer")})


def test_a_refusal_is_told_with_the_second_choice_only() -> None:
    first, second = _event("pickup.carrier_selected", 2), _event("pickup.carrier_selected", 5)
    no = Refusal(kind="refused", raw_code="E7", raw_message="not today")
    pickup = _pickup(
        _booking(1, "delhivery", "refused", awb=None, refusal=no), _booking(2, "ekart", "live"), events=[first, second]
    )
    assert [tell(one, pickup, {}) for one in (first, second)] == ["", "Delhivery refused it (E7 not today), the next best is asked"]


def test_a_collection_is_told_once_however_the_carrier_reports_it() -> None:
    got, moving = _event("pickup.collected", 3), _event("pickup.in_transit", 4)
    visits = [_visit(1, 24, "failed"), _visit(1, 25, "collected")]
    pickup = _pickup(_booking(1, "ekart", "done"), visits=visits, events=[got, moving])
    assert [tell(one, pickup, {}) for one in (got, moving)] == ["collected by Ekart at visit 2", ""]


@pytest.mark.parametrize(
    ("now", "state", "stop"),
    [
        ("2026-11-24T09:00", "booked", "2026-11-24T15:30"),
        ("2026-11-24T15:30", "visit_failed", "2026-11-24T21:00"),
        ("2026-11-24T21:00", "booked", "2026-11-25T15:30"),
        ("2026-11-24T21:00", "in_transit", "2026-11-25T21:00"),
    ],
)
def test_days_stop_where_there_is_something_to_see(now: str, state: str, stop: str) -> None:
    at, expected = (dt.datetime.fromisoformat(text).replace(tzinfo=ZONE) for text in (now, stop))
    assert next_stop(at.astimezone(dt.UTC), [_pickup(state=state)]) == expected


def test_time_is_told_as_it_is_in_india() -> None:
    assert stamp(_MONDAY) == "Mon 23 Nov 10:10"


def test_the_first_of_each_keep_their_magic_phones_and_later_returns_have_none() -> None:
    locations = dict.fromkeys(WAREHOUSES, "loc_1")
    bodies = [request(number, locations) for number in range(150)]
    first = len(RETURNS)
    assert [body["shipper"]["phone"] for body in bodies[:first]] == [f"{one.dial}{one.phone}" for one in RETURNS]
    later = [body["shipper"]["phone"] for body in bodies[first:]]
    assert len(set(later)) == len(later) and not any(phone[-6] == "0" for phone in later)
    assert len({body["reference"] for body in bodies}) == 150


def test_the_commands_to_paste_are_a_quote_a_pickup_and_the_list() -> None:
    quote, pickup, listed = commands("http://127.0.0.1:8080", "gw_test_x", "loc_1", "ab12")
    assert quote.startswith("curl -s http://127.0.0.1:8080/v1/quotes -H 'Authorization: Bearer gw_test_x'")
    assert "'Idempotency-Key: ab12'" in pickup and '"reference": "RMA-ab12"' in pickup
    assert listed == "curl -s 'http://127.0.0.1:8080/v1/pickups?limit=5' -H 'Authorization: Bearer gw_test_x'"


# --- people ----------------------------------------------------------------------------------------


class _Heard(Api):
    """Keeps what is posted, for a gateway that is not there."""

    def __init__(self) -> None:
        self.posts: list[str] = []

    def post(self, path: str, body: Mapping[str, Any], shape: type[Any], headers: Mapping[str, str] | None = None) -> Any:
        self.posts.append(f"{path} {body.get('action', '')}".strip())


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        *((reason, "/pickups/pck_1/contact") for reason in ("customer_unreachable", "wrong_phone", "address_incomplete")),
        ("address_not_found", "/pickups/pck_1/contact"),
        ("cancelled_by_customer", "/exceptions/exc_1/actions dispute"),
    ],
)
def test_a_customer_who_is_not_asked_any_more_leaves_it_to_the_operator(reason: str, answer: str, tmp_path: Path) -> None:
    """Corrected or disputed for ever, and handed over again each time: so a few of 30,000 returns went round thousands of times."""
    api = _Heard()
    people = People(api, Lab(tmp_path), lambda reference, words: None)
    for version, state in enumerate(["waiting_customer", *["needs_decision"] * 3]):
        people.answer(_trouble(reason=reason, state=state, version=version), _pickup())
    asked, *left = api.posts
    assert asked == answer
    assert left == [f"/exceptions/exc_1/actions {action}" for action in ("requeue", "requeue", "cancel")]
