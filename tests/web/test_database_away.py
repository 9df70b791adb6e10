"""A database that is gone: the API says so and waits for it, and no request ends as a mistake of ours."""

from __future__ import annotations

import pytest

from tests import ledgers
from tests.web.shop import Shop

pytestmark = pytest.mark.skipif(not ledgers.on_postgresql(), reason="a file does not go away")


def test_without_its_database_every_answer_is_that_it_is_busy(shop: Shop) -> None:
    ledgers.drop(shop.ledger)
    answers = [shop.call("GET", "/v1/pickups"), shop.ask_to_book(), shop.client.get("/health/ready")]
    assert [(one.status_code, one.json()["code"], one.headers.get("retry-after")) for one in answers] == [
        (503, "unavailable", "1")
    ] * 3


def test_connections_that_the_server_ended_are_replaced_without_a_word(shop: Shop) -> None:
    pickup_id = shop.book()["id"]
    with ledgers.server().connect() as connection:
        connection.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{ledgers.name(shop.ledger)}'"
        )
    assert shop.get(f"/v1/pickups/{pickup_id}")["id"] == pickup_id
