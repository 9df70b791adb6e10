"""Polling asks about as many bookings at once as the carrier takes, and never about more."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from adapters.contract.carrier import AwbList
from gateway import ids
from gateway.carriers import registry
from gateway.services import polling
from gateway.store import tables
from gateway.store.ledger import BOOKINGS, PICKUPS
from tests.world import SECRETS, World

DAY = dt.timedelta(days=1)


class Listener:
    """In the place of the carriers' client: hears what is asked and knows no answer."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []

    async def ask(self, account: object, name: str, question: AwbList, **_: Any) -> dict[str, Any]:
        assert name == "track"
        self.heard.append(question.awbs)
        return {}


def many_live(world: World, number: int) -> None:
    """One booking made in earnest, and copies of it."""
    pickup_id = world.book()
    with world.db.write() as tx:
        pickup = PICKUPS.one(tx, pickup_id)
        live = next(one for one in BOOKINGS.all(tx, tables.bookings.c.pickup_id == pickup_id) if one.awb)
        people = tx.execute(sa.select(tables.people).where(tables.people.c.pickup_id == pickup_id)).mappings().one()
        for copy in range(number - 1):
            twin = PICKUPS.insert(tx, replace(pickup, id=ids.new("pck"), reference=f"RMA-C{copy}"))
            tx.execute(tables.people.insert().values({**people, "pickup_id": twin.id}))
            booking_id = ids.new("bkg")
            reference = ids.carrier_reference(booking_id)
            BOOKINGS.insert(
                tx, replace(live, id=booking_id, pickup_id=twin.id, carrier_reference=reference, awb=f"{live.awb}-{copy:03}")
            )


@pytest.mark.parametrize("code", [code for code in registry.codes() if code in SECRETS])
@pytest.mark.parametrize("number", [1, 120])
def test_a_batch_is_as_large_as_the_carrier_takes_and_no_larger(code, number, tmp_path: Path):
    world = World(tmp_path, (code,))
    most = registry.carrier(code).limits.track_batch
    many_live(world, number)
    listener = Listener()
    world.kit.carriers = listener  # type: ignore[assignment]
    (account_id,) = polling.due_accounts(world.kit, world.now + DAY)
    polling.poll(world.kit, account_id, world.now + DAY)
    world.close()
    sizes = sorted((len(awbs) for awbs in listener.heard), reverse=True)
    assert sizes == [most] * (number // most) + ([number % most] if number % most else [])
    assert len({awb for awbs in listener.heard for awb in awbs}) == number
