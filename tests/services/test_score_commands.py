"""The command line over what was learnt and decided: it repeats, it checks, and it fails loudly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.cli import main
from gateway.store import scores, tables
from rates.estimates import Cell
from tests import ledgers
from tests.world import World

CARD = Path("rates/data/delhivery_surface.toml")

Say = Callable[..., str]


# The commands find their ledger by the data folder.
pytestmark = pytest.mark.skipif(ledgers.on_postgresql(), reason="of the ledger in a folder")


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """A command over the first world's ledger; what it printed, on standard error where it fails with a sentence."""
    for name in ("DATABASE_URL", "REDIS_URL", "GATEWAY_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "0"))

    def run(code: int, *arguments: str) -> str:
        capsys.readouterr()
        assert main(arguments) == code
        out, err = capsys.readouterr()
        return out if code == 0 else err or out

    return run


@pytest.fixture
def lived(make_world: Callable[..., World]) -> World:
    """Three returns, of which one failed first."""
    world = make_world()
    for number, phone in enumerate(("9820000000", "9820000001", "9820000000")):
        world.book(f"RMA-{number}", phone=phone)
    world.days(2.5)
    return world


def test_every_stored_choice_comes_out_the_same(lived, say):
    assert say(0, "decisions", "replay") == "3 decisions replayed, 3 the same, 0 different\n"
    assert say(0, "decisions", "replay", "--merchant", "Kestrel", "--since", "2999-01-01").startswith("0 decisions replayed")


def test_a_choice_that_was_tampered_with_is_named(lived, say):
    with lived.db.write() as tx:
        row = tx.execute(sa.select(tables.decisions.c.id, tables.decisions.c.body)).first()
        body: Any = row.body | {"limit": row.body["limit"] - 1}
        tx.execute(tables.decisions.update().where(tables.decisions.c.id == row.id).values(body=body))
    assert say(1, "decisions", "replay") == f"gateway: {row.id}: another limit\n"
    assert json.loads(say(1, "decisions", "replay", "--json")) == {
        "replayed": 3,
        "different": [{"id": row.id, "wrong": "another limit"}],
    }


def test_the_ledger_gives_the_same_cells_and_sums(lived, say):
    assert say(0, "scores", "rebuild", "--check") == f"{lived.merchant.id} test: as the ledger has it\n"


def test_what_differs_from_the_ledger_is_named_and_mended(lived, say):
    with lived.db.write() as tx:
        before = scores.every(tx, lived.owner)
        scores.write(tx, lived.owner, {"all": Cell(1, 1)})
        gone = tx.scalars(sa.select(tables.facts.c.booking_id).limit(1)).one()
        for table in (tables.loose_facts, tables.facts):
            tx.execute(table.delete().where(table.c.booking_id == gone))
        tx.execute(tables.loose_facts.delete())
    told = say(1, "scores", "rebuild", "--check", "--merchant", "Kestrel")
    assert "differ from the ledger: all, fact of bkg_" in told and f"fact of {gone}" in told
    (one,) = json.loads(say(1, "scores", "rebuild", "--check", "--json"))
    assert (one["merchant"], one["mode"], one["differing"][0]) == (lived.merchant.id, "test", "all")

    say(0, "scores", "rebuild")

    assert "as the ledger has it" in say(0, "scores", "rebuild", "--check")
    with lived.db.read() as tx:
        assert scores.every(tx, lived.owner) == {key: cell for key, cell in before.items() if cell != Cell()}


def test_another_policy_from_a_file(lived, say, tmp_path):
    policy = tmp_path / "patient.toml"
    policy.write_text(
        'give_up_at = "400.00"\ndeny = ["ekart"]\n[[caps]]\ncarrier = "delhivery"\nprice = "500"\npickups_a_day = 9\n'
    )
    span = ("--merchant", "Kestrel", "--mode", "test", "--from", "2026-03-01", "--to", "2026-03-31")

    assert "3 decisions" in say(0, "what-if", str(policy), *span)
    assert json.loads(say(0, "what-if", str(policy), *span, "--json"))["decisions"] == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("give_up = 3", "there is no setting give_up"),
        ("floor = 2.0", "/floor is no share between 0 and 1"),
        ('give_up_at = "x"', "'x' is not an amount of money"),
        ("deadline_days = 'soon'", "Expected `int`, got `str` - at `$.deadline_days`"),
        ('[[caps]]\ncarrier = "ekart"\nprice = "0"', "/caps/0/price is not above 0"),
        ("caps = 3", "Expected `array`, got `int` - at `$.caps`"),
        ("[", "Invalid initial character"),
    ],
)
def test_a_policy_file_with_an_error_is_told_in_one_line(make_world, say, tmp_path, text, told):
    make_world()
    policy = tmp_path / "wrong.toml"
    policy.write_text(text)
    said = say(1, "what-if", str(policy), "--merchant", "Kestrel")
    assert said.startswith(f"gateway: {policy}: ") and told in said and said.count("\n") == 1


# --- rate cards ------------------------------------------------------------------------------------


def cards(world: World) -> int:
    with world.db.read() as tx:
        return tx.scalar(sa.select(sa.func.count()).select_from(tables.rate_cards)) or 0


def test_cards_are_brought_in_and_a_dry_run_keeps_nothing(make_world, say):
    world, before = make_world("ekart"), 2
    assert "not kept" in say(0, "rate-cards", "import", str(CARD), "--merchant", "Kestrel", "--dry-run")
    assert cards(world) == before
    assert say(0, "rate-cards", "import", str(CARD), "--merchant", "Kestrel").startswith("rate card delhivery/surface of ")
    assert cards(world) == before + 1
    (told,) = json.loads(say(0, "rate-cards", "import", str(CARD), "--merchant", "Kestrel", "--dry-run", "--json"))
    assert told == {"id": None, "carrier": "delhivery", "service": "surface"}


def test_one_card_with_an_error_keeps_all_out_and_tells_its_lines(make_world, say, tmp_path):
    world = make_world("ekart")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(
        "carrier,delhivery\nservice,surface\ncurrency,INR\nvalid_from,soon\ndivisor,0\nslab_g,500\nzone,up_to_g,price\n"
    )
    told = say(1, "rate-cards", "import", str(CARD), str(wrong), "--merchant", "Kestrel")

    assert all(f"{wrong}:{line}: {field}" in told for line, field in ((4, "valid_from"), (5, "divisor")))
    assert cards(world) == 2


def test_a_card_is_explained_line_by_line(say):
    asked = ("rate-cards", "explain", str(CARD), "--from", "560038", "--to", "394101", "--grams", "480", "--size", "300x200x60")
    told = say(0, *asked)
    assert [line.split()[0] for line in told.splitlines()] == ["freight", "fuel", "tax", "total", "if"]
    assert "1000 g" in told  # 300 x 200 x 60 mm over 5000 is 720 g
    itemised = json.loads(say(0, *asked, "--json"))
    assert [line["code"] for line in itemised["lines"]] == ["freight", "fuel", "tax"]
    assert (itemised["chargeable_g"], f"{itemised['total']['amount']} INR" in told) == (1000, True)


def test_the_gap_to_the_carriers_own_price_is_shown(lived, say):
    rows = json.loads(say(0, "rate-cards", "audit", "--merchant", "Kestrel", "--json"))
    assert [(row["carrier"], row["service"], row["checked"]) for row in rows] == [("delhivery", "surface", 3)]
    assert rows[0]["lowest"] <= rows[0]["median_gap_percent"] <= rows[0]["highest"] < 0
