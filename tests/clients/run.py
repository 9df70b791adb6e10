"""One run: a gateway is started, each key's request comes from all clients at once, and what came of it is compared."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import msgspec
import sqlalchemy as sa

from gateway.demo import stage
from gateway.demo.returns import RETURNS, request
from gateway.demo.stage import Stage
from gateway.settings import Settings
from gateway.store import tables
from gateway.store.database import Database
from gateway.store.ledger import BOOKINGS, EXCEPTIONS, PICKUPS
from tests.clients.comparing import accepted, broken
from tests.clients.crowd import Crowd, Told
from tests.fleet.comparing import SETTLED, Facts
from tests.processes.running import eventually, serving

_TOLD_EVERY = 100
_SECONDS_EACH = 2.0  # a booking, on a machine with other work

Say = Callable[[str], None]


def through(folder: Path, database: str, keys: int, clients: int, say: Say) -> list[str]:
    """The promises that were broken, in sentences. `database`: of PostgreSQL, migrated; "" is SQLite in `folder`."""
    began = time.monotonic()

    def tell(text: str) -> None:
        say(f"[{time.monotonic() - began:5.1f} s] {text}")

    with serving(folder, _environment(database)) as run:
        settings = Settings(data_dir=folder, port=run.port, database_url=database)
        stage.example_rates(settings)
        eventually(settings.lab_address.exists)
        set_up = stage.set_up(settings, seed=1)
        answers = asyncio.run(_asked(settings, set_up, keys, clients, tell))
        tell(_counted(answers))
        with contextlib.closing(Database(settings.database)) as ledger:
            eventually(lambda: not _unsettled(ledger), 30 + keys * _SECONDS_EACH)
            facts = _facts(settings, ledger, answers)
    tell(f"pickups {len(facts.pickups)}, bookings {len(facts.bookings)}, consignments at carriers {len(facts.books)}")
    return broken(answers, facts)


def _environment(database: str) -> Mapping[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return {"DATABASE_URL": database, "GATEWAY_MASTER_KEY": key} if database else {}


async def _asked(settings: Settings, set_up: Stage, keys: int, clients: int, tell: Say) -> dict[int, Sequence[Told]]:
    """What they were told, by key: one key after the other, of each all clients at once."""
    answers: dict[int, Sequence[Told]] = {}
    async with Crowd(settings.api_url, set_up.key, clients) as crowd:
        for number in range(len(RETURNS), len(RETURNS) + keys):  # the first of them have magic phones
            body = msgspec.json.encode(request(number, set_up.locations))
            answers[number] = await crowd.book(f"crowd-{number}", body)
            if len(answers) % _TOLD_EVERY == 0:
                tell(f"{len(answers)} keys of {keys}")
    return answers


def _counted(answers: Mapping[int, Sequence[Told]]) -> str:
    every = [one for told in answers.values() for one in told]
    statuses = ", ".join(f"{number} x {status}" for status, number in sorted(Counter(one.status for one in every).items()))
    return f"keys {len(answers)}, answers {statuses}, told to wait {sum(one.waits for one in every)} times"


def _unsettled(ledger: Database) -> int:
    """Pickups that are neither booked nor ended nor with a person, or that somebody drives."""
    table = tables.pickups.c
    with ledger.read() as tx:
        at_work = table.state.not_in(SETTLED) | table.lease_until.is_not(None)
        return tx.scalar(sa.select(sa.func.count()).select_from(tables.pickups).where(at_work)) or 0


def _facts(settings: Settings, ledger: Database, answers: Mapping[int, Sequence[Told]]) -> Facts:
    """The books are those of all carriers, as their lab tells them over HTTP."""
    books = httpx.get(f"{settings.lab_address.read_text()}/_lab/books", timeout=60).raise_for_status().json()
    with ledger.read() as tx:
        return Facts(
            accepted=accepted(answers),
            pickups=PICKUPS.all(tx),
            bookings=BOOKINGS.all(tx),
            exceptions=EXCEPTIONS.all(tx),
            books=books["consignments"],
        )
