"""The command line of administration: merchants, keys, the audit log, erasure, the master key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.lab.engine import Lab, load_sides
from adapters.lab.server import running
from gateway.cli import main
from gateway.settings import Settings
from gateway.store import tables
from gateway.store.database import Database
from gateway.store.vault import key_file, keyring
from tests.world import World

AMOUNTS = [
    f"--amount={name}=3.00" for name in ("give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost")
]
RATES = """
[[rates]]
base = "EUR"
on = 2026-03-09
units = { INR = "90", USD = "1.08" }
"""

Say = Callable[..., str]
Told = Callable[..., Any]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "REDIS_URL", "GATEWAY_MASTER_KEY", "GATEWAY_MASTER_KEY_FILE", "GATEWAY_CURRENCY_RATES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path))
    assert main(["db", "upgrade"]) == 0
    return tmp_path


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command; what it printed, or what it complained of where it ends with another code than 0."""
    capsys.readouterr()

    def run(*arguments: str, code: int = 0) -> str:
        assert main(arguments) == code
        out, err = capsys.readouterr()
        return (err or out) if code else out

    return run


@pytest.fixture
def told(say: Say) -> Told:
    return lambda *arguments, **more: json.loads(say(*arguments, "--json", **more))


def rows(data: Path, table: sa.Table) -> list[Any]:
    database = Database(f"sqlite:///{data / 'gateway.db'}")
    with database.read() as tx:
        found = list(tx.execute(sa.select(table)).all())
    database.close()
    return found


# --- merchants -----------------------------------------------------------------------------------------


def test_a_merchant_in_another_currency_needs_a_rate_or_amounts_and_is_told_so(say):
    refused = say("merchants", "create", "Blue", "--country", "US", "--currency", "USD", code=1)
    assert refused.startswith("gateway: no rate from INR to USD")
    assert "GATEWAY_CURRENCY_RATES" in refused and "--amount give_up_at=3.60" in refused


def test_with_amounts_it_has_a_policy_of_them_in_both_modes(say, data):
    say("merchants", "create", "Blue", "--country", "US", "--currency", "USD", *AMOUNTS)
    assert [(row.mode, row.body["give_up_at"]) for row in rows(data, tables.policies)] == [
        ("test", {"minor": 300, "currency": "USD"}),
        ("live", {"minor": 300, "currency": "USD"}),
    ]


def test_with_a_rate_the_default_amounts_are_converted_and_the_rate_is_kept(say, data, monkeypatch):
    (data / "rates.toml").write_text(RATES)
    monkeypatch.setenv("GATEWAY_CURRENCY_RATES", str(data / "rates.toml"))
    say("merchants", "create", "Blue", "--country", "US", "--currency", "USD")
    body = rows(data, tables.policies)[0].body
    assert (body["give_up_at"], body["converted_by"]["value"]) == ({"minor": 360, "currency": "USD"}, "0.012")


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        (["--amount", "give_up_at=3"], "--amount failed_visit_cost=... is missing: give all of them, or none"),
        (["--amount", "glee=3"], "--amount 'glee': there are give_up_at"),
        ([*AMOUNTS[1:], "--amount=give_up_at=much"], "is not an amount of money"),
    ],
)
def test_amounts_that_cannot_be_used_are_told(say, amounts, words):
    assert words in say("merchants", "create", "Blue", "--currency", "USD", *amounts, code=2)


def test_merchants_are_listed(say, told):
    say("merchants", "create", "Kestrel", "--retention-days", "30")
    assert [(one["name"], one["currency"], one["retention_days"]) for one in told("merchants", "list")] == [("Kestrel", "INR", 30)]
    assert "Kestrel" in say("merchants", "list")


# --- keys ----------------------------------------------------------------------------------------------


def test_a_key_of_the_installation_is_made_listed_and_revoked(say, told):
    made = told("keys", "create", "--admin", "--name", "ops")
    assert made["key"].startswith("gw_admin_") and made["id"].startswith("adm_")
    assert [(one["id"], one["state"], one["name"]) for one in told("keys", "list")] == [(made["id"], "good", "ops")]
    assert say("keys", "revoke", made["id"]) == f"{made['id']} is revoked\n"
    assert told("keys", "list")[0]["state"] == "revoked"
    assert made["key"] not in say("keys", "list")


