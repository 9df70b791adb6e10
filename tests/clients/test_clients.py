"""A few keys from a crowd of clients at a gateway of real processes, and whether a promise that is broken would be seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.store.ledger import Booking
from tests.clients.comparing import accepted, broken
from tests.clients.crowd import Told
from tests.clients.run import through
from tests.fleet.comparing import Facts
from tests.fleet.test_fleet import booking, pickup

FIRST = Told(202, b'{"id": "pck_1"}')


def test_the_same_key_from_64_clients_at_once_is_one_pickup_one_booking_and_one_answer(tmp_path: Path, ledger: str) -> None:
    said: list[str] = []
    database = "" if ledger.startswith("sqlite") else ledger
    assert through(tmp_path / "data", database, 20, 64, said.append) == [], "\n".join(said)


# --- what would be seen ------------------------------------------------------------------------------


def seen(told: Sequence[Told], *bookings: Booking, books: Sequence[tuple[str, str]] = (("A1", "GW1"),)) -> list[str]:
    facts = Facts(
        accepted=accepted({1: told}),
        pickups=[pickup(1)],
        bookings=list(bookings or [booking(1, 1, "A1")]),
        exceptions=[],
        books=[{"awb": awb, "reference": reference} for awb, reference in books],
    )
    return broken({1: told}, facts)


def test_all_promises_kept_is_told_as_nothing() -> None:
    assert seen([FIRST, FIRST, Told(202, FIRST.body, waits=3)]) == []


@pytest.mark.parametrize(
    ("told", "sentences"),
    [
        ([FIRST, Told(202, b'{"id": "pck_2"}')], ["a key with two answers: 1, as key 1"]),
        (
            [FIRST, Told(409, b'{"code": "duplicate_reference"}')],
            [
                'a client that was refused: 1, as key 1: 409 {"code": "duplicate_reference"}',
                "a key with two answers: 1, as key 1",
            ],
        ),
        (
            [Told(500, b"")],
            ["a client that was refused: 1, as key 1: 500 ", "in the ledger, but accepted to nobody: 1, as pck_1"],
        ),
    ],
)
def test_a_client_that_was_told_something_else_is_seen(told: list[Told], sentences: list[str]) -> None:
    assert seen(told) == sentences


def test_a_pickup_that_was_booked_twice_is_seen() -> None:
    twice = (booking(1, 1, "A1"), booking(2, 1, "A2"))
    assert seen([FIRST], *twice, books=(("A1", "GW1"), ("A2", "GW2"))) == [
        "a pickup with two consignments at carriers: 1, as pck_1",
        "a pickup with two open bookings: 1, as pck_1",
    ]
