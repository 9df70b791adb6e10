"""The commands that speak to the API, against a gateway that runs, with its lab."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.demo import stage
from gateway.demo.api import Pickup
from gateway.demo.returns import RETURNS, request
from gateway.settings import Settings
from tests.processes.running import Run, eventually, free_port, serving

FIRST = len(RETURNS)  # the lab does as it likes with those before


class Desk:
    """A merchant's desk: a key, a place for files, what commands print."""

    def __init__(self, run: Run, set_up: stage.Stage, folder: Path) -> None:
        self._credentials = ("--url", run.url, "--key", set_up.key)
        self.api = set_up.api
        self.locations = set_up.locations
        self.folder = folder

    def file(self, name: str, lines: Sequence[Any]) -> str:
        path = self.folder / name
        path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
        return str(path)

    def returns(self, *numbers: int) -> list[Any]:
        return [request(FIRST + number, self.locations) for number in numbers]

    def call(self, *arguments: str) -> int:
        return main([*arguments, *self._credentials])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("operating")
    with serving(folder / "data") as run:
        settings = Settings(data_dir=folder / "data", port=run.port)
        eventually(settings.lab_address.exists)
        yield Desk(run, stage.set_up(settings, 1), folder)


def said(capsys: pytest.CaptureFixture[str], desk: Desk, code: int, *arguments: str) -> str:
    """Standard output, or standard error where it fails."""
    found = desk.call(*arguments)
    out, err = capsys.readouterr()
    assert found == code, err
    return out if code == 0 else err


def read(capsys: pytest.CaptureFixture[str], desk: Desk, *arguments: str) -> Any:
    return json.loads(said(capsys, desk, 0, *arguments, "--json"))


def booked(capsys: pytest.CaptureFixture[str], desk: Desk, number: int) -> dict[str, Any]:
    """A pickup that a carrier holds."""
    file = desk.file(f"{number}.jsonl", desk.returns(number))
    (result,) = read(capsys, desk, "book", file)
    return eventually(lambda: next(iter(_held(capsys, desk, result["pickup"]["id"])), {}))


def _held(capsys: pytest.CaptureFixture[str], desk: Desk, pickup: str) -> list[dict[str, Any]]:
    lines = said(capsys, desk, 0, "events", "--type", "label.created", "--json").splitlines()
    return [one for one in map(json.loads, lines) if one["pickup"] == pickup]


def test_a_file_of_returns_is_booked_and_the_bad_line_named(desk, capsys):
    bad = {**desk.returns(1)[0], "parcels": []}
    file = desk.file("mixed.jsonl", [*desk.returns(0), bad])
    told = said(capsys, desk, 1, "book", file)
    assert told.startswith("line 2: ") and "/pickups/1/parcels" in told


def test_booking_the_same_file_again_books_nothing_twice(desk, capsys):
    file = desk.file("twice.jsonl", desk.returns(2, 3))
    first, again = (read(capsys, desk, "book", file) for _ in range(2))
    assert [one["pickup"]["id"] for one in first] == [one["pickup"]["id"] for one in again]


