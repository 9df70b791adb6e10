"""Filters, sorts and cursors of the lists; and what belongs to a page's rows, read in as many questions for many as for one."""

from __future__ import annotations

import datetime as dt
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.contract.scans import Fault
from gateway import clock
from gateway.store import tables
from gateway.store.ledger import EXCEPTIONS, PickupException
from gateway.values import Mode
from tests.web.shop import SHIPPER, Shop

NOON = dt.datetime(2026, 3, 9, 12, 0, tzinfo=dt.UTC)


def references(shop: Shop, query: str) -> list[str]:
    return [one["reference"] for one in shop.get(f"/v1/pickups?{query}")["data"]]


def every_page(shop: Shop, path: str) -> Iterator[list[Any]]:
    """The pages of a list, to its end."""
    page = shop.get(path)
    while True:
        yield page["data"]
        if not page["page"]["has_more"]:
            return
        page = shop.get(f"{path}&after={page['page']['next']}")


def set_times(shop: Shop, **minutes: int) -> None:
    """When the pickups of these references were changed last: so many minutes past noon."""
    with shop.db.write() as tx:
        for reference, number in minutes.items():
            at = NOON + dt.timedelta(minutes=number)
            tx.execute(tables.pickups.update().where(tables.pickups.c.reference == reference).values(updated_at=at))


@pytest.fixture
def four(shop: Shop) -> Shop:
    """Pickups A1, A2, B1, B2, made in this order, changed in another, two of them at the same time."""
    for reference in ("A1", "A2", "B1", "B2"):
        shop.book(reference=reference, order={"number": f"SO-{reference[::-1]}"})
    set_times(shop, A1=3, A2=1, B1=1, B2=2)
    return shop


def test_a_number_is_no_time_to_filter_by_and_neither_is_null(shop: Shop) -> None:
    """Litestar would take it for seconds since 1970, and null for nothing."""
    for query in ("created_at[lt]=0.5", "created_at[gte]=1764000000", "created_at[gt]=null"):
        problem = shop.call("GET", f"/v1/pickups?{query}").json()
        assert (problem["code"], problem["errors"][0]["parameter"]) == ("invalid_parameter", query.partition("=")[0])


# --- sorts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("-created_at", ["B2", "B1", "A2", "A1"]),
        ("created_at", ["A1", "A2", "B1", "B2"]),
        ("-updated_at", ["A1", "B2", "B1", "A2"]),
        ("updated_at", ["A2", "B1", "B2", "A1"]),
        ("reference", ["A1", "A2", "B1", "B2"]),
        ("-reference", ["B2", "B1", "A2", "A1"]),
    ],
)
def test_a_list_comes_as_sorted_in_pages_of_any_size(four: Shop, sort: str, order: list[str]) -> None:
    assert references(four, f"sort={sort}") == order
    for size in (1, 2, 3):
        pages = [[one["reference"] for one in page] for page in every_page(four, f"/v1/pickups?sort={sort}&limit={size}")]
        assert ([one for page in pages for one in page], len(pages[0])) == (order, size)


@pytest.mark.parametrize("sort", ["-created_at", "updated_at", "-reference"])
def test_the_way_back_leads_through_the_same_pages(four: Shop, sort: str) -> None:
    path = f"/v1/pickups?sort={sort}&limit=1"
    there = [four.get(path)]
    while there[-1]["page"]["has_more"]:
        there.append(four.get(f"{path}&after={there[-1]['page']['next']}"))
    back = [there[-1]]
    while back[-1]["page"]["prev"]:
        back.append(four.get(f"{path}&before={back[-1]['page']['prev']}"))
    assert [page["data"] for page in reversed(back)] == [page["data"] for page in there]


def test_a_page_is_not_moved_by_what_is_added_meanwhile(four: Shop) -> None:
    first = four.get("/v1/pickups?limit=2")
    four.book(reference="C1")
    second = four.get(f"/v1/pickups?limit=2&after={first['page']['next']}")
    assert [one["reference"] for one in second["data"]] == ["A2", "A1"]


def test_a_sort_there_is_not_is_refused_with_those_there_are(four: Shop) -> None:
    answer = four.call("GET", "/v1/pickups?sort=price")
    assert four.errors(answer) == {"sort": "not_one_of"}
    assert "there are -created_at, created_at, -updated_at, updated_at, -reference, reference" in answer.json()["detail"]


