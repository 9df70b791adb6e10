"""Where any parcel is: asked with the caller's own accounts, in our words, and what a carrier's no or silence becomes."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from adapters.contract.carrier import AwbList
from adapters.contract.errors import CarrierError, Misread, OutcomeUnknown, RefusalKind, Refused, Throttled, Unreachable
from adapters.contract.scans import Milestone, Scan, Tracked
from gateway import clock
from gateway.carriers.memory import Memory
from gateway.services import tracing
from gateway.services.tracing import Sought
from gateway.store import accounts, tables
from gateway.store.accounts import ACCOUNTS
from gateway.values import Account
from tests.web.shop import Shop
from tests.world import SECRETS, SETTINGS

NOON = dt.datetime(2026, 3, 9, 12, 0, tzinfo=dt.UTC)
SCANS = (
    Scan(code="UD/Scheduled", at=NOON, milestone=Milestone.PICKUP_SCHEDULED, text="Scheduled"),
    Scan(code="PU/X-9", at=NOON + dt.timedelta(hours=2), milestone=Milestone.UNKNOWN, text="Something new", place="Surat"),
)
WHOLE = Tracked(awb="777", scans=SCANS, expected_delivery=NOON + dt.timedelta(days=2), moved_by="usps")
UNKNOWN = Refused(RefusalKind.INVALID_REQUEST, "404", "no such waybill")


class Carriers:
    """Stands for the carriers' client: every account gets the answer said here; `asked` are the accounts."""

    def __init__(self, *answers: Tracked | CarrierError | None, refuses: CarrierError | None = None) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)
        self._refuses = refuses
        self._by_account: dict[str, Tracked | CarrierError | None] = {}

    async def ask(self, account: Account, name: str, question: AwbList, **_: Any) -> Any:
        self.asked.append(account.id)
        if self._refuses:
            raise self._refuses
        if account.id not in self._by_account:
            self._by_account[account.id] = self._answers[len(self._by_account) % len(self._answers)]
        found = self._by_account[account.id]
        return {awb: found for awb in question.awbs if found}

    async def close(self) -> None:
        """Nothing was opened."""


def answering(shop: Shop, *answers: Tracked | CarrierError | None, refuses: CarrierError | None = None) -> Carriers:
    carriers = Carriers(*answers, refuses=refuses)
    shop.kit.carriers = cast(Any, carriers)
    return carriers


def add_account(shop: Shop, carrier: str = "delhivery") -> str:
    with shop.db.write() as tx:
        row = accounts.add(
            tx,
            shop.kit.vault,
            shop.owner,
            carrier=carrier,
            name="second",
            secrets=SECRETS[carrier],
            settings=SETTINGS[carrier],
            callback_token="another",
            now=clock.wall(),
        )
    return row.id


def track(shop: Shop, path: str = "delhivery/777", **more: Any) -> Any:
    return shop.call("GET", f"/v1/tracking/{path}", **more)


def the_account(shop: Shop) -> str:
    return str(shop.get("/v1/carrier-accounts")["data"][-1]["id"])


@pytest.fixture
def one(make_shop: Callable[..., Shop]) -> Shop:
    """A merchant with one account, with Delhivery."""
    return make_shop("delhivery")


# --- the answer --------------------------------------------------------------------------------------


def test_a_parcel_is_told_in_our_words_and_the_carriers(one: Shop) -> None:
    answering(one, WHOLE)
    found = one.get("/v1/tracking/delhivery/777")
    asked_at = found.pop("asked_at")
    assert found == {
        "carrier": "delhivery",
        "awb": "777",
        "account": the_account(one),
        "moved_by": "usps",
        "milestone": "unknown",
        "expected_delivery": "2026-03-11T12:00:00Z",
        "scans": [
            {"at": "2026-03-09T12:00:00Z", "code": "UD/Scheduled", "milestone": "pickup_scheduled", "reason": None,
             "text": "Scheduled", "place": ""},
            {"at": "2026-03-09T14:00:00Z", "code": "PU/X-9", "milestone": "unknown", "reason": None,
             "text": "Something new", "place": "Surat"},
        ],
        "pickup": None,
    }  # fmt: skip
    assert abs(dt.datetime.fromisoformat(asked_at) - clock.wall()) < dt.timedelta(minutes=1)


