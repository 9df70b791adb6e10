"""Webhooks to 200 endpoints, of which ten never answer: messages per CPU-second, and what the ten cost the others.

`python -m tests.bench.webhooks` runs it alone. The courier is measured from the event in the ledger to the delivery written down as
taken, fsync on; its floors post ready-made messages, signed, over httpx and over plain streams. The receiver has the other core.
Messages go over plain HTTP on loopback: TLS is not in the figures. A round is all variants in turn, the next one goes backwards.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gateway import clock, ids
from gateway.settings import Settings
from gateway.store import merchants
from gateway.store import webhooks as store
from gateway.store.database import Database
from gateway.store.ledger import EVENTS, Event
from gateway.store.rows import Owner
from gateway.store.vault import Vault
from gateway.store.webhooks import ENDPOINTS, Endpoint
from gateway.values import Mode
from gateway.webhooks import signing
from tests.bench.measuring import LOAD_CORE, MEASURED_CORE, Broken, Child, percentile, spread
from tests.bench.webhooks_sender import ENDPOINTS as HEALTHY

ROUNDS = 4
EVENTS_EACH = 8  # events in a round, to every endpoint
HANGING = 10
RATE = 300  # deliveries per CPU-second, at least
ADDED = 1.0  # seconds that ten hanging endpoints may add to the others' p99

_NOISY = 0.15
_NUMBER = EVENTS_EACH * HEALTHY
_VARIANTS = ("all answer", "ten hang", "httpx", "streams")


class Run(NamedTuple):
    """CPU seconds of a round, and how long each message was on its way."""

    cpu: float
    delays: list[float]


class Bench:
    def __init__(self, folder: Path, receiver: Child, port: int, sender: Child) -> None:
        self._db = Database(Settings(data_dir=folder).database)
        self._receiver, self._sender = receiver, sender
        self._owners = {"all answer": self._merchant("well", port, 0), "ten hang": self._merchant("ill", port, HANGING)}

    def _merchant(self, name: str, port: int, hanging: int) -> Owner:
        """With its endpoints."""
        now = clock.wall()
        with self._db.write() as tx:
            owner = Owner(merchants.create(tx, name, "INR", "IN", now).id, Mode.TEST)
            paths = [f"{number}" for number in range(HEALTHY)] + [f"hang{number}" for number in range(hanging)]
            for path in paths:
                ENDPOINTS.insert(tx, _endpoint(owner, f"http://127.0.0.1:{port}/{path}", now))
        return owner

    def run(self, variant: str) -> Run:
        self._receiver.ask("forget")
        told = self._happen(self._owners[variant]) if variant in self._owners else {}
        before = self._sender.cpu
        self._sender.ask(f"{'courier' if told else variant} {_NUMBER}")
        cpu = self._sender.cpu - before
        came: dict[str, float] = json.loads(self._receiver.ask("report"))
        if told and len(came) != _NUMBER:
            raise Broken(f"{len(came)} messages came, {_NUMBER} were to come")
        return Run(cpu, [at - told[one.split(" ")[0]] for one, at in came.items()] if told else [])

    def _happen(self, owner: Owner) -> dict[str, float]:
        """Events, and when they happened."""
        now = clock.wall()
        events = [_event(owner, number, now) for number in range(EVENTS_EACH)]
        with self._db.write() as tx:
            for event in events:
                EVENTS.insert(tx, event)
        return {event.id: now.timestamp() for event in events}


def _endpoint(owner: Owner, url: str, now: dt.datetime) -> Endpoint:
    endpoint_id, secrets = ids.new("whe"), store.Secrets(current=signing.new_secret())
    return Endpoint(
        id=endpoint_id,
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        url=url,
        event_types=(),
        secrets=store.seal(Vault(bytes(32)), secrets, owner.merchant_id, endpoint_id),
        state="enabled",
        created_at=now,
        updated_at=now,
    )


def _event(owner: Owner, number: int, now: dt.datetime) -> Event:
    return Event(
        id=ids.new("evt"),
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        pickup_id=None,
        sequence=number,
        type="pickup.booked",
        data={"pickup": {"id": "pck_01jd3f8r6zq9v2k4m7xa", "reference": "RMA-1001", "state": "booked"}, "words": "x" * 120},
        at=now,
        created_at=now,
    )


@contextlib.contextmanager
def _bench() -> Iterator[Bench]:
    os.sched_setaffinity(0, {LOAD_CORE})
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        db = Database(Settings(data_dir=folder).database)
        db.upgrade()
        db.close()
        receiver = Child(LOAD_CORE, ("tests.bench.webhooks_receiver",))
        stack.callback(receiver.end)
        port = int(receiver.hear())
        sender = Child(MEASURED_CORE, ("tests.bench.webhooks_sender", str(folder), str(port)))
        stack.callback(sender.end)
        yield Bench(folder, receiver, port, sender)


def main() -> None:
    with _bench() as bench:
        for variant in _VARIANTS:
            bench.run(variant)  # opens connections, warms the code, learns who hangs
        runs: dict[str, list[Run]] = {variant: [] for variant in _VARIANTS}
        for number in range(ROUNDS):
            for variant in _VARIANTS if number % 2 == 0 else reversed(_VARIANTS):
                runs[variant].append(bench.run(variant))
    _tell(runs)


def _tell(runs: dict[str, list[Run]]) -> None:
    print(f"webhooks: {HEALTHY} endpoints that answer, {EVENTS_EACH} events each, {ROUNDS} rounds; deliveries per CPU-second")
    rates = {name: [_NUMBER / run.cpu for run in found] for name, found in runs.items()}
    for name, found in rates.items():
        mean = len(found) / sum(1 / rate for rate in found)
        floor = len(found) / sum(1 / rate for rate in rates["streams"])
        print(f"  {name:12} {mean:8.0f}  ({min(found):.0f} to {max(found):.0f})  {floor / mean:5.1f} x the streams' CPU")
    slow, well = (_p99(runs[name]) for name in ("ten hang", "all answer"))
    _judge(f"deliveries per CPU-second with ten that hang, at least {RATE}", min(rates["ten hang"]) >= RATE)
    _judge(f"p99 of the others {slow:.2f} s, {well:.2f} s where all answer: at most {ADDED:.0f} s more", slow - well <= ADDED)
    noisy = [name for name in ("httpx", "streams") if spread([run.cpu for run in runs[name]]) > _NOISY]
    print(f"  noisy floors: {', '.join(noisy) or 'none'}")


def _p99(runs: list[Run]) -> float:
    return percentile([delay for run in runs for delay in run.delays], 0.99)


def _judge(words: str, kept: bool) -> None:
    print(f"  {'kept' if kept else 'MISSED'}: {words}")


if __name__ == "__main__":
    main()
