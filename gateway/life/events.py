"""The types of events there are, as they are told to merchants."""

from __future__ import annotations

from gateway.life.pickup import PickupState

# The states a pickup passes through by itself; that it is requested is told when it is, and the others are our own doing.
TOLD_STATES = frozenset(PickupState) - {PickupState.REQUESTED, PickupState.BOOKING, PickupState.CANCELLING}

EVENT_TYPES = (
    "pickup.requested",
    "pickup.carrier_selected",
    "pickup.failed_over",
    "pickup.overlap",
    "pickup.rescheduled",
    "pickup.price_changed",
    *(f"pickup.{state}" for state in PickupState if state in TOLD_STATES),
    "label.created",
    "exception.opened",
    "exception.resolved",
    "carrier_account.disabled",
    "carrier_account.enabled",
    "webhook_endpoint.paused",
)
