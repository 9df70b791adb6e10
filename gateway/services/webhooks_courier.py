"""The courier: carries webhook deliveries from the ledger to the endpoints, on a thread of its own in every worker.

It looks at the ledger, leases endpoints that are due, and tries a round of messages at each, all rounds at once: an endpoint has a
few calls at a time to itself and delays nobody. Those that fail or take long share half of the places between them, so however many
they are, the others keep the rest. What rounds brought is written together, a transaction for all that ended meanwhile.
"""

from __future__ import annotations

import _thread
import asyncio
import datetime as dt
import random
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
import sqlalchemy as sa
import structlog
import uvloop

from gateway import clock, ids
from gateway.services import webhooks
from gateway.services.kit import Kit
from gateway.store import webhooks as store
from gateway.store.ledger import Event
from gateway.store.vault import Tampered
from gateway.store.webhooks import Delivery, Endpoint
from gateway.webhooks.schedule import Attempt, Health, State, after_round, next_try
from gateway.webhooks.sender import AT_ONCE, Line, Message, Sender

PLACES = 200  # rounds at once; half of them for endpoints that struggle
ROUND = 64  # messages

_FAN_OUT = 500
_LAST_START = 30.0  # seconds after a round began: no further message is begun
_BUSY, _IDLE, _AWAY = 0.02, 0.25, 2.0  # seconds until the next look
_LEAVE = 8.0  # seconds that rounds have to end in when the process is to

_log = structlog.get_logger()


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with the event it is about."""

    delivery: Delivery
    event: Event


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be tried at one endpoint now."""

    endpoint: Endpoint
    secrets: tuple[str, ...]
    letters: tuple[Letter, ...]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a round brought; letters that were not tried are not in it."""

    round_: Round
    tried: tuple[tuple[Letter, Attempt], ...]
    ended_at: dt.datetime


# --- a round ---------------------------------------------------------------------------------------


async def run(round_: Round, line: Line, wall: Callable[[], dt.datetime] = clock.wall) -> Outcome:
    """Try its letters, those of one pickup in their order; after a failure no further one is begun."""
    tried: list[tuple[Letter, Attempt]] = []
    until = asyncio.get_running_loop().time() + _LAST_START
    gate = asyncio.Semaphore(AT_ONCE)
    failed = asyncio.Event()

    async def carry(lane: Sequence[Letter]) -> None:
        for letter in lane:
            async with gate:
                if failed.is_set() or asyncio.get_running_loop().time() > until:
                    return
                attempt = await line.send(_message(round_, letter))
            tried.append((letter, attempt))
            if not attempt.taken:
                failed.set()

    try:
        await asyncio.gather(*(carry(lane) for lane in _lanes(round_.letters)))
    finally:
        await line.close()
    return Outcome(round_=round_, tried=tuple(tried), ended_at=wall())


def _message(round_: Round, letter: Letter) -> Message:
    return Message(id=letter.event.id, body=webhooks.body_of(letter.event), secrets=round_.secrets)


def _lanes(letters: Iterable[Letter]) -> list[list[Letter]]:
    """By pickup, each in the order of its events."""
    lanes: dict[str, list[Letter]] = {}
    for letter in sorted(letters, key=lambda letter: letter.event.sequence):
        lanes.setdefault(letter.event.pickup_id or letter.event.id, []).append(letter)
    return list(lanes.values())


# --- bookkeeping: one transaction ------------------------------------------------------------------


def claim(
    tx: sa.Connection, kit: Kit, courier: str, wall: dt.datetime, places: int = PLACES, struggling: int = PLACES // 2
) -> list[Round]:
    """Rounds for as many endpoints as there are places for; one that fails is tried with a single letter."""
    well = store.claim(tx, wall, courier, struggling=False, limit=places)
    ill = store.claim(tx, wall, courier, struggling=True, limit=min(struggling, places - len(well)))
    endpoints = [*well, *ill]
    batches = {one.id: store.batch(tx, one.id, wall, 1 if one.streak else ROUND) for one in endpoints}
    events = store.events_of(tx, (delivery for batch in batches.values() for delivery in batch))
    rounds = (_round(kit, endpoint, batches[endpoint.id], events, wall) for endpoint in endpoints)
    return [one for one in rounds if one]


def _round(kit: Kit, endpoint: Endpoint, batch: list[Delivery], events: dict[str, Event], wall: dt.datetime) -> Round | None:
    """None where its secret does not open: it is looked at again when its lease ends."""
    letters = [Letter(delivery=one, event=events[one.event_id]) for one in batch if one.event_id]
    try:
        secrets = webhooks.valid_secrets(kit.vault, endpoint, wall)
    except Tampered as error:
        _log.error("webhooks.sealed", endpoint=endpoint.id, error=str(error))
        return None
    return Round(endpoint=endpoint, secrets=secrets, letters=tuple(letters))


def settle(tx: sa.Connection, outcomes: Sequence[Outcome], dice: Callable[[], float] = random.random) -> None:
    """Write what the rounds brought, and give their endpoints back."""
    if not outcomes:
        return
    held = store.held(tx, {outcome.round_.endpoint.id for outcome in outcomes})
    store.store_tries(tx, [_after(letter.delivery, attempt, dice()) for one in outcomes for letter, attempt in one.tried])
    verdicts = [(one, held[one.round_.endpoint.id]) for one in outcomes if one.round_.endpoint.id in held]
    judged = [(endpoint, _judge(tx, endpoint, outcome), outcome.ended_at) for outcome, endpoint in verdicts]
    first = store.next_due(tx, held)
    for endpoint, health, at in judged:
        store.release(tx, endpoint, due_at=first.get(endpoint.id), updated_at=at, **msgspec.structs.asdict(health))


def _after(delivery: Delivery, attempt: Attempt, dice: float) -> Delivery:
    """The delivery after this try."""
    tries = delivery.tries + 1
    again = None if attempt.taken else next_try(tries, attempt.at, dice)
    state = "delivered" if attempt.taken else "pending" if again else "failed"
    attempts = (*delivery.attempts, webhooks.log_of(attempt))
    ended = None if again else attempt.at
    return msgspec.structs.replace(delivery, tries=tries, state=state, next_try_at=again, attempts=attempts, ended_at=ended)


def _judge(tx: sa.Connection, endpoint: Endpoint, outcome: Outcome) -> Health:
    """The endpoint's health after the round; what becomes of it is noted and told."""
    before = health_of(endpoint)
    health = after_round(before, [attempt for _, attempt in outcome.tried], outcome.ended_at)
    if health.state is before.state:
        return health
    if health.state is State.STOPPED:
        store.give_up(tx, endpoint.id, outcome.ended_at)
    webhooks.tell_paused(tx, endpoint, health.reason, outcome.ended_at)
    _log.warning("webhooks.paused", endpoint=endpoint.id, state=str(health.state), reason=health.reason)
    return health


