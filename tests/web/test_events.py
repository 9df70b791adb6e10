"""The feed of events: everything once, in an order that stays, also when transactions end in another order than they began."""

from __future__ import annotations

import datetime as dt
import functools
import random
import threading
import time
import urllib.parse
from typing import Any

import pytest
import sqlalchemy as sa

from gateway import clock
from gateway.life.events import EVENT_TYPES
from gateway.services import pausing
from gateway.services.notifying import emit
from gateway.store import cases, feed, tables
from gateway.store.accounts import ACCOUNTS
from gateway.store.ledger import PICKUPS
from tests import ledgers
from tests.processes.running import eventually
from tests.threads import together
from tests.web.shop import Shop

on_postgresql_only = pytest.mark.skipif(not ledgers.on_postgresql(), reason="on SQLite writers take turns")


def pull(shop: Shop, query: str = "", **more: Any) -> Any:
    return shop.get(f"/v1/events?{query}", **more)


def happen(tx: sa.Connection, pickup_id: str, kind: str = "pickup.booked") -> None:
    """An event, told within a transaction that goes on."""
    emit(tx, PICKUPS.one(tx, pickup_id), kind, {}, clock.wall(), clock.wall())


def told(found: Any) -> list[tuple[str, int]]:
    return [(one["type"], one["sequence"]) for one in found["data"]]


