"""Erasing: no word of the person is left anywhere, and every figure is what it was."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.services import erasing
from gateway.services.commanding import WrongState, cancel
from gateway.store import erasure, idempotency, tables
from gateway.store.idempotency import Attempt, Kept
from gateway.store.ledger import PICKUPS
from gateway.store.merchants import MERCHANTS
from rates.zones import coarse
from tests import ledgers
from tests.world import World, customer

PERSON = {
    "name": "Zubeida Quillfeather",
    "phone": "9820000000",
    "alternate_phone": "9820000077",
    "email": "zubeida@quill.test",
    "line1": "71 Peppermint Terrace",
    "line2": "Staircase Umber",
    "landmark": "behind the Saffron Mill",
    "city": "Bengaluru",
}
WORDS = (
    *(word for name, word in PERSON.items() if name != "city"),
    "Quillfeather",
    "ring twice softly",
    "SO-99-QUILL",
    "vip-quill",
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def booked(world: World, days: float = 6) -> str:
    """A pickup with everything a person leaves behind, followed for so many days."""
    pickup_id = world.accept(
        "RMA-1", customer(**PERSON), instructions="ring twice softly", order_number="SO-99-QUILL", metadata={"tier": "vip-quill"}
    )
    world.drive()
    world.days(days)
    return pickup_id


def erase(world: World, pickup_id: str) -> erasing.Erased:
    with world.db.write() as tx:
        return erasing.erase(tx, world.kit.vault, pickup_id, world.now)


def dump(world: World) -> str:
    """All rows of all tables; binary columns as they can be read."""
    with world.db.read() as tx:
        rows = [tuple(row) for table in tables.metadata.sorted_tables for row in tx.execute(sa.select(table))]
    return "\n".join(str(row) for row in rows) + "".join(
        value.decode("latin-1") for row in rows for value in row if isinstance(value, bytes)
    )


def bytes_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("gateway.db*")))


def test_before_it_the_person_is_in_the_ledger(world):
    """So that the tests below could fail."""
    booked(world)
    text = dump(world)
    assert [word for word in WORDS if word not in text] == []


def test_no_word_of_the_person_is_left_in_the_ledger(world):
    pickup_id = booked(world)
    erase(world, pickup_id)
    text = dump(world)
    assert [word for word in WORDS if word in text] == []
    assert world.case(pickup_id).people.shipper.country == "IN"


@pytest.mark.skipif(ledgers.on_postgresql(), reason="PostgreSQL's files are its vacuum's business; its dump is the test above")
def test_no_word_of_the_person_is_left_on_disk_nor_in_a_backup(world, tmp_path):
    pickup_id = booked(world)
    before = bytes_on_disk(tmp_path)
    assert PERSON["name"].encode() in before
    erase(world, pickup_id)
    world.db.forget()
    backup = sqlite3.connect(tmp_path / "backup")
    with sqlite3.connect(tmp_path / "gateway.db") as source:
        source.backup(backup)
    backup.close()
    for content in (bytes_on_disk(tmp_path), (tmp_path / "backup").read_bytes()):
        assert [word for word in WORDS if word.encode() in content] == []


STATISTICS: dict[str, tuple[str, ...]] = {
    "visits": (),
    "decisions": (),
    "cells": (),
    "silences": (),
    "facts": (),
    "bars": (),
    "bookings": ("id", "pickup_id", "account_id", "decision_id", "carrier", "service", "moved_by", "carrier_reference", "state",
                 "overlap", "due_if_not_collected", "awb", "price", "quoted_price", "audit", "window", "promised_at", "booked_at",
                 "created_at"),
    "pickups": ("id", "reference", "kind", "state", "lane", "decision_id", "business_created_at", "created_at", "sequence"),
    "scans": ("booking_id", "digest", "code", "at", "milestone", "reason", "source", "received_at"),
    "exceptions": ("id", "pickup_id", "booking_id", "reason", "fault", "state", "action", "resolution", "opened_at", "resolved_at"),
    "events": ("id", "pickup_id", "sequence", "type", "at"),
}  # fmt: skip


def statistics(world: World) -> dict[str, list[str]]:
    found = {}
    with world.db.read() as tx:
        for name, columns in STATISTICS.items():
            table = tables.metadata.tables[name]
            chosen = [table.c[column] for column in columns] or list(table.c)
            found[name] = sorted(str(tuple(row)) for row in tx.execute(sa.select(*chosen)))
    return found


@pytest.mark.parametrize("ending", [0, 1])
def test_every_figure_the_scorecards_are_made_of_is_what_it_was(world, ending):
    pickup_id = world.book(phone=world.phone(ending), instructions="ring twice softly")
    world.days(12)
    before = statistics(world)
    assert before["visits"] and before["cells"] and before["decisions"] and before["facts"]
    erase(world, pickup_id)
    assert statistics(world) == before


def test_what_was_asked_for_keeps_its_weights_values_and_reasons(world):
    pickup_id = booked(world)
    before = world.case(pickup_id).pickup.body
    erase(world, pickup_id)
    after = world.case(pickup_id).pickup.body
    assert (after.parcels, after.items[0].unit_value, after.items[0].return_reason) == (
        before.parcels,
        before.items[0].unit_value,
        before.items[0].return_reason,
    )
    assert (after.instructions, after.metadata, after.items[0].description, after.items[0].images) == ("", {}, "", ())


def test_an_open_pickup_is_not_erased(world):
    pickup_id = booked(world, days=0)
    with pytest.raises(WrongState, match="the pickup is booked: its people can be erased when it has ended"):
        erase(world, pickup_id)
    assert PERSON["name"] in dump(world)


def test_one_that_is_being_worked_on_is_not_erased(world):
    pickup_id = booked(world)
    with world.db.write() as tx:
        PICKUPS.update(tx, pickup_id, lease_until=world.now + dt.timedelta(minutes=1))
    with pytest.raises(WrongState, match="being worked on"):
        erase(world, pickup_id)


def test_a_second_time_changes_nothing_and_tells_when_it_was(world):
    pickup_id = booked(world)
    first = erase(world, pickup_id)
    before = dump(world)
    world.now += dt.timedelta(days=1)
    assert erase(world, pickup_id) == erasing.Erased(pickup_id=pickup_id, at=first.at)
    assert (dump(world), first.rows["people"], first.rows["labels"]) == (before, 1, 1)


def test_a_cancelled_pickup_can_be_erased(world):
    pickup_id = booked(world, days=0)
    with world.db.write() as tx:
        cancel(tx, world.case(pickup_id), world.now)
    world.drive()
    world.days(1)
    erase(world, pickup_id)
    assert PERSON["name"] not in dump(world)


def test_what_a_carrier_says_of_it_later_counts_but_its_words_are_not_kept(world):
    from adapters.contract.scans import Milestone, Scan
    from gateway.services import following

    pickup_id = booked(world)
    erase(world, pickup_id)
    booking = world.case(pickup_id).bookings[0]
    scan = Scan(
        code="X1", text="Handed to Zubeida Quillfeather", place="Saffron Mill", at=world.now, milestone=Milestone.IN_TRANSIT
    )
    with world.db.write() as tx:
        following.record(tx, booking.id, _tracked(booking.awb, scan), "push", world.now)
    last = world.case(pickup_id).scans[booking.id][-1]
    assert (last.code, last.milestone, last.text, last.place) == ("X1", Milestone.IN_TRANSIT, "", "")


def _tracked(awb: Any, scan: Any) -> Any:
    from adapters.contract.scans import Tracked

    return Tracked(awb=awb, scans=(scan,))


def test_an_answer_kept_for_those_who_ask_again_says_nothing_of_the_person(world):
    pickup_id = booked(world)
    attempt = Attempt(owner=world.owner, route="POST /v1/pickups", key="k", digest=bytes(32))
    told = {"id": pickup_id, "metadata": {"tier": "vip-quill"}, "bookings": [{"tracking_url": "https://x.test/1", "awb": "1"}]}
    body = json.dumps({"data": [told, {"id": "pck_other", "metadata": {"tier": "theirs"}}]})
    with world.db.write() as tx:
        idempotency.claim(tx, attempt, world.now)
        idempotency.keep(tx, world.kit.vault, attempt, Kept(status=202, headers={}, body=body), world.now)
        PICKUPS.update(tx, pickup_id, updated_at=world.now)
    erase(world, pickup_id)
    with world.db.read() as tx:
        kept = idempotency.earlier(tx, world.kit.vault, attempt, world.now)
    assert kept is not None
    assert json.loads(kept.body) == {
        "data": [
            {"id": pickup_id, "metadata": {}, "bookings": [{"tracking_url": "", "awb": "1"}]},
            {"id": "pck_other", "metadata": {"tier": "theirs"}},
        ]
    }


@pytest.mark.parametrize(
    ("code", "country", "left"),
    [("560038", "IN", "560038"), ("SW1A 1AA", "GB", "SW"), ("1012 AB", "NL", "10"), ("10001-1234", "US", "10001"), ("", "AE", "")],
)
def test_a_postal_code_that_names_a_few_houses_is_cut(code, country, left):
    assert coarse(code, country) == left


# --- completeness --------------------------------------------------------------------------------------

DROPPED = {"labels", "label_copies"}  # whole rows go
OURS = {
    "the merchant's or the installation's own": "admin_keys api_keys carrier_accounts locations merchants policies rate_cards "
    "webhook_endpoints",
    "figures, counts and hashes": "audit_heads cells decisions fact_blocks loose_facts silences visits",
    "no person's words": "audit_log bars outbox pool_members",
}
KEPT = {
    "bookings": "account_id audit awb carrier carrier_reference decision_id due_if_not_collected moved_by pickup_id price "
    "quoted_price service state window",
    "events": "pickup_id type",
    "exceptions": "account_id action answer assignee awb booking_id exchange_id fault pickup_id reason resolution state step "
    "visit_id",
    "exchanges": "account_id booking_id operation pickup_id",
    "facts": "account_id booking_id carrier chosen_by destination given moved_by pickup_id postal_code return_reason "
    "service window zone",
    "idempotency": "body_digest headers key route",
    "instructions": "act booking_id pickup_id state",
    "people": "pickup_id",
    "pickups": "decision_id intent kind lease_owner parent reference state",
    "scans": "booking_id code digest milestone reason source",
    "webhook_deliveries": "endpoint_id event_id replay_of state type",
}


def test_every_column_that_can_hold_words_is_blanked_or_kept_for_a_reason():
    """A new column has to be put into one of the lists: here, or in gateway/store/erasure.py."""
    wiped = {f"{one.table.name}.{name}" for one in erasure.BLANKS for name in one.values}
    wiped |= {f"{one.table.name}.{one.column}" for one in erasure.REWRITTEN}
    kept = {f"{table}.{name}" for table, names in KEPT.items() for name in names.split()}
    ours = DROPPED | {name for names in OURS.values() for name in names.split()}
    wordy = sa.Text | sa.String | sa.LargeBinary | tables.Json
    every = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.sorted_tables
        for column in table.c
        if table.name not in ours and isinstance(column.type, wordy) and column.name not in ("id", "merchant_id", "mode")
    }
    assert (every - wiped - kept, (wiped | kept) - every) == (set(), set())
    assert wiped & kept == set()


# --- by the calendar -----------------------------------------------------------------------------------


def erased(world: World) -> int:
    with world.db.read() as tx:
        return tx.scalar(sa.select(sa.func.count()).where(tables.pickups.c.erased_at.is_not(None))) or 0


def later(world: World, days: float) -> dt.datetime:
    """So many days after the last change of the newest pickup."""
    with world.db.read() as tx:
        last = max(pickup.updated_at for pickup in PICKUPS.all(tx))
    return last + dt.timedelta(days=days)


def test_what_is_kept_too_long_is_erased_by_itself_and_noted_in_the_audit_log(world):
    pickup_id = booked(world)
    assert erasing.expire(world.kit, 180, later(world, 179)) == 0
    assert PERSON["name"] in dump(world)
    assert erasing.expire(world.kit, 180, later(world, 181)) == 1
    assert [word for word in WORDS if word in dump(world)] == []
    assert erasing.expire(world.kit, 180, later(world, 182)) == 0
    with world.db.read() as tx:
        (entry,) = tx.execute(sa.select(tables.audit_log)).all()
    assert (entry.actor, entry.action, entry.object_id) == ("retention", "erasePickup", pickup_id)


def test_an_open_pickup_is_kept_however_old(world):
    booked(world, days=0)
    assert erasing.expire(world.kit, 180, later(world, 1000)) == 0


def test_nothing_goes_where_the_installation_keeps_for_ever(world):
    booked(world)
    assert erasing.expire(world.kit, 0, later(world, 1000)) == 0


@pytest.mark.parametrize(
    ("own", "installation", "days", "expected"), [(10, 180, 11, 1), (10, 180, 9, 0), (0, 180, 999, 0), (400, 180, 300, 0)]
)
def test_a_merchants_own_time_of_keeping_goes_before_the_installations(world, own, installation, days, expected):
    booked(world)
    with world.db.write() as tx:
        MERCHANTS.update(tx, world.merchant.id, retention_days=own)
    assert erasing.expire(world.kit, installation, later(world, days)) == expected
    assert erased(world) == expected


def test_it_goes_a_few_at_a_time_and_one_that_must_wait_holds_up_nobody(world):
    for number in range(3):
        world.book(reference=f"RMA-{number}", phone=world.phone(0))
    world.days(8)
    with world.db.write() as tx:
        first, *_ = erasure.kept_too_long(tx, 1, later(world, 2), 3)
        PICKUPS.update(tx, first, lease_until=later(world, 999))
    assert [erasing.expire(world.kit, 1, later(world, 2), limit=2) for _ in range(3)] == [1, 1, 0]
    assert erased(world) == 2
