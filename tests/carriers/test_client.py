"""Asking a carrier: where it goes, with which token, how often, and what a failure means."""

from __future__ import annotations

import asyncio
import datetime as dt
from itertools import count

import httpx
import msgspec
import pytest

from adapters.contract.carrier import Instruction, Later, Next, Serviceability
from adapters.contract.errors import (
    CarrierError,
    Misread,
    OutcomeUnknown,
    Pending,
    RefusalKind,
    Refused,
    Throttled,
    Unreachable,
)
from gateway.carriers.client import NoLab, Unsupported
from gateway.carriers.registry import NoSuchCarrier
from gateway.values import Mode
from tests.carriers.asking import AWBS, BOOKING, PINCODE, PINS, STOP, Desk, account, always, failing, order, run, token
from tests.contract import examples

SERVED = Serviceability(serviceable=True)
YES = always(httpx.Response(200, json=PINS))


# --- where to -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"mode": Mode.TEST}, "http://lab.test:8090/delhivery/"),
        ({"mode": Mode.LIVE}, "https://track.delhivery.com/"),
        ({"mode": Mode.TEST, "base_url": "https://staging.test/x"}, "https://staging.test/x/"),
        ({"mode": Mode.LIVE, "base_url": "https://proxy.test"}, "https://proxy.test/"),
    ],
)
def test_test_accounts_reach_the_lab_and_live_ones_the_carrier_unless_told_otherwise(changes, address):
    desk = Desk(YES)
    assert run(desk.ask("serviceability", STOP, account(**changes))) == SERVED
    assert desk.urls == [f"{address}c/api/pin-codes/json/?filter_codes=560038"]


def test_a_test_account_without_a_lab_says_so():
    def no_lab() -> str:
        raise NoLab("start it")

    with pytest.raises(NoLab, match="start it"):
        run(Desk(YES, no_lab).ask("serviceability", STOP, account()))


def test_a_live_account_needs_no_lab():
    def no_lab() -> str:
        raise NoLab("start it")

    assert run(Desk(YES, no_lab).ask("serviceability", STOP, account(mode=Mode.LIVE))) == SERVED


def test_what_a_carrier_cannot_be_asked_is_a_bug():
    with pytest.raises(Unsupported, match="ekart has no find"):
        run(Desk(YES).ask("find", None, account("ekart")))


def test_a_carrier_that_is_not_installed_is_named():
    snail = msgspec.structs.replace(account(), carrier="snail")
    with pytest.raises(NoSuchCarrier, match=r"no carrier 'snail'; installed: .*delhivery"):
        run(Desk(YES).ask("find", None, snail))


# --- steps ----------------------------------------------------------------------------------------------


def test_all_steps_are_asked_and_each_knows_what_the_one_before_learned():
    def charge(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[{"total_amount": 100 if request.url.params["md"] == "S" else 140}])

    desk = Desk(charge)
    quotes = run(desk.ask("quote", examples.enquiry(), account()))
    assert [(quote.service, quote.price.minor) for quote in quotes] == [("surface", 10_000), ("express", 14_000)]
    assert [exchange.operation for exchange in desk.told] == ["quote", "quote"]


def test_a_step_that_this_account_does_not_need_is_passed_over_without_a_call():
    desk = Desk(YES)
    assert run(desk.step("book", 0, order(), account())) == Next(so_far={})
    assert (desk.asked, desk.told) == ([], [])


def test_a_step_that_this_account_needs_is_asked():
    desk = Desk(always(httpx.Response(200, json="57930810000066")))
    settings = {**examples.SETTINGS["delhivery"], "waybills": "prefetched"}
    assert run(desk.step("book", 0, order(), account(settings=settings))) == Next(so_far={"waybill": "57930810000066"})


def test_an_answer_that_comes_later_is_pending_for_those_who_ask_all_at_once():
    def upload(request: httpx.Request) -> httpx.Response:
        done = {"status": "", "request_id": "UPL1", "failed_wbns": [], "success_wbns": []}
        return httpx.Response(200, json={"request_id": "UPL1"} if request.method == "POST" else done)

    desk = Desk(upload)
    later = run(desk.step("reattempt", 1, Instruction(booking=BOOKING), account(), {"upl": "UPL1"}))
    assert later == Later(at=examples.NOW + dt.timedelta(seconds=30), after=dt.timedelta(seconds=30), so_far=later.so_far)
    with pytest.raises(Pending, match="03:00:30"):
        run(desk.ask("reattempt", Instruction(booking=BOOKING), account()))


# --- what a failure means -------------------------------------------------------------------------------

LOST = failing(httpx.ReadTimeout)


