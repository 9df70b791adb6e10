"""The command line in this process: what it prints, what it refuses, and with which exit code."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import rich_click as click

from gateway.carriers import registry
from gateway.cli import gateway, main
from tests.processes.returns import Desk

_CARD = Path("rates/data/delhivery_surface.toml")
_DELHIVERY = ("--carrier", "delhivery", "--setting", "client=KALPANA", "--setting", "pickup_location=Bhiwandi")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "REDIS_URL", "GATEWAY_MASTER_KEY", "GATEWAY_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def ledger(data: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A ledger with one merchant."""
    assert main(["db", "upgrade"]) == 0
    assert main(["merchants", "create", "Kalpana"]) == 0
    capsys.readouterr()
    return data


def _said(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Standard output, or standard error where it fails."""
    assert main(arguments) == code
    out, err = capsys.readouterr()
    return out if code == 0 else err


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> object:
    return json.loads(_said(capsys, 0, *arguments, "--json"))


def _add(*more: str) -> Sequence[str]:
    return ("accounts", "add", "--merchant", "Kalpana", *_DELHIVERY, *more)


# --- a person's mistakes: one line, the cure, no traceback -------------------------------------------


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert _said(capsys, 2, "serv") == "gateway: No such command 'serv'; see `gateway --help`\n"


def test_a_missing_option(capsys: pytest.CaptureFixture[str]) -> None:
    expected = "gateway: give either --admin, or --merchant and --mode; see `gateway keys create --help`\n"
    assert _said(capsys, 2, "keys", "create") == expected


@pytest.mark.parametrize("arguments", [("serve",), ("keys", "create", "--merchant", "Kalpana", "--mode", "test")])
def test_a_setting_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "http")
    expected = "gateway: GATEWAY_PORT='http' is not a number from 0 to 65535; leave it out for 8080\n"
    assert _said(capsys, 2, *arguments) == expected


def test_a_database_without_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(capsys, 1, "keys", "create", "--merchant", "Kalpana", "--mode", "test")
    assert said.startswith("gateway: the database is at version none") and said.endswith("run `gateway db upgrade`\n")


def test_a_database_that_is_not_there(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/gateway.db")
    expected = "gateway: the database cannot be used, see DATABASE_URL: unable to open database file\n"
    assert _said(capsys, 1, "pickups", "list") == expected


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://gateway:hush@127.0.0.1:1/gateway")
    said = _said(capsys, 1, "db", "upgrade")
    assert said.startswith("gateway: the database cannot be used, see DATABASE_URL: ") and said.endswith(": Connection refused\n")
    assert ("hush" in said, len(said.splitlines())) == (False, 1)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("GATEWAY_PORT", "0", "GATEWAY_PORT is 0: set it to a free port, or leave it out for 8080"),
        (
            "GATEWAY_DATA_DIR",
            "/proc/none",
            "the data folder /proc/none cannot be used (No such file or directory): set GATEWAY_DATA_DIR",
        ),
        ("GATEWAY_HOST", "192.0.2.1", "192.0.2.1 port 8080 cannot be used (Cannot assign requested address): see GATEWAY_HOST"),
        ("REDIS_URL", "localhost:6379", "REDIS_URL must start with one of redis://, rediss://, unix://"),
    ],
)
def test_a_gateway_that_cannot_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    assert _said(capsys, 2 if name == "REDIS_URL" else 1, "serve").startswith(f"gateway: {told}")


def test_a_database_that_is_none(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("No database at all. " * 100)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'notes.txt'}")
    expected = "gateway: the database cannot be used, see DATABASE_URL: file is not a database\n"
    assert _said(capsys, 1, "db", "upgrade") == expected


def test_a_part_without_redis(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    expected = f"gateway: no Redis at {ledger}/valkey.sock: start `gateway serve`, or set REDIS_URL to one that runs\n"
    assert _said(capsys, 1, "work") == expected


def test_a_merchant_there_is_not(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    expected = "gateway: no merchant 'Other' (there are: 'Kalpana'); `gateway merchants create 'Other'` makes one\n"
    assert _said(capsys, 1, "keys", "create", "--merchant", "Other", "--mode", "live") == expected


def test_a_merchant_there_is(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    expected = "gateway: there is a merchant 'Kalpana' already: choose another name\n"
    assert _said(capsys, 1, "merchants", "create", "Kalpana") == expected


def test_a_country_in_words(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    expected = "gateway: --country 'India': write two capitals, such as IN\n"
    assert (
        _said(capsys, 2, "merchants", "create", "New", "--country", "India").replace("; see `gateway merchants create --help`", "")
        == expected
    )


def test_a_carrier_there_is_not(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    expected = f"gateway: no carrier 'swiftline'; installed: {', '.join(registry.codes())}\n"
    assert _said(capsys, 1, "accounts", "add", "--merchant", "Kalpana", "--carrier", "swiftline") == expected


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "--secret token=... is missing: API token"),
        (("--secret", "token=lab_x", "--secret", "tokken=lab_x"), "delhivery has no --secret tokken; it has token, push_secret"),
        (("--secret", "token=lab_x", "--setting", "colour=red"), "delhivery has no --setting colour; it has client, "),
        (("--secret", "token"), "--secret 'token': write NAME=VALUE"),
        (("--secret", "token=@/nowhere"), "--secret token: /nowhere cannot be read: No such file or directory"),
        (("--secret", "token=env:NOT_THERE"), "--secret token: the environment has no NOT_THERE"),
        (("--secret", "token=lab_x", "--card", "/nowhere"), "--card: /nowhere cannot be read: No such file or directory"),
    ],
)
def test_an_account_with_something_wrong(
    capsys: pytest.CaptureFixture[str], ledger: Path, options: tuple[str, ...], told: str
) -> None:
    assert _said(capsys, 2, *_add(*options)).startswith(f"gateway: {told}")


def test_a_rate_card_with_errors_names_each_with_its_line(capsys: pytest.CaptureFixture[str], ledger: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.toml"
    card.write_text(_CARD.read_text().replace('currency = "INR"', 'currency = "rupees"'))
    said = _said(capsys, 1, *_add("--secret", "token=lab_x", "--card", str(card)))
    assert said.startswith(f"gateway: {card}:") and "currency cannot be 'rupees'" in said


def test_a_rate_card_of_another_carrier(capsys: pytest.CaptureFixture[str], ledger: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.toml"
    card.write_text(_CARD.read_text().replace('carrier = "delhivery"', 'carrier = "ekart"'))
    said = _said(capsys, 2, *_add("--secret", "token=lab_x", "--card", str(card)))
    assert said.startswith(f"gateway: --card {card}: is for ekart surface, not for delhivery surface or express")


def test_an_account_or_pickup_there_is_not(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    expected = "gateway: no carrier account 'cac_0'; `gateway accounts list` shows those there are\n"
    assert _said(capsys, 1, "accounts", "verify", "cac_0") == expected
    expected = "gateway: no pickup 'RMA-0'; `gateway pickups list` shows those there are\n"
    assert _said(capsys, 1, "pickups", "show", "RMA-0") == expected


def test_a_test_account_is_not_verified_without_a_lab(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    account = _json(capsys, *_add("--secret", "token=lab_x"))
    assert isinstance(account, dict)
    expected = "gateway: no lab is running: start it with `gateway lab`, or give the account a base_url\n"
    assert _said(capsys, 1, "accounts", "verify", account["id"]) == expected


# --- what it does ------------------------------------------------------------------------------------


def test_a_key_is_made_with_the_scopes_asked_for(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    made = _json(capsys, "keys", "create", "--merchant", "Kalpana", "--mode", "test", "--scope", "pickups:read")
    assert isinstance(made, dict)
    assert (made["mode"], made["scopes"], made["key"][:8]) == ("test", ["pickups:read"], "gw_test_")


def test_a_secret_comes_from_standard_input_a_file_or_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ledger: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("lab_one\n"))
    monkeypatch.setenv("TOKEN", "lab_two")
    (tmp_path / "token").write_text("lab_three\n")
    for value in ("@-", "env:TOKEN", f"@{tmp_path / 'token'}"):
        assert main(_add("--secret", f"token={value}")) == 0
    said = capsys.readouterr().out
    assert said.count("/v1/callbacks/delhivery/") == 3
    assert "lab_" not in said + _said(capsys, 0, "accounts", "list", "--json")


def test_an_account_brings_its_rate_cards(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    added = _json(capsys, *_add("--secret", "token=lab_x", "--card", str(_CARD), "--name", "Returns"))
    assert isinstance(added, dict)
    assert (added["rate_cards"], added["name"], added["settings"]) == (
        1,
        "Returns",
        {"client": "KALPANA", "pickup_location": "Bhiwandi"},
    )


def test_pickups_are_listed_and_shown_without_the_people(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    pickup = Desk(ledger).accept(7)
    listed = _json(capsys, "pickups", "list", "--state", "requested", "--mode", "test")
    assert isinstance(listed, list)
    assert [(one["id"], one["reference"], one["state"]) for one in listed] == [(pickup, "RMA-7", "requested")]
    assert _said(capsys, 0, "pickups", "show", "RMA-7") == f"RMA-7  requested  560001-421302  {pickup}\n"
    shown = _said(capsys, 0, "pickups", "show", pickup, "--json")
    assert "Asha" not in shown and "98111" not in shown


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert _said(capsys, 0, "--version") == "gateway 0.1.0\n"


def _commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """All that can be called, each with the words that call it."""
    if not isinstance(command, click.Group):
        yield " ".join(words), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        _, found, _ = command.resolve_command(context, [name])
        assert found is not None
        yield from _commands(found, (*words, name))


_COMMANDS = dict(_commands(gateway))
_TELL_NOTHING = {"serve", "demo", "api", "work", "relay", "lab", "db upgrade", "label", "completion"}


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_helps_with_an_example(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert f"gateway {command}" in _said(capsys, 0, *command.split(), "--help").replace("Usage: gateway", "")


def test_every_command_that_tells_something_tells_it_to_programs_too() -> None:
    silent = {name for name, command in _COMMANDS.items() if not any("--json" in one.opts for one in command.params)}
    assert silent == _TELL_NOTHING


def _modules_after(import_line: str) -> set[str]:
    code = f"{import_line}; import sys; print(' '.join(sys.modules))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_the_command_line_loads_none_of_the_heavy_libraries() -> None:
    loaded = _modules_after("import gateway.cli")
    assert loaded & {"litestar", "rq", "zeep", "fpdf", "httpx", "sqlalchemy", "rich"} == set()


def test_a_worker_loads_neither_the_api_nor_the_pdf_library() -> None:
    assert _modules_after("import gateway.jobs.worker") & {"litestar", "granian", "fpdf", "zeep", "alembic"} == set()
