"""A small drill with real processes, and whether a promise that is broken would be seen."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.contract.scans import Fault
from gateway.life.booking import BookingState
from gateway.life.pickup import PickupState
from gateway.store.ledger import Booking, Pickup, PickupException, Wanted
from gateway.values import Mode
from tests import ledgers, servers
from tests.fleet import history
from tests.fleet.comparing import Facts, broken
from tests.fleet.drill import Drill
from tests.fleet.restoring import Restoring
from tests.fleet.upgrading import Upgrading

NOON = dt.datetime(2026, 3, 9, 12, tzinfo=dt.UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    url = ledgers.bare(tmp_path)
    yield url
    ledgers.drop(url)


@pytest.fixture
def queue() -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        yield os.environ.get("TEST_REDIS_URL") or stack.enter_context(servers.queue()).url


@pytest.mark.skipif(not ledgers.on_postgresql(), reason="many processes share a PostgreSQL: make test-postgres")
def test_with_one_of_each_killed_midway_every_promise_is_kept(tmp_path: Path, database: str, queue: str) -> None:
    said: list[str] = []
    assert Drill(tmp_path / "data", database, queue, 60, hurry=True, say=said.append).run() == 0, "\n".join(said)


@pytest.mark.skipif(not ledgers.on_postgresql(), reason="many processes share a PostgreSQL: make test-postgres")
def test_with_an_old_queue_and_the_database_moved_to_a_new_server_every_promise_is_kept(tmp_path: Path, database: str) -> None:
    said: list[str] = []
    with servers.queue() as old, servers.postgresql() as new:
        assert Restoring(tmp_path / "data", database, old, new, 60, say=said.append).run() == 0, "\n".join(said)


@pytest.mark.skipif(not ledgers.on_postgresql(), reason="many processes share a PostgreSQL: make test-postgres")
@pytest.mark.skipif(not history.before_the_last_migration(), reason="the version before is not at hand: no history here")
def test_with_the_version_before_beside_this_one_every_promise_is_kept(tmp_path: Path, database: str, queue: str) -> None:
    said: list[str] = []
    old = history.checked_out(history.before_the_last_migration(), tmp_path / "old")
    assert Upgrading(tmp_path / "data", database, queue, old, 60, say=said.append).run() == 0, "\n".join(said)


# --- what a drill would see ------------------------------------------------------------------------


def pickup(number: int, state: PickupState = PickupState.BOOKED) -> Pickup:
    return Pickup(
        id=f"pck_{number}",
        merchant_id="mer_1",
        mode=Mode.TEST,
        reference=f"RMA-{number}",
        state=state,
        body=Wanted(parcels=(), items=()),
        lane="",
        business_created_at=NOON,
        created_at=NOON,
        updated_at=NOON,
    )


def booking(number: int, of: int, awb: str | None) -> Booking:
    return Booking(
        id=f"bkg_{number}",
        merchant_id="mer_1",
        mode=Mode.TEST,
        pickup_id=f"pck_{of}",
        account_id="cac_1",
        carrier="ekart",
        service="surface",
        moved_by="ekart",
        carrier_reference=f"GW{number}",
        state=BookingState.LIVE,
        created_at=NOON,
        updated_at=NOON,
        awb=awb,
    )


def facts(
    pickups: list[Pickup], *bookings: Booking, accepted: tuple[str, ...] = (), books: tuple[tuple[str, str], ...] = ()
) -> Facts:
    return Facts(
        accepted=dict(enumerate(accepted or [one.id for one in pickups])),
        pickups=pickups,
        bookings=list(bookings),
        exceptions=[],
        books=[{"awb": awb, "reference": reference} for awb, reference in books],
    )


def doubt(number: int) -> PickupException:
    return PickupException(
        id="exc_1",
        merchant_id="mer_1",
        mode=Mode.TEST,
        pickup_id=f"pck_{number}",
        reason="booking_unknown",
        fault=Fault.CARRIER,
        state="needs_decision",
        opened_at=NOON,
    )


def test_all_promises_kept_is_told_as_nothing() -> None:
    assert broken(facts([pickup(1)], booking(1, 1, "A1"), books=(("A1", "GW1"),))) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (facts([], accepted=("pck_1",)), "accepted, but not in the ledger: 1, as pck_1"),
        (facts([pickup(1), pickup(2)], accepted=("pck_1",)), "in the ledger, but accepted to nobody: 1, as pck_2"),
        (facts([pickup(1)], accepted=("pck_1", "pck_1")), "the same pickup given to two callers: 1, as pck_1"),
        (facts([pickup(1, PickupState.BOOKING)]), "neither booked nor ended nor with a person: 1, as pck_1 (booking)"),
        (facts([pickup(1, PickupState.BOOKING_UNKNOWN)]), "with a person, but no exception says why: 1, as pck_1"),
        (facts([pickup(1)], books=(("A1", "GW1"),)), "an AWB at a carrier that the ledger does not know: 1, as A1"),
        (facts([pickup(1)], booking(1, 1, "A1")), "an AWB in the ledger that no carrier knows: 1, as A1"),
    ],
)
def test_a_broken_promise_is_told_with_one_it_was_broken_to(found: Facts, told: str) -> None:
    assert broken(found) == [told]


def test_what_stands_twice_is_told() -> None:
    twice = facts([pickup(1)], booking(1, 1, "A1"), booking(2, 1, "A1"), books=(("A1", "GW1"), ("A1", "GW1")))
    assert broken(twice) == [
        "an AWB twice: 2, as A1",
        "one booking twice at a carrier: 1, as GW1",
        "a pickup with two open bookings: 1, as pck_1",
    ]


def test_a_doubt_that_a_person_is_told_of_is_a_known_end() -> None:
    told = Facts(
        accepted={0: "pck_1"}, pickups=[pickup(1, PickupState.BOOKING_UNKNOWN)], bookings=[], exceptions=[doubt(1)], books=[]
    )
    assert broken(told) == []