@pytest.mark.parametrize(
    ("say", "name", "index", "question", "error"),
    [
        (LOST, "book", 1, order(), OutcomeUnknown),  # the step that commits
        (LOST, "reattempt", 0, Instruction(booking=BOOKING), OutcomeUnknown),
        (LOST, "serviceability", 0, STOP, Unreachable),
        (LOST, "track", 0, AWBS, Unreachable),
        (LOST, "cancel", 0, BOOKING, OutcomeUnknown),  # though it may be repeated at this carrier
        (always(httpx.Response(503)), "book", 1, order(), OutcomeUnknown),
        (always(httpx.Response(503)), "track", 0, AWBS, Unreachable),
        (always(httpx.Response(200, content=b"<html>")), "book", 1, order(), Misread),
        (always(httpx.Response(200, content=b"<html>")), "track", 0, AWBS, Misread),
        (failing(httpx.ConnectError), "book", 1, order(), Unreachable),
        (always(httpx.Response(429)), "book", 1, order(), Throttled),
    ],
)
def test_a_lost_answer_is_an_unknown_outcome_only_where_something_was_changed(say, name, index, question, error):
    with pytest.raises(CarrierError) as raised:
        run(Desk(say).step(name, index, question, account()))
    assert type(raised.value) is error


def test_a_failure_carries_the_id_of_its_exchange():
    desk = Desk(LOST)
    with pytest.raises(OutcomeUnknown) as raised:
        run(desk.step("book", 1, order(), account()))
    assert [exchange.id for exchange in desk.told] == [raised.value.exchange]


def test_an_exchange_without_an_answer_has_no_status_and_says_why():
    desk = Desk(LOST)
    with pytest.raises(OutcomeUnknown):
        run(desk.step("book", 1, order(), account()))
    assert [(exchange.status, "ReadTimeout" in exchange.response) for exchange in desk.told] == [(None, True)]


def test_what_is_refused_before_it_is_sent_is_no_exchange():
    desk = Desk(YES)
    with pytest.raises(Refused) as raised:
        run(desk.ask("serviceability", examples.stop(postal_code="?"), account()))
    assert (raised.value.exchange, desk.told, desk.asked) == ("", [], [])


def test_a_bug_in_reading_is_still_witnessed_and_stays_a_bug():
    desk = Desk(YES)
    with pytest.raises(AttributeError):
        run(desk.ask("serviceability", BOOKING, account()))
    assert desk.asked == []


# --- the witness ----------------------------------------------------------------------------------------


def test_the_witness_is_told_what_was_said_without_secrets_or_people():
    customer = examples.CUSTOMER
    desk = Desk(always(httpx.Response(200, json={"success": False, "rmk": f"no {customer.name}, tok-4711", "packages": []})))
    with pytest.raises(CarrierError):
        run(desk.step("book", 1, order(), account()))
    (exchange,) = desk.told
    assert exchange.request.startswith("POST http://lab.test:8090/delhivery/api/cmu/create.json\n\nformat=json&data=")
    assert "GW1" in exchange.request
    for private in ("tok-4711", customer.name, "Asha", customer.phone, "Rose", examples.WAREHOUSE.phone, "Returns"):
        assert private not in exchange.request + exchange.response
    assert (exchange.operation, exchange.status, exchange.response[:8]) == ("book", 200, "HTTP 200")


def test_nobody_has_to_witness():
    desk = Desk(YES)
    assert run(desk.carriers.ask(account(), "serviceability", STOP, now=examples.NOW)) == SERVED


# --- tokens ---------------------------------------------------------------------------------------------


class Gate:
    """Ekart's door: hands out tok1, tok2... and lets in those it has not taken back."""

    def __init__(self, lifetime: int = 3600) -> None:
        self.lifetime = lifetime
        self.revoked: set[str] = set()
        self.handed_out = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "/auth/token/" in request.url.path:
            self.handed_out += 1
            return token(f"tok{self.handed_out}", self.lifetime)
        bad = request.headers["authorization"].removeprefix("Bearer ") in self.revoked
        return httpx.Response(401) if bad else httpx.Response(200, json=PINCODE)


def test_a_token_is_fetched_once_and_used_as_long_as_it_holds():
    gate = Gate()
    desk = Desk(gate)

    async def work() -> None:
        for _ in range(3):
            await desk.ask("serviceability", STOP, account("ekart"))

    run(work())
    assert [request.headers.get("authorization") for request in desk.asked] == [None, *["Bearer tok1"] * 3]


def test_a_token_is_fetched_once_however_many_wait_for_it():
    gate = Gate()
    desk = Desk(gate)

    async def work() -> None:
        await asyncio.gather(*(desk.ask("serviceability", STOP, account("ekart")) for _ in range(8)))

    run(work())
    assert (gate.handed_out, len(desk.asked)) == (1, 9)


