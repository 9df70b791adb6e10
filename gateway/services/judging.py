"""Judging a failed visit: the customer or merchant says whether it was as the carrier says.

Confirmed, it is dropped from the estimates: the customer's doing says nothing of the carrier. Disputed, it counts and its fault is
the carrier's, whatever reason was reported.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from adapters.contract.scans import Fault
from gateway.services import scoring
from gateway.store import cases
from gateway.store.cases import Case
from gateway.store.ledger import VISITS, Visit

_THEIRS = frozenset({Fault.CUSTOMER, Fault.MERCHANT})


def dispute(tx: sa.Connection, case: Case, visit: Visit, wall: dt.datetime) -> None:
    """It was not as the carrier says."""
    _judge(tx, case, visit, wall, disputed=True, confirmed=False, fault=Fault.CARRIER)


def confirm(tx: sa.Connection, case: Case, visit: Visit, wall: dt.datetime) -> None:
    """It was; nothing changes where the carrier itself says it was its own doing."""
    fault = visit.reason.fault if visit.reason else visit.fault
    _judge(tx, case, visit, wall, disputed=False, confirmed=fault in _THEIRS, fault=fault)


def _judge(tx: sa.Connection, case: Case, visit: Visit, wall: dt.datetime, **verdict: Any) -> None:
    judged = VISITS.replace(tx, visit, **verdict)
    now = cases.load(tx, case.pickup.id)
    scoring.score(tx, now, now.booking(visit.booking_id), judged, now.now(wall))
