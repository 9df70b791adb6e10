"""The figures: what is counted, who may read them, and that no label is anybody's."""

from __future__ import annotations

import datetime as dt
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway import clock, metrics
from gateway.jobs.queue import KINDS
from gateway.processes import metrics as port
from gateway.processes.problems import CannotRun
from gateway.services import gauges
from gateway.settings import Settings
from gateway.store import tables
from tests.processes.running import free_port
from tests.web.shop import Shop
from tests.world import World, customer


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """(name, label values...) to value."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def counted(*key: str) -> float:
    return samples(metrics.text()).get(key, 0.0)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path, ("delhivery", "ekart"), metrics_token="scrape-me")
    yield made
    made.close()


def read(shop: Shop) -> dict[tuple[str, ...], float]:
    answer = shop.client.get("/metrics", headers={"authorization": "Bearer scrape-me"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, metrics.CONTENT_TYPE)
    return samples(answer.content)


# --- requests ------------------------------------------------------------------------------------------


def test_a_request_counts_under_its_route_method_and_status(shop):
    before = read(shop)
    pickup_id = shop.book()["id"]
    shop.get(f"/v1/pickups/{pickup_id}")
    shop.call("GET", "/v1/pickups/pck_0")
    after = read(shop)

    def more(name: str, *labels: str) -> float:
        return after.get((name, *labels), 0) - before.get((name, *labels), 0)

    assert more("gateway_http_requests_total", "POST", "/v1/pickups", "202") == 1
    assert more("gateway_http_requests_total", "GET", "/v1/pickups/{pickup_id}", "200") == 1
    assert more("gateway_http_requests_total", "GET", "/v1/pickups/{pickup_id}", "404") == 1
    assert more("gateway_http_request_seconds_count", "/v1/pickups/{pickup_id}") == 2


def test_what_has_no_route_and_strange_methods_make_one_label_each(shop):
    before = counted("gateway_http_requests_total", "GET", "none", "404")
    for number in range(5):
        shop.client.get(f"/nowhere/{number}")
        shop.client.request(f"METHOD{number}", "/v1/pickups")
    assert counted("gateway_http_requests_total", "GET", "none", "404") == before + 5
    methods = {key[1] for key in samples(metrics.text()) if key[0] == "gateway_http_requests_total"}
    assert methods <= {"GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD", "other"}


# --- carriers ------------------------------------------------------------------------------------------


def test_a_call_to_a_carrier_counts_by_what_came_of_it(tmp_path):
    world = World(tmp_path, carriers=("ekart",))
    good = counted("gateway_carrier_calls_total", "ekart", "book", "ok")
    world.book()
    assert counted("gateway_carrier_calls_total", "ekart", "book", "ok") == good + 1
    lost = counted("gateway_carrier_calls_total", "ekart", "book", "OutcomeUnknown")
    world.fault("timeout_booked", operation="book", times=1)
    world.book(reference="RMA-2")
    assert counted("gateway_carrier_calls_total", "ekart", "book", "OutcomeUnknown") == lost + 1
    assert counted("gateway_carrier_call_seconds_count", "ekart", "book") >= 2
    world.close()


# --- ledger and queue ----------------------------------------------------------------------------------


def test_the_ledgers_gauges_tell_what_is_open(tmp_path):
    world = World(tmp_path)
    world.book(phone=world.phone(1))
    world.accept("RMA-2", customer())
    with world.db.write() as tx:
        tx.execute(tables.bookings.update().values(state="unknown"))
    registry = gauges.registry(world.db, lambda: {"pickups": 3, "polls": 0})
    found = samples(generate_latest(registry))
    del found[("gateway_outbox_age_seconds",)]
    assert found == {
        ("gateway_queue_jobs", "pickups"): 3,
        ("gateway_queue_jobs", "polls"): 0,
        ("gateway_outbox_waiting",): 1,
        ("gateway_pickups_open", "booked", "test"): 1,
        ("gateway_pickups_open", "requested", "test"): 1,
        ("gateway_bookings_in_doubt", "unknown", "test"): 1,
    }
    world.close()


def test_the_age_of_the_outbox_is_that_of_its_oldest_wake_up(tmp_path):
    world = World(tmp_path)
    world.accept("RMA-1", customer())
    with world.db.read() as tx:
        found = {family.name: family.samples[0].value for family in gauges._outbox(tx, world.now + dt.timedelta(seconds=90))}
    assert found == {"gateway_outbox_waiting": 1, "gateway_outbox_age_seconds": 90.0}
    world.close()


def test_an_open_exception_counts_by_its_reason(tmp_path):
    world = World(tmp_path)
    world.book(phone=world.phone(1))
    world.days(3)
    with world.db.write() as tx:
        tx.execute(tables.exceptions.update().values(state="needs_decision", reason="customer_unavailable"))
        number = tx.execute(tables.exceptions.select()).all()
        found = samples(generate_latest(_registry_of(list(gauges.ledger(tx, clock.wall())))))
    assert found[("gateway_exceptions_open", "customer_unavailable", "test")] == len(number) > 0
    world.close()


def test_a_look_soon_after_another_asks_the_database_nothing(tmp_path):
    world = World(tmp_path)
    asked: list[int] = []

    def depths() -> dict[str, int]:
        asked.append(1)
        return {}

    registry = gauges.registry(world.db, depths)
    for _ in range(5):
        generate_latest(registry)
    assert asked == [1]
    world.close()


def test_with_redis_away_the_rest_is_told(shop):
    found = read(shop)
    assert ("gateway_outbox_waiting",) in found
    assert not any(key[0] == "gateway_queue_jobs" for key in found)


def test_the_queues_told_are_those_there_are():
    assert set(gauges.QUEUES) == {kind.queue for kind in KINDS.values()}


def test_the_processes_memory_is_told():
    assert counted("process_resident_memory_bytes") > 10_000_000


# --- labels --------------------------------------------------------------------------------------------


def test_no_label_is_an_id_or_a_persons_word(shop):
    pickup_id = shop.book()["id"]
    shop.drive()
    shop.get(f"/v1/pickups/{pickup_id}")
    text = shop.client.get("/metrics", headers={"authorization": "Bearer scrape-me"}).text
    values = set(re.findall(r'="([^"]*)"', text))
    assert [value for value in values if re.search(r"_[0-9a-hjkmnp-tv-z]{20}", value)] == []
    assert [word for word in ("Asha", "9820000000", "Rose Lane", "560038", shop.merchant.id) if word in text] == []
    assert {"delhivery", "/v1/pickups/{pickup_id}"} <= values


def test_the_labels_there_are_are_few(shop):
    """Routes times methods and statuses; carriers times operations and outcomes: nothing a caller could make more of."""
    for number in range(30):
        shop.client.get(f"/v1/pickups/pck_{number}", headers={"authorization": f"Bearer {shop.key}"})
        shop.client.get(f"/v1/tracking/{number}/{number}")
    before = len(samples(metrics.text()))
    for number in range(30, 60):
        shop.client.get(f"/v1/pickups/pck_{number}", headers={"authorization": f"Bearer {shop.key}"})
        shop.client.get(f"/v1/tracking/{number}/{number}")
    assert len(samples(metrics.text())) == before


# --- who may read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "authorization", "client", "headers", "expected"),
    [
        ("", "", "127.0.0.1", {}, True),
        ("", "", "::1", {}, True),
        ("", "", "10.0.0.7", {}, False),
        ("", "", "testclient", {}, False),
        ("", "", "127.0.0.1", {"x-forwarded-for": "10.0.0.7"}, False),
        ("secret", "", "127.0.0.1", {}, False),
        ("secret", "Bearer secret", "10.0.0.7", {}, True),
        ("secret", "Bearer secreT", "10.0.0.7", {}, False),
        ("secret", "secret", "10.0.0.7", {}, False),
        ("", "Bearer ", "10.0.0.7", {}, False),
    ],
)
def test_who_may_read(token, authorization, client, headers, expected):
    assert metrics.may_read(token, authorization, client, headers) is expected


def test_over_the_api_a_stranger_is_refused(shop):
    answer = shop.client.get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert shop.call("GET", "/metrics").status_code == 403  # a merchant's key is no token


# --- the port of workers and the relay -----------------------------------------------------------------


def get(number: int, path: str = "/metrics", **headers: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{number}{path}", headers=headers), timeout=5
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def served(tmp_path: Path, **more: Any) -> Any:
    return port.serve(Settings(data_dir=tmp_path, metrics_port=free_port(), **more))


def test_a_worker_tells_its_figures_on_a_port_of_its_own(tmp_path):
    server = served(tmp_path, metrics_token="scrape-me")
    number = server.server_address[1]
    status, content = get(number, authorization="Bearer scrape-me")
    assert (status, samples(content)[("process_resident_memory_bytes",)] > 0) == (200, True)
    assert (get(number)[0], get(number, "/other")[0]) == (403, 404)
    server.shutdown()
    server.server_close()


def test_a_port_that_is_taken_is_told_with_the_cure(tmp_path):
    server = served(tmp_path)
    with pytest.raises(CannotRun, match="GATEWAY_METRICS_PORT"):
        port.serve(Settings(data_dir=tmp_path, metrics_port=server.server_address[1]))
    server.shutdown()
    server.server_close()


def test_without_a_port_there_is_no_server(tmp_path):
    assert port.serve(Settings(data_dir=tmp_path)) is None


def _registry_of(families: Any) -> Any:
    class Once:
        def collect(self) -> Any:
            return families

    made = CollectorRegistry()
    made.register(Once())
    return made