def test_each_account_has_its_own_token():
    gate = Gate()
    desk = Desk(gate)

    async def work() -> None:
        for number in (1, 2, 1):
            await desk.ask("serviceability", STOP, account("ekart", id=f"cac_{number}"))

    run(work())
    assert [request.headers["authorization"] for request in desk.asked if "authorization" in request.headers] == [
        "Bearer tok1",
        "Bearer tok2",
        "Bearer tok1",
    ]


def test_a_token_that_is_about_to_run_out_is_not_kept():
    gate = Gate(lifetime=60)
    desk = Desk(gate)

    async def work() -> None:
        for _ in range(2):
            await desk.ask("serviceability", STOP, account("ekart"))

    run(work())
    assert gate.handed_out == 2


def test_a_token_taken_back_is_replaced_once():
    gate = Gate()
    desk = Desk(gate)

    async def work() -> Serviceability:
        await desk.ask("serviceability", STOP, account("ekart"))
        gate.revoked.add("tok1")
        answer: Serviceability = await desk.ask("serviceability", STOP, account("ekart"))
        return answer

    assert (run(work()), gate.handed_out) == (SERVED, 2)


def test_a_door_that_stays_shut_is_unauthorized_after_one_fresh_token():
    gate = Gate()
    gate.revoked |= {f"tok{number}" for number in range(10)}
    with pytest.raises(Refused) as raised:
        run(Desk(gate).ask("serviceability", STOP, account("ekart")))
    assert (raised.value.kind, gate.handed_out) == (RefusalKind.UNAUTHORIZED, 2)


def test_credentials_that_do_not_sign_in_are_tried_once():
    desk = Desk(always(httpx.Response(401)))
    with pytest.raises(Refused) as raised:
        run(desk.ask("sign_in", None, account("ekart")))
    assert (raised.value.kind, len(desk.asked)) == (RefusalKind.UNAUTHORIZED, 1)


def test_without_signing_in_an_unauthorized_question_is_not_repeated():
    desk = Desk(always(httpx.Response(401)))
    with pytest.raises(Refused):
        run(desk.ask("serviceability", STOP, account()))
    assert len(desk.asked) == 1


# --- quotas and pools -----------------------------------------------------------------------------------


def test_a_question_beyond_the_carriers_quota_is_not_sent():
    desk = Desk(always(httpx.Response(200, json=[{"total_amount": 100}])))

    async def work() -> None:
        for _ in count():
            await desk.ask("quote", examples.enquiry(), account())

    with pytest.raises(Throttled, match="quota for quote") as raised:
        run(work())
    assert len(desk.asked) == 50
    assert dt.timedelta(0) < raised.value.retry_after <= dt.timedelta(seconds=6)


def test_one_accounts_quota_is_not_anothers():
    desk = Desk(always(httpx.Response(200, json=[{"total_amount": 100}])))

    async def work() -> None:
        for number in range(60):
            await desk.ask("quote", examples.enquiry(), account(id=f"cac_{number % 3}"))

    run(work())
    assert len(desk.asked) == 120


def test_each_account_has_a_pool_of_its_own_that_is_used_again():
    desk = Desk(YES)

    async def work() -> None:
        for number in (1, 2, 1, 2):
            await desk.ask("serviceability", STOP, account(id=f"cac_{number}"))

    run(work())
    assert len(desk.pools) == 2


def test_the_pool_used_longest_ago_is_closed_when_there_are_too_many():
    desk = Desk(YES)

    async def work() -> None:
        for number in [*range(200), 0, 200]:
            await desk.ask("serviceability", STOP, account(id=f"cac_{number}"))
        await asyncio.sleep(0.02)

    run(work())
    assert [number for number, pool in enumerate(desk.pools) if pool.closed] == [1]


def test_closing_the_client_closes_its_pools():
    desk = Desk(YES)

    async def work() -> None:
        for number in (1, 2):
            await desk.ask("serviceability", STOP, account(id=f"cac_{number}"))
        await desk.carriers.close()

    run(work())
    assert [pool.closed for pool in desk.pools] == [True, True]


# --- the lab's own steering -----------------------------------------------------------------------------


def test_the_lab_is_steered_over_its_own_address():
    desk = Desk(always(httpx.Response(200, json={"ok": True})))
    assert run(desk.carriers.steer_lab("/_lab/clock", b"{}")).json() == {"ok": True}
    assert [(request.method, str(request.url), request.content) for request in desk.asked] == [
        ("POST", "http://lab.test:8090/_lab/clock", b"{}")
    ]


def test_a_lab_that_does_not_answer_is_no_lab():
    with pytest.raises(NoLab, match="does not answer"):
        run(Desk(failing(httpx.ConnectError)).carriers.steer_lab("/_lab/clock", b"{}"))
