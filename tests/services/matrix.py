"""The wire steps that the fault matrix strikes, by the lab's names, and what is done with a pickup in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.lab.faults import WIRE
from gateway.services import commanding
from tests.services.carriers import WideWorld
from tests.services.invariants import broken

FAULTS = tuple(str(kind) for kind in WIRE)
# Said by the carrier: then it is another service's, or nobody's.
REFUSALS = frozenset({"refuse", "error_in_200"})

SIGN_IN = {"ekart": ("sign_in",)}
BOOKING = {
    "aramex": ("number", "waybill", "book"),
    "delhivery": ("waybill", "book"),
    "easypost": ("buy_label", "price_visit", "book", "label"),
    "ekart": ("book",),
}
LABEL = {
    "aramex": ("label",),
    "delhivery": ("label", "label_file"),
    "easypost": ("label_file",),
    "ekart": ("label",),
}
CANCEL = {
    "aramex": ("pickup_state", "cancel"),
    "delhivery": ("cancel",),
    "easypost": ("cancel", "find", "refund"),
    "ekart": ("cancel",),
}

MakeWorld = Callable[..., WideWorld]


def cells(steps: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(carrier, step) for carrier, names in steps.items() for step in names]


def world_of(make_wide: MakeWorld, carrier: str) -> WideWorld:
    """The carrier alone; Delhivery by an account whose bookings take two steps."""
    return make_wide(carrier, settings={"delhivery": {"waybills": "prefetched"}})


def settle(world: WideWorld, pickup: str) -> list[str]:
    """Rest, then what a person does who is asked whether a booking was made, then rest again; what is wrong at any time."""
    world.come_to_rest()
    wrong = broken(world, pickup)
    while not wrong and world.look_into_the_panel(pickup):
        world.come_to_rest()
        wrong = broken(world, pickup)
    return wrong


def cancel(world: WideWorld, pickup: str) -> None:
    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()
