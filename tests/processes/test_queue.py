"""The relay, the marks and the worker, on a real ledger and a real Valkey, without waiting for one another."""

from __future__ import annotations

import datetime as dt
import functools
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
import sqlalchemy as sa
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.exceptions import InvalidJobOperation
from rq.timeouts import JobTimeoutException

from gateway import clock
from gateway.carriers.client import NoLab
from gateway.jobs import work, worker
from gateway.jobs.queue import POLL, RECONCILE, NoRedis, Wakes, connect, held_key, queues
from gateway.jobs.relay import Relay
from gateway.jobs.worker import AT_ONCE, Worker, hold_back, wait_after
from gateway.processes import parts, valkey
from gateway.services.kit import Kit, on_own_thread
from gateway.settings import Settings
from gateway.store import outbox, tables
from gateway.store.accounts import ACCOUNTS
from gateway.store.outbox import ADVANCE
from tests.processes.returns import Desk
from tests.processes.running import eventually
from tests.threads import together


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A data folder whose ledger is made and whose queue server runs."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("queue") / ("long" * 30))
    parts.run("prepare", settings)
    valkey.make_room(settings)
    with subprocess.Popen(valkey.command(settings)) as server:
        eventually(settings.redis_socket.exists)
        yield settings
        server.terminate()
    shutil.rmtree(settings.redis_socket.parent)


@pytest.fixture
def connection(settings: Settings) -> redis.Redis:
    client = connect(settings)
    client.flushall()
    return client


@pytest.fixture(scope="module")
def kit(settings: Settings) -> Kit:
    return on_own_thread(settings)


@pytest.fixture(scope="module")
def desk(settings: Settings) -> Desk:
    return Desk(settings.data_dir)


def _subjects(connection: redis.Redis) -> dict[str, list[str]]:
    return {name: [str(job.args[0]) for job in queue.jobs] for name, queue in queues(connection).items()}


def test_the_socket_of_a_long_data_folder_is_in_a_short_private_one(settings: Settings) -> None:
    place = settings.redis_socket
    assert len(str(settings.data_dir)) > 107 > len(str(place))
    assert place.parent.stat().st_mode & 0o077 == 0
    assert Settings(data_dir=settings.data_dir).redis == f"unix://{quote(str(place))}"


def test_a_wake_up_that_waits_is_not_queued_twice(connection: redis.Redis) -> None:
    wakes = Wakes(connection)
    assert [wakes.enqueue([(ADVANCE, "pck_1"), (ADVANCE, "pck_1"), (POLL, "cac_1")]), wakes.enqueue([(ADVANCE, "pck_1")])] == [2, 0]
    assert _subjects(connection) == {"pickups": ["pck_1"], "polls": ["cac_1"], "audits": [], "lists": []}
    assert wakes.waiting() == 2


def test_two_relays_at_once_queue_each_wake_up_once(settings: Settings, connection: redis.Redis) -> None:
    wakes = [(ADVANCE, f"pck_{number}") for number in range(50)]
    relays = [Wakes(connect(settings)) for _ in range(4)]
    queued = together(*(functools.partial(one.enqueue, wakes) for one in relays))
    assert (sum(queued), sorted(_subjects(connection)["pickups"])) == (50, sorted(subject for _, subject in wakes))


def test_its_mark_ends_by_itself(connection: redis.Redis) -> None:
    Wakes(connection).enqueue([(ADVANCE, "pck_1")])
    assert 0 < connection.ttl(held_key(ADVANCE, "pck_1")) <= 60


def test_the_relay_hands_over_the_outbox_once(kit: Kit, desk: Desk, connection: redis.Redis) -> None:
    relay = Relay(kit, Wakes(connection), embedded=True)
    relay.hand_over()  # what other tests left
    connection.flushall()
    pickups = [desk.accept(1), desk.accept(2)]
    assert [relay.hand_over(), relay.hand_over()] == [2, 0]
    assert _subjects(connection)["pickups"] == pickups


def test_the_outbox_keeps_what_the_queue_did_not_take(kit: Kit, desk: Desk) -> None:
    away = redis.Redis(unix_socket_path="/nowhere/valkey.sock", retry=Retry(NoBackoff(), 0))
    desk.accept(3)
    with pytest.raises(redis.ConnectionError):
        Relay(kit, Wakes(away), embedded=True).hand_over()
    with kit.db.read() as tx:
        assert outbox.any_waiting(tx)


