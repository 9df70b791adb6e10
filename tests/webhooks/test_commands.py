"""`gateway webhooks` in this process: what it prints, and what it refuses with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from tests.webhooks.office import Office

CODE = tuple[int, str]


@pytest.fixture
def say(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The command line on the office's ledger: exit code, and what was printed."""
    for name in ("REDIS_URL", "GATEWAY_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", office.ledger)

    def run(*arguments: str) -> CODE:
        code = main(["webhooks", *arguments])
        out, err = capsys.readouterr()
        return code, out or err

    return run


def test_endpoints_are_listed_without_their_secrets(office: Office, say) -> None:
    endpoint = office.endpoint()
    code, text = say("list", "--merchant", "Kestrel", "--json")
    (found,) = json.loads(text)
    assert (code, found["id"], found["url"], found["state"]) == (0, endpoint, "https://hooks.example.com/", "enabled")
    assert not any("secret" in name for name in found)
    assert say("list")[1].splitlines()[1].split() == [endpoint, "test", "enabled", "https://hooks.example.com/"]


def test_one_message_or_all_of_a_time_are_sent_again(office: Office, say) -> None:
    endpoint = office.endpoint()
    office.happen("pickup.booked", "pickup.collected")
    office.turn()
    delivery = office.deliveries(endpoint)[0].id
    assert say("replay", endpoint, "--delivery", delivery) == (0, "1 on their way again\n")
    assert say("replay", endpoint, "--from", "2026-03-09T00:00:00Z") == (0, "2 on their way again\n")
    assert sorted(office.states(endpoint)) == ["delivered"] * 2 + ["pending"] * 3
    code, text = say("replay", endpoint, "--from", "2026-03-09T00:00:00Z", "--json")
    assert (code, json.loads(text)) == (0, {"deliveries": 2})


def test_a_persons_mistakes_are_told_with_their_cure(office: Office, say) -> None:
    endpoint = office.endpoint()
    told = {
        ("replay", endpoint): (2, "gateway: give either --delivery or --from; see `gateway webhooks replay --help`\n"),
        ("replay", "whe_none", "--from", "2026-03-09T00:00:00Z"): (
            1,
            "gateway: no webhook endpoint 'whe_none'; `gateway webhooks list` shows those there are\n",
        ),
        ("replay", endpoint, "--delivery", "whd_none"): (1, f"gateway: {endpoint} has no delivery 'whd_none'\n"),
        ("replay", endpoint, "--from", "2026-03-09"): (
            2,
            "gateway: Invalid value for '--from': '2026-03-09' needs its offset: write it as 2026-11-23T10:00:00Z; "
            "see `gateway webhooks replay --help`\n",
        ),
    }
    assert {asked: say(*asked) for asked in told} == told
