"""POST /v1/pickups/{id}/erase: by the merchant's admin, when the pickup has ended, once and for good."""

from __future__ import annotations

from typing import Any

from tests.web.shop import SHIPPER, Shop


def ended(shop: Shop) -> Any:
    """A pickup that was cancelled before anybody was asked."""
    pickup = shop.book(instructions="ring twice", metadata={"mail": "asha@post.test"}, order={"number": "SO-1"})
    shop.post(f"/v1/pickups/{pickup['id']}/cancel")
    shop.drive()
    return pickup


def test_people_are_erased_from_a_pickup_that_has_ended(running: Shop) -> None:
    pickup = ended(running)
    path = f"/v1/pickups/{pickup['id']}"
    done = running.post(f"{path}/erase")
    assert (done["pickup"], done["rows"]["people"]) == (pickup["id"], 1)
    left = running.get(path, params={"expand": "bookings,visits,decision,events,label"})
    assert (left["state"], left["reference"], left["metadata"], left["label"]) == ("cancelled", "RMA-1", {}, None)
    assert left["lane"] == {"from": SHIPPER["postal_code"], "to": "394101"}
    again = running.post(f"{path}/erase")
    assert again == {"pickup": pickup["id"], "erased_at": done["erased_at"], "rows": {}}


def test_its_lists_can_still_be_read(running: Shop) -> None:
    pickup = ended(running)
    running.post(f"/v1/pickups/{pickup['id']}/erase")
    for part in ("events", "bookings", "visits"):
        assert running.call("GET", f"/v1/pickups/{pickup['id']}/{part}").status_code == 200
    assert running.call("GET", f"/v1/pickups/{pickup['id']}/label").status_code == 404
    assert running.get("/v1/pickups", params={"reference": "RMA-1"})["data"][0]["id"] == pickup["id"]


def test_an_open_one_is_refused_with_what_to_do(running: Shop) -> None:
    pickup = running.book()
    answer = running.call("POST", f"/v1/pickups/{pickup['id']}/erase")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert "cancel it or let it end" in answer.json()["detail"]


def test_only_an_admin_erases_and_only_its_own(running: Shop) -> None:
    path = f"/v1/pickups/{ended(running)['id']}/erase"
    assert running.call("POST", path, key=running.new_key("pickups:write")).status_code == 403
    assert running.call("POST", path, key=running.other_merchant()).status_code == 404
    assert running.call("POST", path, key=running.live_key()).status_code == 404


def test_it_stands_in_the_audit_log_without_a_word_of_the_person(running: Shop) -> None:
    pickup = ended(running)
    running.post(f"/v1/pickups/{pickup['id']}/erase")
    entry = running.get("/v1/audit-log?action=erasePickup")["data"][0]
    assert (entry["object"], list(entry["change"]["after"])) == (pickup["id"], ["erased_at"])
