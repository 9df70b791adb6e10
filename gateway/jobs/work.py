"""The jobs: an id in, one service called. What fails comes again through the sweep; how soon is the worker's table."""

from __future__ import annotations

import functools

from gateway import clock, settings
from gateway.services import auditing, driving, polling, reconciling
from gateway.services.kit import Kit, on_own_thread


@functools.cache
def kit() -> Kit:
    """One per process."""
    return on_own_thread(settings.from_environment())


def advance(pickup_id: str) -> None:
    driving.advance(kit(), pickup_id)


def poll(account_id: str) -> None:
    polling.poll(kit(), account_id, clock.wall())


def reconcile(account_id: str) -> None:
    reconciling.daily(kit(), account_id, clock.wall())


def audit(booking_id: str) -> None:
    auditing.audit(kit(), booking_id, clock.wall())