def test_before_its_first_scan_a_parcel_has_no_milestone(one: Shop) -> None:
    answering(one, Tracked(awb="777", scans=()))
    found = one.get("/v1/tracking/delhivery/777")
    assert (found["milestone"], found["scans"], found["moved_by"]) == (None, [], "delhivery")


@pytest.mark.parametrize("carrier", ["delhivery", "ekart"])
def test_a_parcel_that_was_booked_here_is_told_with_its_pickup(running: Shop, carrier: str) -> None:
    pickup_id = running.book(carrier={"pin": carrier})["id"]
    running.drive()
    booking = running.get(f"/v1/pickups/{pickup_id}")["bookings"][0]
    found = running.get(f"/v1/tracking/{carrier}/{booking['awb']}")
    assert (found["pickup"], found["account"], found["awb"]) == (pickup_id, booking["account"], booking["awb"])
    assert found["milestone"] == "pickup_scheduled"


def test_nothing_is_written(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    booking = running.get(f"/v1/pickups/{pickup_id}")["bookings"][0]
    before = running.count(tables.scans)
    running.get(f"/v1/tracking/{booking['carrier']}/{booking['awb']}")
    assert running.count(tables.scans) == before


# --- whom is asked -----------------------------------------------------------------------------------


def test_of_many_accounts_the_one_that_knows_it_answers(one: Shop) -> None:
    second = add_account(one)
    carriers = answering(one, UNKNOWN, WHOLE)
    assert one.get("/v1/tracking/delhivery/777")["account"] == second
    assert len(carriers.asked) == 2


def test_only_the_account_that_is_named_is_asked(one: Shop) -> None:
    second = add_account(one)
    carriers = answering(one, WHOLE)
    one.get(f"/v1/tracking/delhivery/777?account={second}")
    assert carriers.asked == [second]


def test_another_merchants_accounts_are_never_asked(one: Shop) -> None:
    carriers = answering(one, WHOLE)
    other = one.other_merchant()
    paths = ["delhivery/777", f"delhivery/777?account={the_account(one)}"]
    assert [(track(one, path, key=other).status_code, carriers.asked) for path in paths] == [(404, [])] * 2


def test_what_was_booked_here_for_somebody_else_is_not_asked_about_over_a_shared_contract(running: Shop) -> None:
    pickup_id = running.book(carrier={"pin": "delhivery"})["id"]
    running.drive()
    awb = running.get(f"/v1/pickups/{pickup_id}")["bookings"][0]["awb"]
    other = running.other_merchant()
    body = {"carrier": "delhivery", "credentials": SECRETS["delhivery"], "settings": SETTINGS["delhivery"]}
    running.post("/v1/carrier-accounts", body, key=other)
    answer = track(running, f"delhivery/{awb}", key=other)
    assert (answer.status_code, answer.json()["code"], "carrier" in answer.json()) == (404, "not_found", False)


@pytest.mark.parametrize("path", ["snail/777", "ekart/777", "delhivery/777?account=cac_none"])
def test_without_such_an_account_there_is_nothing_to_be_found(one: Shop, path: str) -> None:
    carriers = answering(one, WHOLE)
    assert (track(one, path).status_code, carriers.asked) == (404, [])


def test_an_account_that_is_switched_off_is_not_asked(one: Shop) -> None:
    account_id = the_account(one)
    with one.db.write() as tx:
        ACCOUNTS.update(tx, account_id, enabled=False, disabled_reason="unauthorized: 401")
    carriers = answering(one, WHOLE)
    answer = track(one)
    assert (answer.status_code, answer.json()["code"], carriers.asked) == (409, "wrong_state", [])
    assert "unauthorized: 401" in answer.json()["detail"]


# --- noes and silence --------------------------------------------------------------------------------


def test_an_unknown_parcel_is_not_found_in_the_carriers_own_words(one: Shop) -> None:
    answering(one, UNKNOWN)
    problem = track(one).json()
    assert (problem["status"], problem["code"]) == (404, "not_found")
    assert problem["carrier"] == {
        "code": "invalid_request",
        "raw_code": "404",
        "raw_message": "no such waybill",
        "retryable": False,
    }


def test_a_carrier_that_says_nothing_of_the_parcel_does_not_know_it(one: Shop) -> None:
    answering(one, None)
    assert track(one).status_code == 404


@pytest.mark.parametrize("within", [True, False])
def test_refused_credentials_are_a_conflict(one: Shop, within: bool) -> None:
    refusal = Refused(RefusalKind.UNAUTHORIZED, "401", "Unauthorized client")
    answering(one, *([refusal] if within else []), refuses=None if within else refusal)
    problem = track(one).json()
    assert (problem["status"], problem["code"]) == (409, "carrier_refused")
    assert problem["carrier"] == {
        "code": "unauthorized",
        "raw_code": "401",
        "raw_message": "Unauthorized client",
        "retryable": False,
    }


@pytest.mark.parametrize(
    ("error", "code", "seconds"),
    [
        (Unreachable("no route"), "unreachable", 30),
        (OutcomeUnknown("HTTP 502"), "outcomeunknown", 30),
        (Misread("not the documented JSON"), "misread", 30),
        (Throttled("too fast", retry_after=dt.timedelta(seconds=11.2)), "throttled", 12),
    ],
)
def test_a_carrier_that_does_not_answer_may_be_asked_again(one: Shop, error: CarrierError, code: str, seconds: int) -> None:
    answering(one, refuses=error)
    answer = track(one)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "carrier_unavailable", str(seconds))
    assert answer.json()["carrier"] == {
        "code": code,
        "raw_code": "",
        "raw_message": str(error),
        "retryable": True,
        "retry_after": seconds,
    }


