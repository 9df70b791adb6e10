"""The one repository, on a table of the tests' own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.store.rows import NoSuchRow, Owner, Page, Rows, due, whose
from gateway.store.tables import Instant, Json
from gateway.values import Mode

METADATA = sa.MetaData()
TABLE = sa.Table(
    "things",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("merchant_id", sa.String),
    sa.Column("mode", sa.String),
    sa.Column("colour", sa.String),
    sa.Column("marks", Json),
    sa.Column("at", Instant),
    sa.Column("unread", sa.String),
)
NOON = dt.datetime(2026, 3, 9, 12, tzinfo=dt.UTC)
WE = Owner("mer_1", Mode.TEST)
OTHERS = [Owner("mer_2", Mode.TEST), Owner("mer_1", Mode.LIVE)]


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    merchant_id: str = "mer_1"
    mode: Mode = Mode.TEST
    colour: str = "red"
    marks: tuple[int, ...] = ()
    at: dt.datetime | None = None


THINGS = Rows(TABLE, Thing)


def thing(number: int, owner: Owner = WE, **more: object) -> Thing:
    fields = {"id": f"thg_{number:03}", "merchant_id": owner.merchant_id, "mode": owner.mode}
    return Thing(**(fields | more))  # type: ignore[arg-type]


@pytest.fixture
def tx() -> Iterator[sa.Connection]:
    with opened() as connection:
        yield connection


def opened() -> sa.Connection:
    connection = sa.create_engine("sqlite://").connect()
    METADATA.create_all(connection)
    return connection


def ids(things: list[Thing]) -> list[int]:
    return [int(one.id.removeprefix("thg_")) for one in things]


def test_a_row_reads_back_as_the_value_it_was(tx):
    stored = THINGS.insert(tx, thing(1, marks=(1, 2), at=NOON))
    assert THINGS.one(tx, "thg_001") == stored == thing(1, marks=(1, 2), at=NOON)


@pytest.mark.parametrize("owner", OTHERS)
def test_another_merchants_or_modes_row_is_not_there(tx, owner):
    THINGS.insert(tx, thing(1))
    assert (THINGS.get(tx, WE, "thg_001"), THINGS.get(tx, owner, "thg_001")) == (thing(1), None)
    assert (THINGS.of_owner(tx, owner), THINGS.page(tx, owner, limit=5)) == ([], Page(data=[]))


def test_an_id_of_ours_that_names_nothing_is_a_bug(tx):
    with pytest.raises(NoSuchRow, match="things has no thg_009"):
        THINGS.one(tx, "thg_009")


def test_the_first_that_meets_all_conditions_is_found(tx):
    for number, colour in enumerate(["red", "blue", "blue"]):
        THINGS.insert(tx, thing(number, colour=colour))
    blue = TABLE.c.colour == "blue"
    assert THINGS.first(tx, blue, TABLE.c.id > "thg_001") == thing(2, colour="blue")
    assert THINGS.first(tx, blue, TABLE.c.id > "thg_002") is None


def test_all_are_in_the_order_asked_for(tx):
    for number in (2, 1, 3):
        THINGS.insert(tx, thing(number))
    assert ids(THINGS.all(tx)) == [1, 2, 3]
    assert ids(THINGS.all(tx, order=TABLE.c.id.desc(), limit=2)) == [3, 2]


def test_a_statement_made_once_finds_the_owners_rows(tx):
    for number, owner in enumerate([WE, *OTHERS]):
        THINGS.insert(tx, thing(number, owner))
    made_once = THINGS.select.where(whose(TABLE), TABLE.c.colour == sa.bindparam("hue"))
    assert ids(THINGS.found(tx, made_once, hue="red", **msgspec.structs.asdict(WE))) == [0]
    assert ids(THINGS.of_owner(tx, WE)) == [0]


def test_a_change_is_made_only_where_the_conditions_hold(tx):
    THINGS.insert(tx, thing(1))
    assert THINGS.update(tx, "thg_001", TABLE.c.colour == "red", colour="blue") is True
    assert THINGS.update(tx, "thg_001", TABLE.c.colour == "red", colour="green") is False
    assert THINGS.update(tx, "thg_002", colour="green") is False
    assert THINGS.one(tx, "thg_001").colour == "blue"


def test_a_replaced_value_is_the_stored_one(tx):
    before = THINGS.insert(tx, thing(1))
    after = THINGS.replace(tx, before, colour="blue", marks=(7,))
    assert after == THINGS.one(tx, "thg_001") == thing(1, colour="blue", marks=(7,))


def test_a_row_is_due_once_its_time_has_come(tx):
    hour = dt.timedelta(hours=1)
    for number, at in enumerate([None, NOON - hour, NOON, NOON + hour]):
        THINGS.insert(tx, thing(number, at=at))
    assert ids(THINGS.all(tx, due(TABLE.c.at, NOON))) == [1, 2]


# --- pages ----------------------------------------------------------------------------------------------


def page(tx: sa.Connection, limit: int, **where: str) -> Page[Thing]:
    return THINGS.page(tx, WE, limit=limit, **where)


def test_a_page_is_newest_first_with_cursors_where_there_is_more(tx):
    for number in range(5):
        THINGS.insert(tx, thing(number))
    first = page(tx, 2)
    second = page(tx, 2, after=first.next)
    third = page(tx, 2, after=second.next)
    assert [ids(one.data) for one in (first, second, third)] == [[4, 3], [2, 1], [0]]
    assert [(bool(one.prev), bool(one.next)) for one in (first, second, third)] == [(False, True), (True, True), (True, False)]
    assert page(tx, 2, before=third.prev) == second
    assert page(tx, 2, before=second.prev) == first


def test_a_page_is_of_those_that_meet_the_conditions(tx):
    for number in range(6):
        THINGS.insert(tx, thing(number, colour=["red", "blue"][number % 2]))
    found = THINGS.page(tx, WE, TABLE.c.colour == "blue", limit=2)
    assert (ids(found.data), ids(THINGS.page(tx, WE, TABLE.c.colour == "blue", limit=2, after=found.next).data)) == ([5, 3], [1])


@settings(max_examples=40)
@given(st.integers(0, 12), st.integers(1, 5))
def test_going_on_from_page_to_page_every_row_comes_once_in_both_directions(rows, limit):
    with opened() as tx:
        for number in range(rows):
            THINGS.insert(tx, thing(number))
            THINGS.insert(tx, thing(500 + number, OTHERS[number % 2]))
        onwards = [page(tx, limit)]
        while onwards[-1].next:
            onwards.append(page(tx, limit, after=onwards[-1].next))
        back = [onwards[-1]]
        while back[-1].prev:
            back.append(page(tx, limit, before=back[-1].prev))
    assert [number for one in onwards for number in ids(one.data)] == list(reversed(range(rows)))
    assert sorted({number for one in back for number in ids(one.data)}) == list(range(rows))