@pytest.mark.parametrize(
    ("lines", "told"),
    [(["{}", "{"], ", line 2 is not JSON: "), ([], " is empty: one pickup's JSON a line is wanted"), (["["], " is not JSON: ")],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(desk, capsys, lines, told):
    file = desk.file("bad.jsonl", lines)
    assert said(capsys, desk, 1, "book", file).startswith(f"gateway: {file}{told}")


def test_a_quote_is_a_sentence_and_a_table(desk, capsys):
    wanted = {name: value for name, value in desk.returns(4)[0].items() if name in ("shipper", "consignee", "parcels")}
    wanted["shipper"] = {name: wanted["shipper"][name] for name in ("postal_code", "country")}
    wanted["declared_value"] = {"amount": "1499.00", "currency": "INR"}
    lines = said(capsys, desk, 0, "quote", desk.file("quote.json", [wanted])).splitlines()
    assert " it collects at " in lines[0]
    assert lines[1].split("  ")[:2] == ["rank", "carrier"]


def test_a_label_is_written_to_a_file(desk, capsys):
    pickup = booked(capsys, desk, 5)["pickup"]
    path = desk.folder / "label.pdf"
    said(capsys, desk, 0, "label", pickup, "--output", str(path))
    assert path.read_bytes().startswith(b"%PDF")


def test_a_parcel_is_tracked_at_its_carrier(desk, capsys):
    pickup = booked(capsys, desk, 6)["pickup"]
    booking = desk.api.get(f"/pickups/{pickup}", Pickup).bookings[-1]
    found = read(capsys, desk, "track", booking.carrier, booking.awb or "")
    assert (found["awb"], found["pickup"]) == (booking.awb, pickup)


def test_events_go_on_from_the_cursor_they_ended_with(desk, capsys):
    assert desk.call("events", "--json") == 0
    out, err = capsys.readouterr()
    assert out and desk.call("events", "--after", err.removeprefix("next: ").strip()) == 0
    assert capsys.readouterr().out == ""


def test_exceptions_are_listed_and_answered(desk, capsys):
    assert isinstance(read(capsys, desk, "exceptions", "list"), list)
    told = said(capsys, desk, 1, "exceptions", "act", "exc_00000000000000000000", "requeue")
    assert told.startswith("gateway: ") and "Traceback" not in told


def test_an_unknown_action_is_refused_before_anything_is_asked(desk, capsys):
    assert "'explode' is not one of" in said(capsys, desk, 2, "exceptions", "act", "exc_1", "explode")


def test_without_a_key_the_cure_is_told(capsys, monkeypatch):
    monkeypatch.delenv("GATEWAY_KEY", raising=False)
    assert main(["events"]) == 2
    assert "`gateway keys create` makes one" in capsys.readouterr().err


def test_a_gateway_that_is_not_there_is_told_with_its_cure(capsys):
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["events", "--url", url, "--key", "gw_test_x"]) == 1
    assert f"gateway: no gateway answers at {url}" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(capsys, shell):
    assert main(["completion", shell]) == 0
    assert "_GATEWAY_COMPLETE" in capsys.readouterr().out


# --- credentials -------------------------------------------------------------------------------------


def test_each_carrier_is_asked_whether_it_takes_the_credentials(desk, capsys, monkeypatch):
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(desk.folder / "data"))
    for account in in_the_ledger(capsys, 0, "accounts", "list"):
        verified = in_the_ledger(capsys, 0, "accounts", "verify", account["id"])
        assert verified["account"] == account and verified["asked"] in ("sign_in", "serviceability", "track")


def test_an_account_whose_credentials_are_refused_is_paused_and_that_is_in_the_audit_log(desk, capsys, monkeypatch):
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(desk.folder / "data"))
    merchant = in_the_ledger(capsys, 0, "accounts", "list")[0]["merchant"]
    settings = ("--setting", "client=KESTREL", "--setting", "pickup_location=Surat")
    made = in_the_ledger(
        capsys, 0, "accounts", "add", "--merchant", merchant, "--carrier", "delhivery", "--secret", "token=wrong", *settings
    )
    assert main(["accounts", "verify", made["id"]]) == 1
    assert f"{made['id']}: delhivery answered Refused: " in capsys.readouterr().err
    paused = next(one for one in in_the_ledger(capsys, 0, "accounts", "list") if one["id"] == made["id"])
    assert (paused["enabled"], paused["disabled_reason"].startswith("unauthorized: ")) == (False, True)
    noted = in_the_ledger(capsys, 0, "audit", "list", "--merchant", merchant, "--mode", "test", "--object", made["id"])
    assert [one["action"] for one in noted] == ["verifyCarrierAccount", "createCarrierAccount"]


def in_the_ledger(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> Any:
    """What a command says that works on the ledger itself."""
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)
