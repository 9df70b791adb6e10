"""Records the cassettes anew: every operation of every carrier once, by the gateway's client, from the lab on a socket.

`python -m tests.record` (or `make record`). Seed and clock are fixed, so that only the day in the first line changes where
nothing else has.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from adapters.contract.carrier import Carrier
from adapters.contract.errors import CarrierError
from adapters.lab.server import running
from gateway.carriers import registry
from tests.cassettes.tape import FOLDER, Client, account, hidden, path, recorder, told
from tests.contract.stage import Stage, operations


def record_all(folder: Path = FOLDER) -> list[Path]:
    """The cassettes of all carriers, in place of those in the folder."""
    for old in folder.glob("*.yaml"):
        old.unlink()
    return [record(carrier, name, folder) for carrier in registry.every() for name in operations(carrier)]


def record(carrier: Carrier, name: str, folder: Path) -> Path:
    """One operation, asked when all that goes before it has happened off the tape."""
    stage = Stage(carrier)
    cassette = path(folder, carrier.code, name)
    with running(stage.lab) as address:
        question = _prepared(stage, address, name)
        tape = recorder(carrier, address, dt.datetime.now(dt.UTC).date(), mode="all")
        with tape.use_cassette(str(cassette)) as running_tape, Client(address, account(carrier, name), stage.clock) as client:
            running_tape.get_metadata("now", stage.clock.now.isoformat())
            running_tape.get_metadata("question", json.loads(msgspec.json.encode(question)))
            stage.ask_step = client
            running_tape.get_metadata("answer", hidden(carrier, address, told(_outcome(stage, name, question))))
    stage.lab.close()
    return cassette


def _prepared(stage: Stage, address: str, name: str) -> Any:
    with Client(address, account(stage.carrier, name), stage.clock) as client:
        stage.ask_step = client
        return stage.question(name)


def _outcome(stage: Stage, name: str, question: Any) -> Any:
    try:
        return stage.ask(name, question)
    except CarrierError as error:
        return error


if __name__ == "__main__":
    recorded = record_all()
    print(f"{len(recorded)} cassettes in {FOLDER}", file=sys.stderr)
