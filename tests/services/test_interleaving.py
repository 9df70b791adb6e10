"""Two workers on one pickup, pushes at any moment, a death now and then: one rider comes, and the ledger knows him.

A worker may be slow, but not slower than its lease: that is what leases and time-outs are set for (`cases.LEASE`).
"""

from __future__ import annotations

import datetime as dt
from random import Random

import pytest

from adapters.contract.scans import Milestone, Scan, Tracked
from gateway.services import commanding, driving, following
from gateway.services.kit import Kit
from gateway.store.cases import LEASE
from tests.services.carriers import CARRIERS, HOME, WideWorld, customer
from tests.services.interleaving import Worker, play
from tests.services.invariants import broken

SEEDS = range(10)
_PUSHES, _TICKS, _FAULTS = 0.15, 0.4, 0.5
_LOSSES = ("timeout_booked", "timeout_unbooked", "drop_after_commit", "drop_before_commit", "server_error_booked", "truncated")


class Game:
    """A pickup at one carrier, and all that may happen to it while two workers drive it."""

    def __init__(self, world: WideWorld, carrier: str) -> None:
        self.world, self.carrier = world, carrier

    def drive(self, kit: Kit, pickup: str) -> None:
        for _ in range(3):
            driving.advance(kit, pickup, lambda: self.world.now)

    def meanwhile(self, dice: Random) -> None:
        if dice.random() < _TICKS:
            self.world.now += dt.timedelta(seconds=dice.randint(1, 3))
            self.world.lab.let_time_pass()
        if dice.random() < _PUSHES:
            self._push(dice)

    def _push(self, dice: Random) -> None:
        """The carrier tells of one of its consignments, perhaps before its answer is in the ledger."""
        held = self.world.books(self.carrier)
        if held:
            one = dice.choice(held)
            scan = Scan(code="pushed", at=self.world.now, milestone=Milestone.PICKUP_SCHEDULED)
            tracked = Tracked(awb=one["awb"], carrier_reference=one["reference"], scans=(scan,))
            following.push(self.world.kit, self.world.accounts[self.carrier], [tracked], verified=True, wall=self.world.now)

    def rest(self, *pickups: str) -> None:
        """The lease of the dead runs out; a person looks where one is asked to."""
        self.world.pass_time(LEASE + dt.timedelta(seconds=1))
        self.world.come_to_rest()
        for pickup in pickups:
            while self.world.look_into_the_panel(pickup):
                self.world.come_to_rest()


def lose_answers(world: WideWorld, carrier: str, dice: Random) -> None:
    if dice.random() < _FAULTS:
        world.fault(dice.choice(_LOSSES), carrier, operation="book", times=1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_two_workers_book_one_rider(make_wide, carrier, seed):
    world, dice = make_wide(carrier, seed=seed), Random(f"{carrier}/{seed}")
    game = Game(world, carrier)
    pickup = world.accept("RMA-1", customer(HOME[carrier]))
    lose_answers(world, carrier, dice)

    play([Worker(world.another_kit(), lambda kit: game.drive(kit, pickup)) for _ in range(2)], dice, game.meanwhile)
    game.rest(pickup)

    assert (broken(world, pickup), world.state(pickup), len(world.books(carrier))) == ([], "booked", 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_one_worker_books_while_the_merchant_cancels(make_wide, carrier, seed):
    world, dice = make_wide(carrier, seed=seed), Random(f"cancel/{carrier}/{seed}")
    game = Game(world, carrier)
    pickup = world.accept("RMA-1", customer(HOME[carrier]))
    lose_answers(world, carrier, dice)

    def cancel(kit: Kit) -> None:
        with kit.db.write() as tx:
            commanding.cancel(tx, world.case(pickup), world.now)
        game.drive(kit, pickup)

    workers = [Worker(world.another_kit(), lambda kit: game.drive(kit, pickup)), Worker(world.another_kit(), cancel)]
    play(workers, dice, game.meanwhile)
    game.rest(pickup)

    wanted = world.case(pickup).pickup.intent == "cancel"
    ending = (world.state(pickup), len(world.holdings(carrier)))
    assert (broken(world, pickup), ending) == ([], ("cancelled", 0) if wanted else ("booked", 1))
