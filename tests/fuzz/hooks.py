"""What Schemathesis is told beyond its settings: loaded by schemathesis.toml."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.generation.meta import TestPhase

from gateway.web.examples import EXAMPLES
from tests.web.test_access import CONTRACT

# What a body or parameter is refused for by its own form, and a schema can tell.
_FORM = frozenset({"wrong_type", "too_short", "too_long", "too_small", "too_large", "unknown_field", "not_one_of"})
# What stands in these is each carrier's own: no schema can tell their names and limits.
_CARRIERS_OWN = re.compile("/(extra|settings|credentials)/")
_HOST = re.compile(r"(?<=://)[^/?#]*")
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{20}")
# How many bodies are the contract's example.
_EXAMPLES_OF_FOUR = {TestPhase.EXAMPLES: 4, TestPhase.COVERAGE: 0, TestPhase.FUZZING: 1, TestPhase.STATEFUL: 3}
# Most visits that answers tell of did not fail, and most deliveries are pings: there is nothing to be done about them.
_TOLD_OF_OTHERS = frozenset({"visit_id", "delivery_id"})
_SIGNED = "takeCallback"  # is taken with the carrier's signature only
_ENOUGH = 20  # examples; with fewer it is chance whether every operation is reached
_NUMBERS = itertools.count(2000)  # of references and names that nothing else has


def _bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Of each operation, as the contract shows it."""
    for item in CONTRACT["paths"].values():
        for operation in item.values():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").rpartition("/")[2]
            if name in EXAMPLES:
                yield operation["operationId"], EXAMPLES[name]


_BODIES = {**dict(_bodies()), "actOnException": {"action": "assign", "assignee": "desk"}}  # the one action that all are open to


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    phase = case.meta.phase.name if case.meta and case.meta.generation.mode.is_positive else None
    if phase in _EXAMPLES_OF_FOUR and case.method != "DELETE":
        _go_where_something_is(case)
    if phase and _name(case) in _BODIES and next(_NUMBERS) % 4 < _EXAMPLES_OF_FOUR.get(phase, 0):
        _take_the_example(case)
    if phase is TestPhase.STATEFUL and "Idempotency-Key" in case.headers:  # a repeat may answer with what is gone since
        case.headers["Idempotency-Key"] = f"step-{next(_NUMBERS)}"
    _leave_others_alone(case)


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Keep what time it is for the merchant."""
    if _name(case) == "advanceTestClock" and response.status_code == 200:
        os.environ["TEST_CLOCK"] = response.json()["now"]


def _go_where_something_is(case: Case[Any]) -> None:
    """Ids that were made up become those of something there is; those of an answer stay."""
    ids, known = case.path_parameters or {}, json.loads(os.environ["KNOWN_IDS"])
    places = [one for one in known if ids and ids.keys() <= one.keys() and "for" not in one]
    if _name(case) == "erasePickup":  # nothing more can be said of an erased one's visits
        visited = {one["pickup_id"] for one in known if "visit_id" in one}
        places = [one for one in places if one["pickup_id"] not in visited]
    places = places[zlib.crc32(_name(case).encode()) // 7 % 2 :: 2] or places  # of two that exclude each other each has its own
    told = any(_ID.fullmatch(str(value)) for value in ids.values())
    places = [one for one in known if one.get("for") == _name(case)] or places
    if places and (not told or ids.keys() & _TOLD_OF_OTHERS):
        chosen = places[zlib.crc32(repr(ids).encode()) % len(places)]
        case.path_parameters = {name: chosen[name] for name in ids}


def _take_the_example(case: Case[Any]) -> None:
    """Random bodies mostly are refused, and there a chain ends."""
    number = next(_NUMBERS)
    tomorrow = dt.datetime.fromisoformat(os.environ["TEST_CLOCK"]) + dt.timedelta(days=1)
    window = {"date": f"{tomorrow:%F}", "from": "10:00", "to": "18:00"}
    fresh = {"reference": f"RMA-{number}", "name": f"name {number}", "window": window}
    case.body = {name: fresh.get(name, value) for name, value in _BODIES[_name(case)].items()}
    case.media_type = "application/json"
    if _name(case) == "createPickup":
        case.headers.update({"Prefer": "wait=5", "Idempotency-Key": f"return-{number}"})


def _leave_others_alone(case: Case[Any]) -> None:
    """Nobody out there hears of this: endpoints that fit the contract lie in a domain that never is (RFC 2606)."""
    body = case.body
    url = body.get("url") if "webhook-endpoints" in case.path and isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(url, str):
        case.body = {**body, "url": _HOST.sub("hooks.invalid", url)}


def _name(case: Case[Any]) -> str:
    return str(case.operation.definition.raw["operationId"])


@schemathesis.check
def refused_for_its_form(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """What fits the contract is never refused for its form: else the contract keeps a limit to itself."""
    made_to_fit = case.meta is not None and case.meta.generation.mode.is_positive
    if made_to_fit and response.status_code in (400, 422):
        errors = response.json().get("errors", ())
        kept_back = [error for error in errors if error["code"] in _FORM and not _CARRIERS_OWN.search(error.get("pointer", ""))]
        assert not kept_back, f"refused for a limit that the contract does not tell: {kept_back}"


@schemathesis.check
class EveryOperationWasReached:
    """A long run in which an operation was only ever refused shows nothing about it. How each was answered is told at the end."""

    def __init__(self) -> None:
        self._alone: dict[str, Counter[int]] = {}
        self._chained: dict[str, Counter[int]] = {}

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> None:
        chained = case.meta is not None and case.meta.phase.name is TestPhase.STATEFUL
        # Other methods are asked so as to be refused, but OPTIONS is answered with 204.
        own = case.method.upper() == case.operation.method.upper()
        if own and _name(case) != _SIGNED:
            answers = self._chained if chained else self._alone
            answers.setdefault(case.operation.label, Counter())[response.status_code] += 1

    def after_run(self, ctx: CheckContext) -> None:
        asked = sorted(self._alone.keys() | self._chained.keys())
        for label in asked:
            print(f"{label:80} {_told(self._alone.get(label)):44} in chains: {_told(self._chained.get(label))}")
        never = [label for label in asked if not any(_reached(answers.get(label)) for answers in (self._alone, self._chained))]
        print(f"in no chain answered with a 2xx: {', '.join(one for one in asked if not _reached(self._chained.get(one)))}")
        said = f"never answered with a 2xx: {', '.join(never)}"
        assert not never or int(os.environ["EXAMPLES"]) < _ENOUGH, said
        print(said if never else "every operation was answered with a 2xx")


def _reached(answers: Counter[int] | None) -> bool:
    return any(status < 300 for status in answers or ())


def _told(answers: Counter[int] | None) -> str:
    return " ".join(f"{status}:{count}" for status, count in sorted((answers or Counter()).items()))
