"""Accounts whose credentials were refused: paused once, told once, and nothing more is sent with them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from adapters.contract.errors import RefusalKind, Refused
from gateway.life.booking import BookingState
from gateway.services import pausing
from gateway.services.booking import Send
from gateway.store import accounts, tables
from gateway.store.accounts import ACCOUNTS
from gateway.store.ledger import EVENTS
from tests.world import World

REFUSAL = Refused(RefusalKind.UNAUTHORIZED, "401", "Unauthorized client")


def events(world: World) -> list[tuple[str, str | None, dict[str, Any]]]:
    with world.db.read() as tx:
        rows = EVENTS.all(tx, tables.events.c.type.like("carrier_account.%"))
    return [(row.type, row.pickup_id, row.data) for row in rows]


def test_of_many_refusals_one_pauses_and_tells(world: World) -> None:
    account = world.accounts["ekart"]
    for _ in range(3):
        with world.db.write() as tx:
            pausing.pause(tx, account.id, REFUSAL, world.now)
    with world.db.read() as tx:
        row = ACCOUNTS.one(tx, account.id)
    reason = "unauthorized: 401 Unauthorized client"
    assert (row.enabled, row.disabled_reason) == (False, reason)
    told = {"carrier_account": account.id, "carrier": "ekart", "reason": reason}
    assert events(world) == [("carrier_account.disabled", None, told)]


def test_what_is_not_paused_is_not_resumed(world: World) -> None:
    row = world.accounts["ekart"]
    with world.db.write() as tx:
        assert pausing.resume(tx, row, world.now) == row
    assert events(world) == []


def test_a_booking_planned_with_an_account_that_is_off_is_refused_without_a_call(world: World) -> None:
    case = world.case(world.book())
    (booking,) = case.bookings
    planned = msgspec.structs.replace(booking, state=BookingState.PLANNED, step=0)
    with world.db.write() as tx:
        pausing.pause(tx, booking.account_id, REFUSAL, world.now)
        account = accounts.opened(world.kit.vault, ACCOUNTS.one(tx, booking.account_id))
    with pytest.raises(Refused, match="switched off: unauthorized: 401") as raised:
        asyncio.run(Send(planned).perform(world.kit, case, account, lambda _: None, world.now))
    assert raised.value.kind is RefusalKind.ACCOUNT