def test_all_events_of_a_merchant_are_told_oldest_first(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    found = pull(running)
    assert found["data"] == running.get(f"/v1/pickups/{pickup_id}/events")["data"]
    assert told(found)[0] == ("pickup.requested", 1)
    assert {one["type"] for one in found["data"]} <= set(EVENT_TYPES)


def test_whoever_reads_on_gets_every_event_once(shop: Shop) -> None:
    for number in range(7):
        shop.book(reference=f"RMA-{number}")
    seen: list[str] = []
    page = pull(shop, "limit=3")
    while page["data"]:
        seen += [one["id"] for one in page["data"]]
        page = pull(shop, f"limit=3&after={page['page']['next']}")
    assert seen == [one["id"] for one in pull(shop, "limit=200")["data"]]
    assert len(set(seen)) == 7


def test_at_the_end_the_cursor_stays_and_later_events_follow_it(shop: Shop) -> None:
    shop.book(reference="A")
    end = pull(shop)["page"]
    assert (end["has_more"], pull(shop, f"after={end['next']}")) == (
        False,
        {"data": [], "page": {"next": end["next"], "prev": None, "has_more": False}},
    )
    later = shop.book(reference="B")["id"]
    assert [one["pickup"] for one in pull(shop, f"after={end['next']}")["data"]] == [later]


def test_before_the_first_event_there_is_nothing_to_go_on_from(shop: Shop) -> None:
    assert pull(shop) == {"data": [], "page": {"next": None, "prev": None, "has_more": False}}


def test_the_header_leads_on_while_there_is_more(shop: Shop) -> None:
    for number in range(3):
        shop.book(reference=f"RMA-{number}")
    first = shop.call("GET", "/v1/events?limit=2")
    following = first.json()["page"]["next"]
    assert first.headers["link"] == f'</v1/events?limit=2&after={following}>; rel="next"'
    assert "link" not in shop.call("GET", f"/v1/events?limit=2&after={following}").headers


@on_postgresql_only
def test_who_hangs_in_a_transaction_holds_nobody_up_and_is_told_when_it_ends(shop: Shop) -> None:
    slow, fast = shop.book(reference="slow")["id"], shop.book(reference="fast")["id"]
    start = pull(shop)["page"]["next"]
    with shop.db.write() as late:
        happen(late, slow)
        with shop.db.write() as tx:
            happen(tx, fast)
        early = pull(shop, f"after={start}")
    assert [one["pickup"] for one in early["data"]] == [fast]
    assert [one["pickup"] for one in pull(shop, f"after={early['page']['next']}")["data"]] == [slow]
    assert [one["pickup"] for one in pull(shop, f"after={start}")["data"]] == [fast, slow]


@on_postgresql_only
def test_the_events_of_a_pickup_keep_their_sequence_whoever_began_first(shop: Shop) -> None:
    pickup_id, other = shop.book(reference="one")["id"], shop.book(reference="other")["id"]
    start = pull(shop)["page"]["next"]
    with shop.db.write() as late:
        happen(late, other)  # it has its number from here
        with shop.db.write() as tx:
            happen(tx, pickup_id)
        happen(late, pickup_id, "pickup.collected")
    mine = [one for one in pull(shop, f"after={start}")["data"] if one["pickup"] == pickup_id]
    assert [(one["type"], one["sequence"]) for one in mine] == [("pickup.booked", 2), ("pickup.collected", 3)]


@on_postgresql_only
def test_while_somebody_gives_places_nobody_waits_and_nothing_is_told_out_of_turn(shop: Shop) -> None:
    first = shop.book(reference="first")["id"]
    with shop.db.write() as tx:
        feed.give_places(tx, clock.wall())
        second = shop.book(reference="second")["id"]
        assert pull(shop)["data"] == []
    assert [one["pickup"] for one in pull(shop)["data"]] == [first, second]


def test_readers_beside_writers_whose_transactions_overlap_miss_nothing_and_agree_on_the_order(shop: Shop) -> None:
    pickups = [shop.book(reference=f"RMA-{number}")["id"] for number in range(4)]
    writers = [functools.partial(write_at_random, shop, pickups, seed) for seed in range(2)]
    done = threading.Event()
    readers = [functools.partial(follow, shop, limit, done) for limit in (1, 7)]

    def write_all() -> list[str]:
        together(*writers)
        eventually(lambda: told_all(shop))
        done.set()
        return [one["id"] for one in pull(shop, "limit=200")["data"]]

    ids, *seen = together(write_all, *readers)
    assert seen == [ids, ids]
    assert len(ids) == len(set(ids)) == shop.count(tables.events)
    whole = pull(shop, "limit=200")["data"]
    for pickup_id in pickups:
        sequences = [one["sequence"] for one in whole if one["pickup"] == pickup_id]
        assert sequences == sorted(sequences)


def told_all(shop: Shop) -> bool:
    """Whether every event has its place: who reads while another one gives places leaves that to him."""
    return len(pull(shop, "limit=200")["data"]) == shop.count(tables.events)


def write_at_random(shop: Shop, pickups: list[str], seed: int) -> None:
    """Transactions of one to three events; as pickups are held in one order, none waits for another in a circle."""
    dice = random.Random(seed)
    for _ in range(25):
        with shop.db.write() as tx:
            for pickup_id in sorted(dice.sample(pickups, dice.randint(1, 3))):
                cases.load(tx, pickup_id)
                happen(tx, pickup_id)
                time.sleep(dice.random() * 0.01)


def follow(shop: Shop, limit: int, done: threading.Event) -> list[str]:
    """The ids of all that is told, until nothing comes any more after `done`."""
    seen: list[str] = []
    query = f"limit={limit}"
    while True:
        last_look = done.is_set()
        page = pull(shop, query)
        seen += [one["id"] for one in page["data"]]
        if page["page"]["next"]:
            query = f"limit={limit}&after={page['page']['next']}"
        if last_look and not page["data"]:
            return seen


def test_places_go_on_above_all_that_was_told_where_an_older_backup_was_restored(shop: Shop) -> None:
    """What was told after the backup is gone with its places; the cursors that clients keep are not."""
    shop.book(reference="before")
    with shop.db.read() as tx:
        backup = tx.scalar(sa.select(tables.feed_head.c.last))
    shop.book(reference="lost")
    cursor = pull(shop)["page"]["next"]
    with shop.db.write() as tx:
        tx.execute(tables.events.delete().where(tables.events.c.place > backup))
        tx.execute(tables.feed_head.update().values(last=backup))
    time.sleep(0.002)  # a restore takes longer
    later = shop.book(reference="later")["id"]
    assert [one["pickup"] for one in pull(shop, f"after={cursor}")["data"]] == [later]


def test_places_rise_also_where_the_clock_goes_back(shop: Shop) -> None:
    shop.book(reference="one")
    pull(shop)
    shop.book(reference="two")
    with shop.db.write() as tx:
        feed.give_places(tx, clock.wall() - dt.timedelta(days=1))
    shop.book(reference="three")
    assert [one["data"]["pickup"]["reference"] for one in pull(shop)["data"]] == ["one", "two", "three"]


def test_events_of_one_transaction_come_by_their_sequence(shop: Shop) -> None:
    pickup_id = shop.book()["id"]
    with shop.db.write() as tx:
        for kind in ("pickup.booked", "pickup.collected", "pickup.delivered"):
            happen(tx, pickup_id, kind)
    assert told(pull(shop)) == [("pickup.requested", 1), ("pickup.booked", 2), ("pickup.collected", 3), ("pickup.delivered", 4)]


def test_events_are_filtered_by_type_pickup_and_time(shop: Shop) -> None:
    first, second = shop.book(reference="A")["id"], shop.book(reference="B")["id"]
    with shop.db.write() as tx:
        happen(tx, first)
    assert told(pull(shop, "type=pickup.booked,pickup.lost")) == [("pickup.booked", 2)]
    assert [one["pickup"] for one in pull(shop, f"pickup={second}")["data"]] == [second]
    made = urllib.parse.quote(pull(shop, "type=pickup.booked")["data"][0]["created_at"])
    assert [len(pull(shop, f"created_at[{name}]={made}")["data"]) for name in ("gte", "gt", "lte", "lt")] == [1, 0, 3, 2]


def test_what_cannot_be_a_filter_is_refused_with_what_can(shop: Shop) -> None:
    answer = shop.call("GET", "/v1/events?type=pickup.sung")
    assert shop.errors(answer) == {"type": "not_one_of"}
    assert "there are carrier_account.disabled, " in answer.json()["detail"]
    assert shop.errors(shop.call("GET", "/v1/events?state=booked")) == {"state": "unknown_parameter"}
    assert shop.errors(shop.call("GET", "/v1/events?before=x")) == {"before": "unknown_parameter"}
    assert shop.errors(shop.call("GET", "/v1/events?created_at[gte]=2026-01-01T00:00:00")) == {"created_at[gte]": "invalid_format"}


def test_an_accounts_event_has_no_pickup(running: Shop) -> None:
    with running.db.write() as tx:
        row = ACCOUNTS.all(tx)[0]
        pausing.tell(tx, row, "carrier_account.disabled", {"reason": "401"}, clock.wall())
    (found,) = pull(running, "type=carrier_account.disabled")["data"]
    assert (found["pickup"], found["sequence"], found["data"]) == (
        None,
        0,
        {"carrier_account": row.id, "carrier": row.carrier, "reason": "401"},
    )


def test_another_merchant_and_the_other_mode_see_none_of_it(shop: Shop) -> None:
    shop.book()
    assert [pull(shop, key=key)["data"] for key in (shop.other_merchant(), shop.live_key())] == [[], []]


def test_what_a_version_without_places_has_told_lies_before_all_that_is_new(shop: Shop) -> None:
    """The migration made its numbers into places; its cursors go on to be understood."""
    shop.book(reference="old")
    with shop.db.write() as tx:
        tx.execute(tables.events.update().values(feed=4711, place=4711))
    cursor = pull(shop)["page"]["next"]
    shop.book(reference="new")
    assert [one["data"]["pickup"]["reference"] for one in pull(shop)["data"]] == ["old", "new"]
    assert [one["data"]["pickup"]["reference"] for one in pull(shop, f"after={cursor}")["data"]] == ["new"]