def health_of(endpoint: Endpoint) -> Health:
    return msgspec.convert({name: getattr(endpoint, name) for name in Health.__struct_fields__}, Health)


# --- the loop --------------------------------------------------------------------------------------


class Courier:
    """`work` until told to stop; rounds that run are finished then, or taken up by another courier when their lease ends."""

    def __init__(self, kit: Kit, sender: Sender, wall: Callable[[], dt.datetime] = clock.wall) -> None:
        self._kit = kit
        self._sender = sender
        self._wall = wall
        self._id = ids.new("cou")
        self._running: dict[asyncio.Task[Outcome], bool] = {}  # whether its endpoint struggles
        self._ended: list[Outcome] = []
        self._away = False

    async def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            pause = await self._look()
            if self._running:
                await asyncio.wait(self._running, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(_BUSY)
            else:
                await asyncio.sleep(pause)
        await self.finish()

    async def turn(self) -> None:
        """One look, and the rounds it started, to their end."""
        await self._look()
        await self.finish()

    async def finish(self) -> None:
        if self._running:
            await asyncio.wait(self._running)
        self._collect()
        if self._ended:
            await asyncio.to_thread(self._keep_books, claiming=False)

    async def _look(self) -> float:
        """Take in what ended, start what is due; seconds until the next look, unless something ends before."""
        self._collect()
        try:
            rounds = await asyncio.to_thread(self._keep_books)
        except (sa.exc.OperationalError, sa.exc.IntegrityError) as error:  # an endpoint was removed meanwhile: look again
            self._tell(error)
            return _AWAY
        self._away = False
        for round_ in rounds:
            line = self._sender.line(round_.endpoint.url, test=round_.endpoint.mode == "test")
            task = asyncio.ensure_future(run(round_, line, self._wall))
            self._running[task] = health_of(round_.endpoint).struggling
        return _IDLE

    def _tell(self, error: Exception) -> None:
        """Once, not every second."""
        if not self._away:
            _log.warning("courier.waits", error=type(error).__name__)
        self._away = True

    def _collect(self) -> None:
        for task in [task for task in self._running if task.done()]:
            del self._running[task]
            error = task.exception()
            if error is None:
                self._ended.append(task.result())
            else:  # a bug: the endpoint's lease ends by itself, and the others go on
                _log.error("courier.failed", error=type(error).__name__)

    def _keep_books(self, *, claiming: bool = True) -> list[Round]:
        """Write only where there is something to write. What ended is kept until it is written."""
        wall, ended = self._wall(), list(self._ended)
        if not ended and not self._anything(wall):
            return []
        struggling = sum(self._running.values())
        free, for_struggling = PLACES - len(self._running), PLACES // 2 - struggling
        with self._kit.db.write() as tx:
            settle(tx, ended)
            webhooks.fan_out(tx, wall, _FAN_OUT)
            rounds = claim(tx, self._kit, self._id, wall, free, for_struggling) if claiming else []
        self._ended = self._ended[len(ended) :]
        return rounds

    def _anything(self, wall: dt.datetime) -> bool:
        with self._kit.db.read() as tx:
            return store.any_untold(tx) or store.any_due(tx, wall)


@contextmanager
def at_work(kit: Kit, sender: Sender) -> Iterator[None]:
    """A courier beside whatever this process does meanwhile."""
    stop = threading.Event()
    thread = threading.Thread(target=_on_own_loop, args=(kit, sender, stop), name="courier", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=_LEAVE)


def _on_own_loop(kit: Kit, sender: Sender, stop: threading.Event) -> None:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Courier(kit, sender).work(stop))
    finally:
        if not stop.is_set():  # a bug: the process ends with it, and is started again
            _thread.interrupt_main(signal.SIGTERM)
