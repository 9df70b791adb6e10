"""Every cassette through the gateway's own client, with the network blocked: the same question has the same answer."""

from __future__ import annotations

import datetime as dt
import socket
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import yaml
from vcr.errors import CannotOverwriteExistingCassetteException

from adapters.contract.carrier import AwbList
from adapters.contract.errors import CarrierError
from adapters.contract.orders import Order, PickupOrder
from gateway.carriers import registry
from tests.cassettes.tape import FOLDER, NOTE, Client, account, hidden, path, recorder, told
from tests.contract.stage import ASKED, BASE, Clock, asked
from tests.contract.test_lab import operation_hint
from tests.record import record

FILES = [path(FOLDER, code, name) for code, name in ASKED]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What a cassette tells beside its exchanges."""

    now: dt.datetime
    question: Any
    answer: Any


def story(code: str, name: str) -> Story:
    said = msgspec.convert(yaml.safe_load(path(FOLDER, code, name).read_text())["metadata"], Story)
    kind = get_args(operation_hint(name))[0]
    return msgspec.structs.replace(said, question=msgspec.convert(said.question, PickupOrder if kind is Order else kind))


def replayed(code: str, name: str, question: Any) -> tuple[Any, bool]:
    """What the client makes of the cassette, and whether all of it was played."""
    carrier, clock = registry.carrier(code), Clock()
    clock.now = story(code, name).now

    def wait_until(at: dt.datetime) -> None:
        clock.now = at

    cassette = str(path(FOLDER, code, name))
    with recorder(carrier).use_cassette(cassette) as tape, Client(BASE, account(carrier, name), clock) as client:
        try:
            answer = asked(client, wait_until, name, question)
        except CarrierError as error:
            answer = error
        return hidden(carrier, BASE, told(answer)), tape.all_played


@pytest.mark.block_network
@pytest.mark.parametrize(("code", "name"), ASKED)
def test_the_question_on_the_tape_has_the_answer_on_the_tape(code, name):
    on_tape = story(code, name)
    assert replayed(code, name, on_tape.question) == (on_tape.answer, True)


@pytest.mark.block_network
@pytest.mark.parametrize("code", registry.codes())
def test_another_question_finds_no_answer_on_the_tape(code):
    with pytest.raises(CannotOverwriteExistingCassetteException):
        replayed(code, "track", AwbList(awbs=("1234567890",)))


@pytest.mark.block_network
def test_nothing_leaves_this_machine_meanwhile():
    with pytest.raises(RuntimeError, match="Network"):
        socket.create_connection(("127.0.0.1", 9))


def test_there_is_one_cassette_for_each_operation_and_no_other():
    assert sorted(FOLDER.glob("*.yaml")) == sorted(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_first_line_says_where_the_tape_is_from(file):
    first = file.read_text().partition("\n")[0] + "\n"
    day = dt.date.fromisoformat(first[-12:-2])
    assert first == NOTE.format(day.isoformat())


@pytest.mark.parametrize("code", registry.codes())
def test_recording_again_gives_the_same_tape(code, tmp_path: Path):
    tapes = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        tapes.append(record(registry.carrier(code), "label", folder).read_text())
    assert tapes[0] == tapes[1]