def test_a_cursor_is_good_for_its_own_list_and_sort_only(four: Shop) -> None:
    cursor = four.get("/v1/pickups?limit=1")["page"]["next"]
    wrong = [
        f"/v1/pickups?sort=updated_at&after={cursor}",
        f"/v1/exceptions?after={cursor}",
        f"/v1/events?after={cursor}",
        "/v1/pickups?after=pck_1",
        "/v1/pickups?after=WyItY3JlYXRlZF9hdCIsMV0",
        "/v1/pickups?after=%00%00",
    ]
    found = [four.errors(four.call("GET", path)) for path in wrong]
    assert found == [{"after": "invalid_cursor"}] * 5 + [{"after": "control_character"}]


# --- filters of pickups ------------------------------------------------------------------------------


def test_pickups_are_found_by_how_a_reference_or_an_order_number_begins(four: Shop) -> None:
    assert [references(four, f"q={text}") for text in ("A1", "SO-1", "SO-2B", "so", "1A")] == [
        ["A1"],
        ["B1", "A1"],
        ["B2"],
        [],
        [],
    ]


def test_pickups_are_found_by_how_an_awb_begins(running: Shop) -> None:
    pickup_id = running.book(reference="A")["id"]
    running.drive()
    awb = running.get(f"/v1/pickups/{pickup_id}")["bookings"][0]["awb"]
    assert [references(running, f"q={text}") for text in (awb, awb[:5], awb[1:])] == [["A"], ["A"], []]


@pytest.mark.parametrize("text", ["A_", "A%25", "%2525", "\U0010ffff\U0010ffff", "A'--"])
def test_what_a_search_says_is_taken_word_for_word(four: Shop, text: str) -> None:
    assert references(four, f"q={text}") == []


def test_a_search_of_one_letter_is_none(four: Shop) -> None:
    assert four.errors(four.call("GET", "/v1/pickups?q=A")) == {"q": "invalid"}


def test_pickups_are_filtered_by_when_they_were_made(four: Shop) -> None:
    made = urllib.parse.quote(four.get("/v1/pickups?reference=A2")["data"][0]["created_at"])
    found = {name: references(four, f"sort=reference&created_at[{name}]={made}") for name in ("gte", "gt", "lte", "lt")}
    assert found == {"gte": ["A2", "B1", "B2"], "gt": ["B1", "B2"], "lte": ["A1", "A2"], "lt": ["A1"]}


def test_pickups_are_filtered_by_service_account_and_postal_code(running: Shop) -> None:
    running.book(reference="here", carrier={"pin": "ekart/surface"})
    running.drive()
    running.book(reference="there", shipper=SHIPPER | {"postal_code": "110001", "city": "Delhi", "state": "Delhi"})
    accounts = {one["carrier"]: one["id"] for one in running.get("/v1/carrier-accounts")["data"]}
    assert [references(running, query) for query in ("service=surface", "service=express", "postal_code=110001,560038")] == [
        ["here"],
        [],
        ["there", "here"],
    ]
    assert [references(running, f"account={accounts[code]}") for code in ("ekart", "delhivery")] == [["here"], []]
    assert [references(running, query) for query in ("postal_code=110001", "postal_code=1100")] == [["there"], []]


def test_carrier_and_service_are_those_of_one_booking(running: Shop) -> None:
    running.book(reference="A", carrier={"pin": "ekart/surface"})
    running.drive()
    found = [references(running, f"carrier={code}&service=surface") for code in ("ekart", "delhivery")]
    assert found == [["A"], []]


# --- exceptions --------------------------------------------------------------------------------------


@pytest.fixture
def queue(shop: Shop) -> Shop:
    """Exceptions exc_1 to exc_4, opened an hour apart, the second without a deadline."""
    for number, (reason, fault, assignee) in enumerate(
        [
            ("customer_unavailable", Fault.CUSTOMER, "mira"),
            ("not_attempted", Fault.CARRIER, ""),
            ("customer_unavailable", Fault.CUSTOMER, ""),
            ("no_carrier", Fault.NOBODY, ""),
        ],
        1,
    ):
        pickup_id = shop.book(reference=f"R{number}", order={"number": f"SO-{number}"})["id"]
        exception = PickupException(
            id=f"exc_{number}",
            merchant_id=shop.owner.merchant_id,
            mode=Mode.TEST,
            pickup_id=pickup_id,
            reason=reason,
            fault=fault,
            state="new",
            assignee=assignee,
            opened_at=NOON + dt.timedelta(hours=number),
            answer_by=None if number == 2 else NOON + dt.timedelta(days=5 - number),
        )
        with shop.db.write() as tx:
            EXCEPTIONS.insert(tx, exception)
    return shop


