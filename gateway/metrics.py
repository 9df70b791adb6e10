"""What a process counts of itself, for Prometheus: requests, calls to carriers, memory.

Labels are few and known beforehand: routes as the contract has them, codes of carriers, names of operations and errors. No id, no
address, nobody's words. Figures are of one process; where they are read and who may is told in docs/operations.md.
"""

from __future__ import annotations

import functools
import hmac
import ipaddress
import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest

REGISTRY = CollectorRegistry(auto_describe=True)
CONTENT_TYPE = CONTENT_TYPE_PLAIN_1_0_0
ProcessCollector(registry=REGISTRY)

_QUICK = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")

REQUESTS = Counter(
    "gateway_http_requests", "Requests answered, by route and status.", ("route", "method", "status"), registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "gateway_http_request_seconds", "From a request to the start of its answer.", ("route",), buckets=_QUICK, registry=REGISTRY
)
CARRIER_CALLS = Counter(
    "gateway_carrier_calls", "Calls to carriers over the wire, by what came of them.", ("carrier", "operation", "outcome"),
    registry=REGISTRY,
)  # fmt: skip
CARRIER_SECONDS = Histogram(
    "gateway_carrier_call_seconds", "How long a carrier took.", ("carrier", "operation"), buckets=_SLOW, registry=REGISTRY
)


RECONCILED = Counter(
    "gateway_reconciled", "Consignments held against carriers' own lists, by what came of them.", ("carrier", "outcome"),
    registry=REGISTRY,
)  # fmt: skip


def answered(route: str, method: str, status: int, began: float | None) -> None:
    """A request was answered; `began` by `time.perf_counter`."""
    REQUESTS.labels(route, method if method in _METHODS else "other", str(status)).inc()
    if began is not None:
        REQUEST_SECONDS.labels(route).observe(time.perf_counter() - began)


def asked(carrier: str, operation: str, outcome: str, seconds: float) -> None:
    """A carrier was asked over the wire; `outcome` is "ok" or the error's class."""
    calls, times = _of_carrier(carrier, operation, outcome)
    calls.inc()
    times.observe(seconds)


def reconciled(carrier: str, outcome: str, number: int) -> None:
    """So many consignments of the carrier's list, or of ours, came to this."""
    RECONCILED.labels(carrier, outcome).inc(number)


@functools.cache
def _of_carrier(carrier: str, operation: str, outcome: str) -> tuple[Counter, Histogram]:
    """Looked up once: finding a metric by its labels takes longer than counting."""
    return CARRIER_CALLS.labels(carrier, operation, outcome), CARRIER_SECONDS.labels(carrier, operation)


def text(*more: CollectorRegistry) -> bytes:
    """All figures of this process, then those of other registries."""
    return b"".join(generate_latest(registry) for registry in (REGISTRY, *more))


def may_read(token: str, authorization: str, client: str, headers: Mapping[str, str]) -> bool:
    """With a token set, who brings it; without, whoever asks from this machine and not through a proxy."""
    if token:
        return hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())
    return _is_loopback(client) and not any(name in headers for name in _FORWARDED)


def _is_loopback(client: str) -> bool:
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False