def test_the_sweep_finds_what_the_queue_lost(kit: Kit, desk: Desk, connection: redis.Redis) -> None:
    relay = Relay(kit, Wakes(connection), embedded=True)
    pickup = desk.accept(4)
    relay.hand_over()
    connection.flushall()
    relay.sweep()
    assert pickup in _subjects(connection)["pickups"]


def test_the_sweep_leaves_alone_what_is_being_driven(kit: Kit, desk: Desk, connection: redis.Redis) -> None:
    pickup = desk.accept(5)
    with kit.db.write() as tx:
        changes = {"lease_until": clock.wall() + dt.timedelta(minutes=3), "lease_owner": "drv_1"}
        tx.execute(tables.pickups.update().where(tables.pickups.c.id == pickup).values(**changes))
    Relay(kit, Wakes(connection), embedded=True).sweep()
    assert pickup not in _subjects(connection)["pickups"]


def test_in_a_backlog_the_sweep_adds_nothing(kit: Kit, desk: Desk, connection: redis.Redis) -> None:
    wakes = Wakes(connection)
    wakes.enqueue((ADVANCE, f"pck_{number}") for number in range(500))
    desk.accept(6)
    assert Relay(kit, wakes, embedded=True).sweep() == 0


def test_a_worker_takes_the_mark_off_when_it_begins_and_a_failure_sets_another(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(settings.data_dir))
    Wakes(connection).enqueue([(ADVANCE, "pck_unknown"), (POLL, "cac_unknown")])
    worker = Worker(list(queues(connection).values()), connection=connection, serializer="json", exception_handlers=[hold_back])
    with structlog.testing.capture_logs() as lines:
        worker.work(burst=True, logging_level="CRITICAL")
    assert connection.get(held_key(ADVANCE, "pck_unknown")) is None  # nobody's pickup: nothing to do
    assert connection.get(held_key(POLL, "cac_unknown")) == b"NoSuchRow"
    assert lines == [
        {
            "event": "job.failed",
            "log_level": "error",
            "job": "poll",
            "subject": "cac_unknown",
            "error": "NoSuchRow",
            "again_in": "60 s",
        }
    ]


def test_a_job_of_a_newer_version_is_left_for_its_workers(connection: redis.Redis) -> None:
    newer = queues(connection)["pickups"].enqueue("gateway.jobs.work.foresee", "pck_1")
    Wakes(connection).enqueue([(ADVANCE, "pck_unknown")])
    worker = Worker(list(queues(connection).values()), connection=connection, serializer="json", exception_handlers=[hold_back])
    worker.work(burst=True, max_jobs=3, logging_level="CRITICAL")
    assert [job.id for job in queues(connection)["pickups"].jobs] == [newer.id]
    assert newer.get_status(refresh=True) == "queued"


def test_what_a_newer_version_wants_done_is_left_in_the_outbox_for_its_relay(kit: Kit, desk: Desk, connection: redis.Redis) -> None:
    relay = Relay(kit, Wakes(connection), embedded=True)
    relay.hand_over()  # what other tests left
    connection.flushall()
    with kit.db.write() as tx:
        outbox.want(tx, "foresee", "pck_1", clock.wall())
    pickup = desk.accept(9)
    assert [relay.hand_over(), relay.hand_over()] == [1, 0]
    assert _subjects(connection)["pickups"] == [pickup]
    with kit.db.write() as tx:
        left = tx.execute(tables.outbox.delete().returning(tables.outbox.c.job)).scalars()
        assert list(left) == ["foresee"]


@pytest.mark.parametrize("error", [InvalidJobOperation("no such job"), redis.ConnectionError("away")])
def test_that_the_queue_was_flushed_or_went_away_during_a_job_is_no_failure_of_it(
    connection: redis.Redis, error: Exception
) -> None:
    waiting = list(queues(connection).values())
    worker = Worker(waiting, connection=connection, serializer="json", exception_handlers=[hold_back])
    job = waiting[0].enqueue("gateway.jobs.work.advance", "pck_1")
    with structlog.testing.capture_logs() as lines:
        worker.handle_exception(job, type(error), error, None)
    assert [(line["event"], line["subject"], line["error"]) for line in lines] == [("job.not_noted", "pck_1", type(error).__name__)]
    assert connection.get(held_key(ADVANCE, "pck_1")) is None