def numbers(shop: Shop, query: str) -> str:
    return "".join(one["id"][-1] for one in shop.get(f"/v1/exceptions?{query}")["data"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "4321"),
        ("sort=opened_at", "1234"),
        ("sort=answer_by", "4312"),
        ("fault=customer", "31"),
        ("fault=carrier,nobody", "42"),
        ("reason=no_carrier", "4"),
        ("assignee=mira", "1"),
        ("assignee=none", "432"),
        ("q=R2", "2"),
        ("q=SO-3", "3"),
        ("postal_code=560038", "4321"),
        ("postal_code=110001", ""),
        ("carrier=ekart", ""),
        ("opened_at[gt]=2026-03-09T13:00:00Z&opened_at[lte]=2026-03-09T15:00:00Z", "32"),
        ("opened_at[gte]=2026-03-09T16:00:00Z", "4"),
        ("opened_at[lt]=2026-03-09T14:00:00Z", "1"),
        ("answer_by[lt]=2026-03-12T00:00:00Z", "43"),
        ("quiet_hours=1", ""),
    ],
)
def test_exceptions_are_filtered_and_sorted(queue: Shop, query: str, found: str) -> None:
    assert numbers(queue, query) == found


@pytest.mark.parametrize("sort", ["-opened_at", "opened_at", "answer_by"])
def test_the_pages_of_exceptions_make_up_the_whole(queue: Shop, sort: str) -> None:
    pages = every_page(queue, f"/v1/exceptions?sort={sort}&limit=1")
    assert "".join(one["id"][-1] for page in pages for one in page) == numbers(queue, f"sort={sort}")


def test_pickups_of_which_nothing_was_heard_for_long_are_quiet(queue: Shop) -> None:
    with queue.db.write() as tx:
        long_ago = clock.wall() - dt.timedelta(hours=7)
        first = sa.select(tables.exceptions.c.pickup_id).where(tables.exceptions.c.id == "exc_1").scalar_subquery()
        tx.execute(tables.events.update().where(tables.events.c.pickup_id == first).values(at=long_ago))
    assert [numbers(queue, f"quiet_hours={hours}") for hours in (6, 8)] == ["1", ""]


def test_what_cannot_be_asked_of_exceptions_is_refused(queue: Shop) -> None:
    refused = {
        "sort=price": {"sort": "not_one_of"},
        "fault=mine": {"fault": "not_one_of"},
        "action=sing": {"action": "not_one_of"},
        "mood=bad": {"mood": "unknown_parameter"},
        "quiet_hours=0": {"quiet_hours": "invalid"},
        "opened_at[gte]=2026-01-01T00:00:00": {"opened_at[gte]": "invalid_format"},
    }
    assert {query: queue.errors(queue.call("GET", f"/v1/exceptions?{query}")) for query in refused} == refused


# --- expand ------------------------------------------------------------------------------------------


@contextmanager
def counted(shop: Shop) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    said: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def scan(shop: Shop, booking_id: str) -> None:
    """A line of tracking, come by poll."""
    row = {"booking_id": booking_id, "digest": b"d", "code": "Shipped", "milestone": "in_transit", "source": "poll"}
    with shop.db.write() as tx:
        tx.execute(tables.scans.insert().values(at=NOON, received_at=NOON, **row))


def test_many_pickups_with_all_that_belongs_to_them_take_as_many_questions_as_one(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop("ekart")
    for number in range(4):
        shop.book(reference=f"RMA-{number}")
    shop.drive()
    for one in shop.get("/v1/pickups?limit=4")["data"]:
        scan(shop, one["bookings"][0]["id"])
    asked = []
    for size in (1, 4):
        with counted(shop) as statements:
            found = shop.get(f"/v1/pickups?limit={size}&expand=bookings,visits,decision,events,label")["data"]
        assert [len(one["bookings"][0]["scans"]) for one in found] == [1] * size
        asked.append(len([one for one in statements if one.startswith("SELECT")]))
    assert asked[0] == asked[1]