def test_a_merchants_key_is_listed_and_revoked(say, told):
    say("merchants", "create", "Kestrel")
    made = told("keys", "create", "--merchant", "Kestrel", "--mode", "test")
    assert told("keys", "revoke", made["id"]) == {"id": made["id"], "state": "revoked"}
    assert [(one["id"], one["mode"], one["state"]) for one in told("keys", "list", "--merchant", "Kestrel")] == [
        (made["id"], "test", "revoked")
    ]


@pytest.mark.parametrize("arguments", [(), ("--admin", "--merchant", "K"), ("--merchant", "K"), ("--admin", "--scope", "admin")])
def test_what_makes_no_key_is_refused(say, arguments):
    assert "give either --admin, or --merchant and --mode" in say("keys", "create", *arguments, code=2)


def test_a_key_there_is_not_cannot_be_revoked(say):
    assert "no key 'key_0'" in say("keys", "revoke", "key_0", code=1)


# --- the audit log ---------------------------------------------------------------------------------------


def test_every_change_by_command_line_is_in_the_log(say, told):
    say("merchants", "create", "Kestrel")
    key = told("keys", "create", "--admin")["id"]
    say("keys", "revoke", key)
    say("keys", "create", "--merchant", "Kestrel", "--mode", "live")
    say("accounts", "add", "--merchant", "Kestrel", "--carrier", "delhivery", "--mode", "live", "--secret", "token=s3cr3t-token",
        "--setting", "client=K", "--setting", "pickup_location=S")  # fmt: skip
    logs = {"installation": told("audit", "list"), "Kestrel": told("audit", "list", "--merchant", "Kestrel")}
    assert {name: [entry["action"] for entry in reversed(log)] for name, log in logs.items()} == {
        "installation": ["createMerchant", "createAdminKey", "revokeAdminKey"],
        "Kestrel": ["createApiKey", "createCarrierAccount"],
    }
    assert {entry["actor"].partition("/")[0] for log in logs.values() for entry in log} == {"command line"}
    assert "s3cr3t-token" not in json.dumps(logs)
    assert key in say("audit", "list", "--object", key)


def test_a_sound_log_verifies_and_a_broken_one_ends_with_1_and_its_first_bad_entry(say, told, data):
    say("merchants", "create", "Kestrel")
    say("merchants", "create", "Merlin")
    assert say("audit", "verify") == "installation: 2 entries, all as written\n"
    database = Database(f"sqlite:///{data / 'gateway.db'}")
    with database.write() as tx:
        tx.execute(tables.audit_log.update().where(tables.audit_log.c.number == 1).values(actor="nobody"))
    database.close()
    assert "installation: BROKEN at entry 1 (aud_" in say("audit", "verify", code=1)
    broken = told("audit", "verify", code=1)[0]["broken"]
    assert (broken["number"], broken["what"]) == (1, "its content is not what was written")


def test_heads_noted_elsewhere_tell_a_log_that_is_gone(say, data):
    say("merchants", "create", "Kestrel")
    (data / "heads.json").write_text(say("audit", "heads", "--json"))
    assert "installation  1" in say("audit", "heads")
    database = Database(f"sqlite:///{data / 'gateway.db'}")
    with database.write() as tx:
        tx.execute(tables.audit_log.delete())
        tx.execute(tables.audit_heads.delete())
    database.close()
    assert say("audit", "verify") == ""
    assert "1 entries were noted, 0 are left" in say("audit", "verify", "--against", str(data / "heads.json"), code=1)
    assert "write it with `gateway audit heads --json`" in say("audit", "verify", "--against", "nothing.json", code=2)


# --- erasure ---------------------------------------------------------------------------------------------


@pytest.fixture
def pickup(data: Path) -> str:
    """An ended one in the same ledger, made by a world of its own."""
    world = World(data)
    pickup_id = world.book()
    world.days(8)
    world.close()
    return pickup_id