@pytest.mark.parametrize(
    ("error", "seconds"), [(sa.exc.OperationalError, 2), (NoLab, 5), (JobTimeoutException, 30), (ZeroDivisionError, 60)]
)
def test_how_long_a_failed_job_waits_depends_on_its_error(error: type[BaseException], seconds: int) -> None:
    assert wait_after(error) == dt.timedelta(seconds=seconds)


def test_a_worker_told_to_end_before_the_library_listens_ends_in_order(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others can see it a moment earlier, and who then ended it killed it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(Worker, "bootstrap", lambda *_: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        worker.run(settings)
    assert ended.value.code == 0
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_worker_has_several_jobs_in_hand_at_once(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waits for a carrier holds up nobody: each job here waits for all the others."""
    meeting = threading.Barrier(AT_ONCE)
    monkeypatch.setattr(work, "advance", lambda pickup_id: meeting.wait(20))
    wakes = [(ADVANCE, f"pck_{number}") for number in range(AT_ONCE)]
    Wakes(connection).enqueue(wakes)
    worker = Worker(list(queues(connection).values()), connection=connection, serializer="json", exception_handlers=[hold_back])
    worker.work(burst=True)
    assert not meeting.broken
    assert [connection.get(held_key(*wake)) for wake in wakes] == [None] * AT_ONCE


def test_a_worker_takes_no_more_jobs_than_it_has_places_for(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is left in the queue for another worker."""
    begun, over = threading.Semaphore(0), threading.Event()
    wakes = Wakes(connection)
    wakes.enqueue([(ADVANCE, f"pck_{number}") for number in range(AT_ONCE + 3)])
    left: list[int] = []

    def advance(pickup_id: str) -> None:
        begun.release()
        over.wait(20)

    def look() -> None:
        for _ in range(AT_ONCE):
            begun.acquire(timeout=20)
        left.append(wakes.waiting())
        over.set()

    monkeypatch.setattr(work, "advance", advance)
    looking = threading.Thread(target=look)
    looking.start()
    worker = Worker(list(queues(connection).values()), connection=connection, serializer="json")
    worker.work(burst=True)
    looking.join()
    assert (left, wakes.waiting()) == ([3], 0)


def test_without_redis_the_address_and_the_cure_are_told_but_no_password(tmp_path: Path) -> None:
    with pytest.raises(NoRedis) as told:
        connect(Settings(data_dir=tmp_path, redis_url="redis://:secret@127.0.0.1:1/0"))
    assert str(told.value) == "no Redis at 127.0.0.1:1: start `gateway serve`, or set REDIS_URL to one that runs"


def test_each_account_is_queued_once_a_day_to_be_held_against_its_carriers_list(
    kit: Kit, desk: Desk, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Ekart has no list: the worker finds that out, and the account is done with for the day."""
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(settings.data_dir))
    relay = Relay(kit, Wakes(connection), embedded=True)
    assert relay.reconcile() == 1
    worker = Worker([queues(connection)["lists"]], connection=connection, serializer="json", exception_handlers=[hold_back])
    worker.work(burst=True, logging_level="CRITICAL")
    with kit.db.read() as tx:
        (account,) = ACCOUNTS.all(tx)
    assert (connection.get(held_key(RECONCILE, account.id)), relay.reconcile()) == (None, 0)


def test_lapsed_idempotency_keys_are_struck_out(kit: Kit, desk: Desk, connection: redis.Redis) -> None:
    now = clock.wall()
    row = {
        "merchant_id": desk.owner.merchant_id,
        "mode": desk.owner.mode,
        "route": "POST /v1/pickups",
        "body_digest": b"",
        "created_at": now,
    }
    with kit.db.write() as tx:
        for key, age in (("old", -1), ("young", 1)):
            tx.execute(tables.idempotency.insert().values(key=key, expires_at=now + dt.timedelta(hours=age), **row))
    assert Relay(kit, Wakes(connection), embedded=True).tidy() == 1
