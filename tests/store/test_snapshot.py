"""A case is read again only where it was written to, and never older than it is."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from gateway.store import cases, tables
from gateway.store.ledger import BOOKINGS, PICKUPS
from tests.world import World


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


PARTY = {"name": "N", "phone": "9820000000", "line1": "1", "city": "C", "postal_code": "560038", "country": "IN"}


def tables_read(tx: sa.Connection, pickup: str) -> set[str]:
    """Which tables stating the case now reads."""
    seen: list[str] = []

    def note(connection, cursor, statement, *rest):
        seen.append(re.split(r"\sFROM\s", statement)[1].split()[0])

    sa.event.listen(tx, "before_cursor_execute", note)
    cases.load(tx, pickup)
    sa.event.remove(tx, "before_cursor_execute", note)
    return set(seen)


def test_within_a_transaction_only_what_was_written_to_is_read_again(world):
    pickup = world.book()
    with world.db.write() as tx:
        assert {"pickups", "bookings", "scans", "people", "merchants", "exceptions"} <= tables_read(tx, pickup)
        assert tables_read(tx, pickup) == set()
        PICKUPS.update(tx, pickup, tries=2)
        assert tables_read(tx, pickup) == {"pickups"}
        tx.execute(tables.people.update().where(tables.people.c.pickup_id == pickup).values(consignee=PARTY))
        tx.execute(tables.visits.delete())
        assert tables_read(tx, pickup) == {"people", "visits"}


def test_what_was_written_shows(world):
    pickup = world.book()
    with world.db.write() as tx:
        booking = cases.load(tx, pickup).bookings[0]
        BOOKINGS.update(tx, booking.id, quiet_polls=7)
        assert cases.load(tx, pickup).bookings[0].quiet_polls == 7
    with world.db.write() as tx:
        assert cases.load(tx, pickup).bookings[0].quiet_polls == 7


def test_what_a_savepoint_took_back_does_not_show(world):
    pickup = world.book()
    with world.db.write() as tx:
        before = cases.load(tx, pickup).pickup.tries
        with pytest.raises(KeyError), tx.begin_nested():
            PICKUPS.update(tx, pickup, tries=before + 1)
            assert cases.load(tx, pickup).pickup.tries == before + 1
            raise KeyError
        assert cases.load(tx, pickup).pickup.tries == before


def test_each_transaction_reads_for_itself(world):
    pickup = world.book()
    with world.db.write() as tx:
        cases.load(tx, pickup)
    with world.db.write() as tx:
        assert "pickups" in tables_read(tx, pickup)
    with world.db.read() as tx:
        cases.load(tx, pickup)
        assert "pickups" in tables_read(tx, pickup)