def test_a_pickup_is_erased_by_its_id_or_its_reference(say, told, data, pickup):
    assert "give a pickup's id, or --merchant and --reference" in say("erase", code=2)
    assert "no pickup 'pck_0'" in say("erase", "pck_0", code=1)
    assert "has the reference 'RMA-9'" in say("erase", "--merchant", "Kestrel", "--reference", "RMA-9", code=1)
    (done,) = told("erase", "--merchant", "Kestrel", "--mode", "test", "--reference", "RMA-1")
    assert (done["pickup"], done["rows"]["people"]) == (pickup, 1)
    assert say("erase", pickup).endswith(", 0 rows now\n")
    assert [row.shipper["name"] for row in rows(data, tables.people)] == [""]
    assert "erasePickup" in say("audit", "list", "--merchant", "Kestrel", "--mode", "test")


def test_an_open_pickup_is_not_erased(say, data):
    world = World(data)
    pickup_id = world.book()
    world.close()
    assert f"{pickup_id}: the pickup is booked" in say("erase", pickup_id, code=1)


# --- the master key --------------------------------------------------------------------------------------


def test_the_master_key_is_renewed_and_the_old_one_dropped(say, told, data):
    say("merchants", "create", "Kestrel")
    say("accounts", "add", "--merchant", "Kestrel", "--carrier", "delhivery", "--secret", "token=t", "--setting", "client=K",
        "--setting", "pickup_location=S")  # fmt: skip
    old = keyring(Settings(data_dir=data))()
    assert "do not open with the new key" not in say("keys", "rotate-master", "--settle=0")
    assert len(keyring(Settings(data_dir=data))()) == 2
    assert told("keys", "rotate-master", "--settle=0")["resealed"]["carrier_accounts.secrets"] == 0
    assert told("keys", "rotate-master", "--drop-old") == {"file_changed": True}
    (new,) = keyring(Settings(data_dir=data))()
    assert new not in old and key_file(Settings(data_dir=data)).stat().st_mode & 0o777 == 0o600
    assert [entry["action"] for entry in told("audit", "list")][:3] == ["dropMasterKey", "rotateMasterKey", "rotateMasterKey"]


def test_one_key_in_the_environment_cannot_be_rotated_alone(say, monkeypatch):
    monkeypatch.setenv("GATEWAY_MASTER_KEY", "A" * 43 + "=")
    assert "then with NEW,OLD" in say("keys", "rotate-master", code=2)


# --- reconciling ------------------------------------------------------------------------------------------


def test_the_ledger_is_held_against_the_carriers_own_lists_at_once(say: Say, told: Told, data: Path) -> None:
    account = easypost_account(say, told)
    assert "no lab is running" in say("reconcile", code=1)

    lab = Lab(load_sides())
    with running(lab) as address:
        Settings(data_dir=data).lab_address.write_text(address)
        (found,) = told("reconcile")
        assert {name: found[name] for name in ("account", "carrier", "listed", "complete")} == {
            "account": account,
            "carrier": "easypost",
            "listed": 0,
            "complete": True,
        }
        assert say("reconcile", "--account", account).splitlines()[-1].split()[-1] == "yes"

        lab.answer("POST", "/_lab/faults", {}, json.dumps({"carrier": "easypost", "kind": "server_error"}).encode())
        assert "whole list" in say("reconcile", code=1)
    lab.close()


def test_only_a_carrier_with_a_list_can_be_reconciled_with(say: Say, told: Told) -> None:
    say("merchants", "create", "Kalpana")
    settings = ("--setting", "client=KALPANA", "--setting", "pickup_location=Bhiwandi")
    account = told("accounts", "add", "--merchant", "Kalpana", "--carrier", "delhivery", "--secret", "token=lab_x", *settings)["id"]

    assert "delhivery has no list" in say("reconcile", "--account", account, code=1)
    assert "cac_0" in say("reconcile", "--account", "cac_0", code=1)
    assert say("reconcile").split()[:2] == ["account", "carrier"]


def easypost_account(say: Say, told: Told) -> str:
    say("merchants", "create", "Kalpana")
    added = told("accounts", "add", "--merchant", "Kalpana", "--carrier", "easypost", "--secret", "api_key=lab_easypost")
    return str(added["id"])
