from __future__ import annotations

import datetime as dt
import threading
from typing import Any

from gateway.store import tables
from tests.web.shop import SHIPPER, Shop, body

TOMORROW = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).date().isoformat()
OPEN_DAY = {"date": TOMORROW, "from": "10:00", "to": "18:00"}


def test_a_pickup_is_accepted_at_once_and_no_carrier_is_asked(running: Shop) -> None:
    answer = running.ask_to_book(body(window=OPEN_DAY, metadata={"ticket": "4711"}))
    pickup = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/pickups/{pickup['id']}"
    assert {
        name: pickup[name] for name in ("state", "reference", "mode", "lane", "window", "bookings", "decision", "metadata")
    } == {
        "state": "requested",
        "reference": "RMA-1",
        "mode": "test",
        "lane": {"from": "560038", "to": "394101"},
        "window": {**OPEN_DAY, "timezone": "Asia/Kolkata"},
        "bookings": [],
        "decision": None,
        "metadata": {"ticket": "4711"},
    }
    assert running.lab is not None and running.lab.calls.total() == 0


def test_a_driven_pickup_is_booked_with_a_sentence_a_price_and_a_label(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    pickup = running.get(f"/v1/pickups/{pickup_id}")
    (booking,) = pickup["bookings"]
    assert pickup["state"] == "booked"
    assert (booking["carrier"], booking["service"], booking["state"]) == ("delhivery", "surface", "live")
    assert booking["price"] == pickup["decision"]["chosen"]["price"] == {"amount": "122.91", "currency": "INR"}
    assert booking["awb"]
    assert pickup["decision"]["sentence"].startswith("Delhivery Surface at Rs 122.91")
    assert pickup["decision"]["runner_up"]["carrier"] == "ekart"
    assert "offers" not in pickup["decision"]
    assert pickup["label"]["url"] == f"/v1/pickups/{pickup_id}/label"
    assert pickup["next_action"]["what"] == "await_visit"
    assert pickup["instructions"][0] == "Have everything packed and closed before the rider comes."


def test_nothing_in_an_answer_names_the_customer(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    told = running.call("GET", f"/v1/pickups/{pickup_id}?expand=bookings,visits,decision,events").text
    assert not [word for word in (SHIPPER["name"], SHIPPER["phone"], SHIPPER["line1"]) if word in told]


def test_a_caller_who_waits_is_answered_when_a_carrier_has_booked(running: Shop) -> None:
    answer = _while_driving(running, lambda: running.ask_to_book(headers={"prefer": "wait=5"}))
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, "wait=5")
    assert answer.json()["state"] == "booked"


def test_the_answer_waited_for_is_the_one_given_again(running: Shop) -> None:
    first = _while_driving(running, lambda: running.ask_to_book(idempotency_key="k", headers={"prefer": "wait=5"}))
    again = running.ask_to_book(idempotency_key="k")
    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (201, first.content, "true")


def test_a_wait_that_is_too_short_ends_as_if_there_had_been_none(running: Shop) -> None:
    answer = running.ask_to_book(headers={"prefer": "wait=1"})
    assert (answer.status_code, answer.json()["state"]) == (202, "requested")
    assert "preference-applied" not in answer.headers


def test_a_reference_in_use_is_answered_with_the_pickup_it_stands_for(running: Shop) -> None:
    first = running.book()
    second = running.ask_to_book()
    assert (second.status_code, second.json()["code"], second.json()["existing"]) == (409, "duplicate_reference", first["id"])


def test_a_reference_is_free_again_once_its_pickup_has_ended(running: Shop) -> None:
    first = running.book()
    running.post(f"/v1/pickups/{first['id']}/cancel")
    running.drive()
    assert running.get(f"/v1/pickups/{first['id']}")["state"] == "cancelled"
    assert running.ask_to_book().status_code == 202


def test_a_pinned_carrier_is_asked_whatever_it_costs(running: Shop) -> None:
    pickup_id = running.book(carrier={"pin": "ekart"})["id"]
    running.drive()
    assert [one["carrier"] for one in running.get(f"/v1/pickups/{pickup_id}")["bookings"]] == ["ekart"]


def test_goods_go_to_a_warehouse_of_the_merchant_named_by_its_id(running: Shop) -> None:
    party = {**SHIPPER, "name": "Dock", "city": "Mumbai", "state": "Maharashtra", "postal_code": "400001"}
    location = running.post("/v1/locations", {"name": "Mumbai", "party": party})
    assert running.book(consignee={"location": location["id"]})["lane"] == {"from": "560038", "to": "400001"}


# --- lists -----------------------------------------------------------------------------------------


def test_a_list_comes_in_pages_newest_first(shop: Shop) -> None:
    made = [shop.book(reference=f"RMA-{number}")["id"] for number in range(5)]
    first = shop.call("GET", "/v1/pickups?limit=2")
    page = first.json()
    assert [one["id"] for one in page["data"]] == [made[4], made[3]]
    following = page["page"]["next"]
    assert page["page"] == {"next": following, "prev": None, "has_more": True}
    assert first.headers["link"] == f'</v1/pickups?limit=2&after={following}>; rel="next"'
    second = shop.get(f"/v1/pickups?limit=2&after={following}")
    assert [one["id"] for one in second["data"]] == [made[2], made[1]]
    back = shop.get(f"/v1/pickups?limit=2&before={second['page']['prev']}")
    assert [one["id"] for one in back["data"]] == [made[4], made[3]]


def test_the_pages_of_a_list_hold_every_pickup_once(shop: Shop) -> None:
    made = {shop.book(reference=f"RMA-{number}")["id"] for number in range(7)}
    seen: list[str] = []
    after = ""
    while True:
        page = shop.get(f"/v1/pickups?limit=3{after}")
        seen += [one["id"] for one in page["data"]]
        if not page["page"]["has_more"]:
            break
        after = f"&after={page['page']['next']}"
    assert (len(seen), set(seen)) == (7, made)


def test_a_list_is_filtered_by_state_carrier_reference_and_time(running: Shop) -> None:
    booked = running.book(reference="A", carrier={"pin": "ekart"})["id"]
    running.drive()
    waiting = running.book(reference="B")["id"]
    assert _ids(running, "state=booked") == [booked]
    assert _ids(running, "state=booked,requested") == [waiting, booked]
    assert _ids(running, "carrier=ekart") == [booked]
    assert _ids(running, "carrier=delhivery") == []
    assert _ids(running, "reference=B") == [waiting]
    assert _ids(running, "created_at[gte]=2020-01-01T00:00:00Z") == [waiting, booked]
    assert _ids(running, "created_at[lt]=2020-01-01T00:00:00Z") == []


def test_a_filter_nobody_knows_is_refused_and_not_ignored(shop: Shop) -> None:
    answer = shop.call("GET", "/v1/pickups?stat=booked")
    assert (answer.status_code, shop.errors(answer)) == (400, {"stat": "unknown_parameter"})


def test_a_filter_that_cannot_be_is_refused_with_what_can(shop: Shop) -> None:
    assert shop.errors(shop.call("GET", "/v1/pickups?state=lost,gone")) == {"state": "not_one_of"}
    assert shop.errors(shop.call("GET", "/v1/pickups?expand=people")) == {"expand": "not_one_of"}
    assert shop.errors(shop.call("GET", "/v1/pickups?limit=0")) == {"limit": "invalid"}
    assert shop.errors(shop.call("GET", "/v1/pickups?after=a&before=b")) == {"before": "not_both"}
    assert shop.errors(shop.call("GET", "/v1/pickups?created_at[gte]=2026-01-01T00:00:00")) == {"created_at[gte]": "invalid_format"}


# --- what belongs to a pickup ----------------------------------------------------------------------


def test_what_belongs_to_a_pickup_comes_with_it_or_by_itself(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    running.get("/v1/pickups?expand=bookings,visits,decision,events,label")
    whole = running.get(f"/v1/pickups/{pickup_id}?expand=bookings,visits,decision,events,label")
    assert whole["events"] == running.get(f"/v1/pickups/{pickup_id}/events")["data"]
    assert whole["bookings"] == running.get(f"/v1/pickups/{pickup_id}/bookings")["data"]
    assert whole["visits"] == running.get(f"/v1/pickups/{pickup_id}/visits")["data"] == []
    assert whole["decision"] == running.get(f"/v1/pickups/{pickup_id}/decision")
    assert [one["rank"] for one in whole["decision"]["offers"]] == [1, 2, 3]
    assert whole["label"]["content"]


def test_events_count_from_one_without_a_gap(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    events = running.get(f"/v1/pickups/{pickup_id}/events")["data"]
    assert [one["sequence"] for one in events] == list(range(1, len(events) + 1))
    assert [one["type"] for one in events][:2] == ["pickup.requested", "pickup.carrier_selected"]


def test_there_is_no_decision_before_one_was_made(shop: Shop) -> None:
    answer = shop.call("GET", f"/v1/pickups/{shop.book()['id']}/decision")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# --- labels ----------------------------------------------------------------------------------------


def test_a_label_is_given_in_the_format_it_exists_in(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    answer = running.call("GET", f"/v1/pickups/{pickup_id}/label?format=pdf")
    assert (answer.status_code, answer.headers["content-type"], answer.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert running.call("GET", f"/v1/pickups/{pickup_id}/label", headers={"accept": "*/*"}).content == answer.content


def test_there_is_no_label_before_a_carrier_has_booked(shop: Shop) -> None:
    assert shop.call("GET", f"/v1/pickups/{shop.book()['id']}/label").status_code == 404


# --- changes ---------------------------------------------------------------------------------------


def test_a_cancel_is_confirmed_by_the_carrier(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    assert running.post(f"/v1/pickups/{pickup_id}/cancel")["state"] == "cancelling"
    running.drive()
    pickup = running.get(f"/v1/pickups/{pickup_id}")
    assert (pickup["state"], pickup["bookings"][0]["state"]) == ("cancelled", "cancelled")


def test_what_has_ended_cannot_be_changed(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.post(f"/v1/pickups/{pickup_id}/cancel")
    running.drive()
    refused = [
        running.call("POST", f"/v1/pickups/{pickup_id}/{what}", json=json)
        for what, json in (
            ("cancel", None),
            ("requeue", None),
            ("reschedule", {"window": OPEN_DAY}),
            ("contact", {"note": "Ring."}),
        )
    ]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [(409, "wrong_state")] * 4


def test_only_an_exhausted_pickup_is_requeued(shop: Shop) -> None:
    pickup_id = shop.book()["id"]
    assert shop.call("POST", f"/v1/pickups/{pickup_id}/requeue").json()["code"] == "wrong_state"
    shop.drive()  # no carrier account: nobody to ask
    assert shop.get(f"/v1/pickups/{pickup_id}")["state"] == "exhausted"
    assert shop.post(f"/v1/pickups/{pickup_id}/requeue")["state"] == "requested"


def test_another_day_is_kept_for_the_booking_to_come(shop: Shop) -> None:
    pickup_id = shop.book()["id"]
    changed = shop.post(f"/v1/pickups/{pickup_id}/reschedule", {"window": OPEN_DAY})
    assert changed["window"] == {**OPEN_DAY, "timezone": "Asia/Kolkata"}


def test_a_corrected_postal_code_moves_the_lane(shop: Shop) -> None:
    pickup_id = shop.book()["id"]
    changed = shop.post(f"/v1/pickups/{pickup_id}/contact", {"postal_code": "560001", "note": "Ring twice."})
    assert changed["lane"] == {"from": "560001", "to": "394101"}


def test_a_correction_is_judged_as_the_address_it_makes(shop: Shop) -> None:
    path = f"/v1/pickups/{shop.book()['id']}/contact"
    assert shop.errors(shop.call("POST", path, json={"postal_code": "012345"})) == {"/postal_code": "invalid_postal_code"}
    assert shop.errors(shop.call("POST", path, json={"phone": "12", "name": ""})) == {
        "/phone": "invalid_phone",
        "/name": "too_short",
    }
    assert shop.errors(shop.call("POST", path, json={})) == {"": "missing"}
    assert shop.errors(shop.call("POST", path, json={"country": "US", "note": "x"})) == {"/country": "unknown_field"}


# --- trying on -------------------------------------------------------------------------------------


def test_a_pickup_tried_on_books_nothing(running: Shop) -> None:
    found = running.post("/v1/pickups/validate", body())
    assert (found["bookable"], [one["rank"] for one in found["offers"]]) == (True, [1, 2, 3])
    assert running.count(tables.pickups) == running.count(tables.bookings) == 0


def test_a_pickup_tried_on_tells_which_carrier_objects_to_what(running: Shop) -> None:
    found = running.post("/v1/pickups/validate", body(parcels=[body()["parcels"][0]] * 2))
    objections = {(one["carrier"], one["pointer"], one["kind"]) for one in found["objections"]}
    assert ("ekart", "/parcels", "invalid_request") in objections
    assert found["bookable"] is False


def _ids(shop: Shop, query: str) -> list[str]:
    return [one["id"] for one in shop.get(f"/v1/pickups?{query}")["data"]]


def _while_driving(shop: Shop, ask: Any) -> Any:
    """Ask while relay and workers are at work."""
    over = threading.Event()

    def drive() -> None:
        while not over.wait(0.05):
            shop.drive()

    worker = threading.Thread(target=drive)
    worker.start()
    try:
        return ask()
    finally:
        over.set()
        worker.join()
