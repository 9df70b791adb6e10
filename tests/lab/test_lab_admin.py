"""The admin calls and the door: settings, books for the auditor, counts, clear errors, wrong credentials, unknown paths."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from adapters.lab.engine import Lab, load_sides, numbered
from tests.lab.swiftline import ACCOUNT, COLLECTS, SIDE, a_lab, a_rule, ask, book_one, client, days_pass

RULE = {"carrier": "swiftline", "kind": "slow"}
WHOSE = {"carrier": "swiftline", "account": ACCOUNT}


def test_health_names_the_carriers_with_their_numbers():
    lab = Lab({"swiftline": SIDE, "acorn": SIDE}, seed=3)
    assert ask(lab, "GET", "health") == (200, {"status": "ok", "carriers": {"acorn": 1, "swiftline": 2}, "seed": 3})


def test_the_books_tell_an_auditor_everything_but_names_phones_and_addresses():
    lab = a_lab()
    book_one(client(lab), COLLECTS, reference="r1")
    ask(lab, "POST", "clock", WHOSE | {"offset_seconds": 5 * 3600})
    assert ask(lab, "GET", "books") == (
        200,
        {
            "consignments": [
                {
                    "carrier": "swiftline",
                    "account": "lab_anita",
                    "awb": "SW000001",
                    "reference": "r1",
                    "state": "out",
                    "visits": 1,
                    "origin": "560001",
                    "destination": "400001",
                    "price_minor": 9900,
                    "created_at": "2026-11-23T03:00:00Z",
                    "events": [
                        {
                            "at": "2026-11-23T03:00:00Z",
                            "milestone": "pickup_scheduled",
                            "reason": None,
                            "place": "560001",
                            "visit": 1,
                        },
                        {
                            "at": "2026-11-23T06:37:17Z",
                            "milestone": "out_for_pickup",
                            "reason": None,
                            "place": "560001",
                            "visit": 1,
                        },
                    ],
                }
            ]
        },
    )


def test_a_collection_can_be_called_off_by_phone_and_then_no_more():
    lab = a_lab()
    awb = book_one(client(lab), COLLECTS)
    assert ask(lab, "POST", "phone", WHOSE | {"awb": awb}) == (200, WHOSE | {"awb": awb})
    _, books = ask(lab, "GET", "books")
    assert [(one["state"], one["events"][-1]["milestone"]) for one in books["consignments"]] == [("cancelled", "cancelled")]
    assert ask(lab, "POST", "phone", WHOSE | {"awb": awb}) == (409, {"error": "no rider is to come for it", "field": "awb"})


@pytest.mark.parametrize(
    ("query", "accounts"),
    [
        ("", ["lab_a", "lab_b"]),
        ("?account=lab_b", ["lab_b"]),
        ("?carrier=swiftline&account=lab_a", ["lab_a"]),
        ("?carrier=acorn", []),
    ],
)
def test_the_books_can_be_asked_for_one_carrier_or_account(query: str, accounts: list[str]):
    lab = a_lab()
    for account in ("lab_b", "lab_a"):
        book_one(client(lab, account))
    assert [c["account"] for c in ask(lab, "GET", f"books{query}")[1]["consignments"]] == accounts


def test_the_books_can_be_asked_for_one_reference():
    lab = a_lab()
    for reference in ("R1", "R2"):
        book_one(client(lab), reference=reference)
    assert [c["reference"] for c in ask(lab, "GET", "books?carrier=swiftline&reference=R2")[1]["consignments"]] == ["R2"]


def test_calls_are_counted_by_carrier_account_and_operation():
    lab = a_lab()
    for account in ("lab_b", "lab_a", "lab_a", "live_key"):
        client(lab, account).get("/find?reference=r")
    book_one(client(lab, "lab_a"))
    counted = [{"carrier": "swiftline", "account": a, "operation": o, "count": n} for a, o, n in
               [("", "find", 1), ("lab_a", "book", 1), ("lab_a", "find", 2), ("lab_b", "find", 1)]]  # fmt: skip
    assert ask(lab, "GET", "calls") == (200, {"calls": counted, "total": 5})
    assert ask(lab, "GET", "calls?account=lab_a")[1]["total"] == 3
    assert ask(lab, "DELETE", "calls") == (200, {"deleted": 5})
    assert ask(lab, "GET", "calls") == (200, {"calls": [], "total": 0})


def test_rules_are_listed_with_what_they_did():
    lab = a_lab()
    a_rule(lab, "throttle", operation="find", after=1)
    for _ in range(3):
        client(lab).get("/find?reference=r")
    listed = {
        "id": 1,
        "seen": 3,
        "fired": 2,
        "kind": "throttle",
        "carrier": "swiftline",
        "account": "",
        "operation": "find",
        "after": 1,
    }
    assert ask(lab, "GET", "faults") == (200, {"faults": [listed]})
    assert ask(lab, "GET", "faults?carrier=acorn") == (200, {"faults": []})


@pytest.mark.parametrize(
    ("query", "left"), [("", []), ("?id=2", [1]), ("?carrier=swiftline", []), ("?carrier=acorn", [1, 2]), ("?id=9", [1, 2])]
)
def test_rules_are_deleted_by_id_by_carrier_or_all(query: str, left: list[int]):
    lab = a_lab()
    a_rule(lab, "slow")
    a_rule(lab, "html")
    assert ask(lab, "DELETE", f"faults{query}") == (200, {"deleted": 2 - len(left)})
    assert [rule["id"] for rule in ask(lab, "GET", "faults")[1]["faults"]] == left


@pytest.mark.parametrize(
    ("call", "path", "body", "field"),
    [
        ("POST", "faults", {}, "kind"),
        ("POST", "faults", {"carrier": "swiftline"}, "kind"),
        ("POST", "faults", {"kind": "slow"}, "carrier"),
        ("POST", "faults", {"carrier": "nobody", "kind": "slow"}, "carrier"),
        ("POST", "faults", {"carrier": "swiftline", "kind": "gremlins"}, "kind"),
        ("POST", "faults", RULE | {"operation": "dance"}, "operation"),
        ("POST", "faults", RULE | {"account": "live_key"}, "account"),
        ("POST", "faults", RULE | {"probability": 1.5}, "probability"),
        ("POST", "faults", RULE | {"times": -1}, "times"),
        ("POST", "faults", RULE | {"status": 99}, "status"),
        ("POST", "faults", RULE | {"colour": "red"}, "colour"),
        ("POST", "faults", {"carrier": "swiftline", "kind": "visit_fails", "reason": "otp_failed"}, "reason"),
        ("POST", "faults", {"carrier": "swiftline", "kind": "visit_fails", "reason": "qc_mismatch"}, "reason"),
        ("POST", "faults", {"carrier": "swiftline", "kind": "qc_fails", "reason": "address_incomplete"}, "reason"),
        ("POST", "faults", {"carrier": "swiftline", "kind": "strike", "from": "2026-11-24T00:00:00"}, "from"),
        ("POST", "faults", {"carrier": "swiftline", "kind": "strike", "until": "2026-11-24T00:00:00"}, "until"),
        ("DELETE", "faults?id=two", None, "id"),
        ("POST", "clock", WHOSE, "offset_seconds"),
        ("POST", "clock", WHOSE | {"offset_seconds": 1, "now": "2026-11-24T00:00:00Z"}, "offset_seconds"),
        ("POST", "clock", WHOSE | {"offset_seconds": 1e12}, "offset_seconds"),
        ("POST", "clock", WHOSE | {"now": "9999-12-31T00:00:00Z"}, "now"),
        ("POST", "clock", WHOSE | {"now": "2026-11-24T00:00:00"}, "now"),
        ("POST", "clock", WHOSE | {"carrier": "nobody", "offset_seconds": 1}, "carrier"),
        ("POST", "clock", WHOSE | {"account": "", "offset_seconds": 1}, "account"),
        ("POST", "world", {"carrier": "swiftline", "success": 2}, "success"),
        ("POST", "world", {"carrier": "swiftline", "price": 0}, "price"),
        ("POST", "world", {"carrier": "swiftline", "zone": "560001"}, "zone"),
        ("POST", "world", {"carrier": "nobody"}, "carrier"),
        ("POST", "pushes", WHOSE, "url"),
        ("POST", "latency", {"carrier": "swiftline", "ms": -1}, "ms"),
        ("POST", "latency", {"carrier": "nobody", "ms": 1}, "carrier"),
        ("POST", "seed", {"seed": "x"}, "seed"),
    ],
)  # fmt: skip
def test_an_error_names_the_field(call: str, path: str, body: object, field: str):
    status, answer = ask(a_lab(), call, path, body)
    assert (status, answer["field"]) == (400, field)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_is_an_error_of_the_caller(body: bytes):
    assert a_lab().answer("POST", "/_lab/seed", body=body).status == 400


@pytest.mark.parametrize(("call", "path"), [("GET", "nothing"), ("DELETE", "books"), ("GET", "")])
def test_the_lab_says_what_it_does_not_have(call: str, path: str):
    assert ask(a_lab(), call, path) == (404, {"error": f"the lab has no {call} /_lab/{path}"})


def test_settings_are_read_back():
    lab = a_lab()
    ask(lab, "POST", "latency", {"carrier": "swiftline", "operation": "book", "ms": 40})
    assert ask(lab, "GET", "latency") == (200, {"latency": [{"carrier": "swiftline", "operation": "book", "ms": 40}]})
    assert ask(lab, "POST", "seed", {"seed": 9}) == ask(lab, "GET", "seed") == (200, {"seed": 9})
    change = {"carrier": "swiftline", "account": "", "zone": "560"}
    ask(lab, "POST", "world", change | {"success": 0.5})
    assert ask(lab, "POST", "world", change | {"price": 2}) == (200, change | {"success": 0.5, "price": 2.0})


# --- the door -------------------------------------------------------------------------------------


def test_a_credential_of_the_real_carrier_is_refused_in_the_carriers_words():
    answer = client(a_lab(), "Token 0a1b2c").get("/find?reference=r")
    assert (answer.status_code, answer.json()) == (401, {"error": "who are you?"})


def test_a_side_that_lets_anybody_in_is_overruled():
    lab = a_lab(account_of=lambda call: "anybody")
    assert client(lab).get("/find?reference=r").status_code == 401


def test_signing_in_needs_no_credentials():
    assert client(a_lab(), "").post("/sign-in?user=lab_a").json()["token"] == "lab_a"


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("DELETE", "/book"), ("GET", "/track/1/2"), ("GET", "")])
def test_a_path_the_carrier_does_not_have_is_answered_in_its_words(method: str, path: str):
    answer = client(a_lab()).request(method, path)
    assert (answer.status_code, answer.json()) == (404, {"error": "swiftline says 404"})


def test_a_carrier_the_lab_does_not_have_is_named():
    answer = a_lab().answer("GET", "/acorn/track/1")
    assert (answer.status, answer.body) == (404, b'{"error":"the lab has no carrier \'acorn\'","carriers":["swiftline"]}')


def test_accounts_do_not_see_each_others_books():
    lab = a_lab()
    awb = book_one(client(lab), reference="r")
    other = client(lab, "lab_bela")
    assert (other.get(f"/track/{awb}").status_code, other.get("/find?reference=r").json()) == (404, {"awbs": []})
    assert book_one(other) == awb  # numbers count by account


def test_a_reference_booked_twice_is_found_twice():
    lab = a_lab()
    http = client(lab)
    awbs = [book_one(http, reference="r") for _ in (1, 2)]
    assert http.get("/find?reference=r").json() == {"awbs": awbs}


def test_names_in_a_path_are_decoded():
    lab = a_lab()
    http = client(lab)
    http.put("/memory/a%20b", json=1)
    assert http.put("/memory/a%20b", json=2).json() == 1
    assert lab.books.kept("swiftline", ACCOUNT, "a b") == 2


def test_a_handlers_bug_leaves_the_books_as_they_were():
    lab = a_lab()
    http = client(lab)
    days_pass(lab, 0.1)
    with pytest.raises(KeyError):
        http.post("/cancel/SW000404")
    assert book_one(http) == "SW000001"


# --- installed carriers ---------------------------------------------------------------------------


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """A distribution of that name on the path, with one entry point."""
    info = folder / "swiftline-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: swiftline\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[gateway.lab.test]\nswiftline = {target}\n")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])


def test_sides_are_found_through_their_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    installed(tmp_path, monkeypatch, "tests.lab.swiftline:SIDE")
    assert load_sides("gateway.lab.test") == {"swiftline": SIDE}


def test_an_entry_point_that_is_no_side_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    installed(tmp_path, monkeypatch, "tests.lab.swiftline:book")
    with pytest.raises(TypeError, match="swiftline"):
        load_sides("gateway.lab.test")


def test_a_carriers_number_is_its_own_or_the_first_that_is_free():
    sides = {code: msgspec.structs.replace(SIDE, carrier=code, number=number) for code, number in (("a", 0), ("b", 1), ("c", 0))}
    assert numbered(sides) == {"a": 2, "b": 1, "c": 3}
