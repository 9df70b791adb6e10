"""A carrier's no, or its silence, as a problem of ours that says whose it is and whether asking again helps."""

from __future__ import annotations

import math

from adapters.contract.errors import CarrierError, Refused, Throttled
from gateway.web.problems import CarrierPart, ProblemError

_PATIENCE = 30
_LONGEST = 500


def from_carrier(carrier: str, error: CarrierError, refused_as: str = "carrier_refused") -> ProblemError:
    """503 where it may answer later, else the kind of problem its no amounts to."""
    if isinstance(error, Refused):
        return ProblemError(refused_as, f"{carrier} says no: {_cut(error.raw_message) or error.kind}", carrier=part(error))
    seconds = _seconds(error)
    words = f"{carrier} does not answer as it should: {_cut(str(error)) or type(error).__name__}"
    return ProblemError("carrier_unavailable", words, carrier=part(error), headers={"Retry-After": str(seconds)})


def part(error: CarrierError) -> CarrierPart:
    if isinstance(error, Refused):
        return CarrierPart(code=str(error.kind), raw_code=error.raw_code, raw_message=_cut(error.raw_message), retryable=False)
    kind = type(error).__name__.lower()
    return CarrierPart(code=kind, raw_code="", raw_message=_cut(str(error)), retryable=True, retry_after=_seconds(error))


def _seconds(error: CarrierError) -> int:
    return max(1, math.ceil(error.retry_after.total_seconds())) if isinstance(error, Throttled) else _PATIENCE


def _cut(text: str) -> str:
    return text[:_LONGEST]