def test_silence_of_one_account_outweighs_the_no_of_another(one: Shop) -> None:
    add_account(one)
    answering(one, UNKNOWN, Misread("half an answer"))
    assert track(one).json()["code"] == "carrier_unavailable"


def test_a_carrier_that_is_slow_is_left_behind(one: Shop) -> None:
    class Slow(Carriers):
        async def ask(self, account: Account, name: str, question: AwbList, **_: Any) -> Any:
            await asyncio.Event().wait()

    one.kit.carriers = cast(Any, Slow(WHOLE))
    sought = Sought(carrier="delhivery", awb="777")
    with pytest.raises(Unreachable, match="no answer in time"):
        asyncio.run(tracing.trace(one.kit, one.owner, sought, now=NOON, wall=NOON, patience=0.01))


def test_without_a_lab_a_test_account_cannot_be_asked(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop("delhivery", lab=False)
    assert (track(shop).status_code, track(shop).json()["code"]) == (503, "lab_not_running")


def test_over_the_wire_an_unknown_parcel_and_a_broken_carrier_are_told_apart(running: Shop) -> None:
    unknown = [track(running, f"{carrier}/999999999999").status_code for carrier in ("delhivery", "ekart")]
    assert running.lab
    for carrier in ("delhivery", "ekart"):
        body = json.dumps({"carrier": carrier, "kind": "server_error", "operation": "track"}).encode()
        assert running.lab.answer("POST", "/_lab/faults", {}, body)[0] < 300
    broken = [track(running, f"{carrier}/999999999998").status_code for carrier in ("delhivery", "ekart")]
    assert (unknown, broken) == ([404, 404], [503, 503])


# --- memory ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [WHOLE, UNKNOWN])
def test_an_answer_is_remembered_for_a_while(one: Shop, outcome: Tracked | CarrierError) -> None:
    one.kit.memory = Memory()
    carriers = answering(one, outcome)
    first, again = track(one), track(one)
    assert (first.status_code, len(carriers.asked)) == (again.status_code, 1)
    track(one, "delhivery/778")
    assert len(carriers.asked) == 2


def test_silence_is_not_remembered(one: Shop) -> None:
    one.kit.memory = Memory()
    carriers = answering(one, refuses=Unreachable("no route"))
    track(one)
    track(one)
    assert len(carriers.asked) == 2


def test_when_the_test_clock_has_moved_the_carrier_is_asked_again(one: Shop) -> None:
    one.kit.memory = Memory()
    carriers = answering(one, WHOLE)
    track(one)
    with one.db.write() as tx:
        tx.execute(tables.merchants.update().values(clock_offset=3600))
    track(one)
    assert len(carriers.asked) == 2
