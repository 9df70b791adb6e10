"""What every service works with: the ledger, the vault, the carriers, and a way to wait for them from a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from adapters.contract.errors import Refused
from gateway import clock
from gateway.carriers import limits
from gateway.carriers.client import Carriers, NoLab
from gateway.carriers.isolation import Isolation
from gateway.carriers.memory import Memory
from gateway.carriers.tokens import InRedis, Tokens
from gateway.labels.converter import Converter
from gateway.services import pausing
from gateway.services.exchange import Exchange
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.vault import Vault, keyring
from gateway.values import Account
from rates.currency import RateTable

T = TypeVar("T")

_LOOK = 0.1  # seconds: a quote asks dozens of times at once


class Kit:
    """One process's tools. `carriers` lives on `loop`; synchronous code waits for it through `wait`."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        carriers: Carriers,
        loop: asyncio.AbstractEventLoop,
        memory: Memory | None = None,
        rates: Callable[[], tuple[RateTable, ...]] = tuple,
    ) -> None:
        self.db = db
        self.vault = vault
        self.carriers = carriers
        self.loop = loop
        self.memory = memory or Memory()
        carriers.on_unauthorized = self._pause
        self.converter = Converter()
        self.rates = rates

    async def _pause(self, account: Account, operation: str, refusal: Refused) -> None:
        """Refused credentials pause the account, whatever was asked; of a booking the driver tells in its pickup's name."""
        if operation != "book":
            await asyncio.to_thread(self._note_refusal, account.id, refusal)

    def _note_refusal(self, account_id: str, refusal: Refused) -> None:
        with self.db.write() as tx:
            pausing.pause(tx, account_id, refusal, clock.wall())

    def wait(self, work: Coroutine[Any, Any, T], seconds: float = 170) -> T:
        """Run on the loop's thread, wait here. Never from the loop itself."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)


def lab_at(address: Path) -> Callable[[], str]:
    """Where the lab listens: it writes its address into a file, looked at every now and then. Raises NoLab while there is none."""
    known, until = "", 0.0

    def find() -> str:
        nonlocal known, until
        if time.monotonic() >= until:
            known, until = _written(address), time.monotonic() + _LOOK
        return known

    return find


def _written(address: Path) -> str:
    try:
        return address.read_text().strip()
    except FileNotFoundError as error:
        raise NoLab("no lab is running: start it with `gateway lab`, or give the account a base_url") from error


def on_loop(settings: Settings, loop: asyncio.AbstractEventLoop) -> Kit:
    """The kit of a process that has a running loop already (the API)."""
    vault = Vault(keyring(settings))
    return Kit(
        Database(settings.database, settings.database_pool),
        vault,
        Carriers(
            lab_at(settings.lab_address),
            tokens=Tokens(InRedis(settings.redis, vault)),
            isolation=Isolation(limits.InRedis(settings.redis)),
        ),
        loop,
        rates=Exchange(settings),
    )


def on_own_thread(settings: Settings) -> Kit:
    """The kit of a process without a loop (a worker): one is started on a thread of its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="carriers", daemon=True).start()
    return on_loop(settings, loop)
