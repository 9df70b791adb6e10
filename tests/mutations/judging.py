"""What may come of a mutated reply, judged from its bytes alone and not by the adapter's own reading.

A yes to a booking or a cancel needs the carrier's words of success, our booking's numbers, and nothing in the reply that says
otherwise: every field of such a name is looked at, also where it comes twice. Anything else must be a CarrierError, a next step
whose ids stand in the reply, "later", or an answer of the declared type.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from lxml import etree

from adapters.contract.carrier import Booked, Cancelled, Document, Later, Next
from adapters.contract.errors import CarrierError, Misread, OutcomeUnknown, Pending, Refused, Throttled, Unreachable
from adapters.contract.scans import Tracked
from adapters.wire.soap import LARGEST
from tests.contract.stage import Exchange
from tests.contract.test_lab import conforms, declared

Facts = Mapping[str, list[str]]
Allowed = Callable[[str, Exchange], bool]

OUTCOMES = ("read", "refused", "misread", "unknown", "throttled", "later")


def verdict(outcome: Any) -> str:
    """The kind of outcome, for the summary."""
    kinds = (
        ("misread", Misread),
        ("unknown", OutcomeUnknown | Unreachable),
        ("throttled", Throttled),
        ("later", Pending | Later),
        ("refused", Refused),
    )
    return next((word for word, kind in kinds if isinstance(outcome, kind)), "read")


def objection(exchange: Exchange, response: httpx.Response | None, outcome: Any) -> str:
    """What is wrong with this outcome of a reply; "" where nothing is. `response` None: the wire itself refused it."""
    if isinstance(outcome, CarrierError | Later):
        return ""
    if response is None:
        return "an answer that never came"
    if isinstance(outcome, Next):
        return _of_next(exchange, response, outcome)
    if not conforms(outcome, declared(exchange.name)):
        return f"a {type(outcome).__name__} where {exchange.name} answers otherwise"
    return _of_answer(exchange, response, outcome)


def _of_answer(exchange: Exchange, response: httpx.Response, outcome: Any) -> str:
    if isinstance(outcome, Booked | Cancelled):
        return _of_yes(exchange, response, outcome)
    if isinstance(outcome, Document):
        return (
            ""
            if outcome.content.startswith(b"%PDF-") and outcome.content in response.content + _unpacked(response)
            else "another file"
        )
    if isinstance(outcome, Mapping):
        strange = [awb for awb, one in outcome.items() if isinstance(one, Tracked) and one.awb != awb]
        return f"tracking of {strange}" if strange else ""
    return ""


def _unpacked(response: httpx.Response) -> bytes:
    """Files within an XML reply are written in base64."""
    found = facts(response.content).get("LabelFileContents", [])
    return b"".join(base64.b64decode("".join(text.split())) for text in found if text.strip())


# --- a yes ---------------------------------------------------------------------------------------------

_TRUE = frozenset({"true", "True", "1", "TRUE"})


def _is_true(text: str, exchange: Exchange) -> bool:
    return text in _TRUE


def _no_errors(text: str, exchange: Exchange) -> bool:
    return text.strip() in ("false", "0")


def _one_of(*words: str) -> Allowed:
    return lambda text, exchange: text in words


def _ours(text: str, exchange: Exchange) -> bool:
    return text.endswith(_reference(exchange))


def _ours_or_nothing(text: str, exchange: Exchange) -> bool:
    return text in ("", "None") or _ours(text, exchange)


def _its_awb(text: str, exchange: Exchange) -> bool:
    return text.strip() == getattr(exchange.question, "awb", "")


def _its_number(text: str, exchange: Exchange) -> bool:
    return bool(text == exchange.question.handles["number"])


def _something(text: str, exchange: Exchange) -> bool:
    return bool(text.strip())


def _reference(exchange: Exchange) -> str:
    return str(exchange.question.carrier_reference)


# By carrier, operation and step: fields that must be there, and what each of them must say.
_YES: Mapping[tuple[str, str, str], Mapping[str, Allowed]] = {
    ("delhivery", "book", "create"): {"success": _is_true, "status": _one_of("Success"), "refnum": _ours, "waybill": _something},
    ("delhivery", "find", ""): {"ReferenceNo": _ours, "AWB": _something},
    ("delhivery", "cancel", ""): {"status": _is_true, "waybill": _its_awb},
    ("ekart", "book", ""): {"status": _is_true, "tracking_id": _something, "order": _ours},
    ("ekart", "cancel", ""): {"status": _is_true, "tracking_id": _its_awb},
    ("aramex", "book", "pickup"): {"HasErrors": _no_errors, "GUID": _something, "ID": _something, "Reference1": _ours_or_nothing},
    ("aramex", "find", ""): {"HasErrors": _no_errors, "WaybillNumber": _its_number},
    ("aramex", "cancel", "cancel"): {"HasErrors": _no_errors, "Reference1": _ours_or_nothing},
    ("easypost", "book", "outcome"): {"reference": _ours_or_nothing, "tracking_code": _something, "postage_label": _something},
    ("easypost", "find", "shipment"): {"reference": _ours_or_nothing, "tracking_code": _something, "postage_label": _something},
    ("easypost", "cancel", "look"): {"reference": _ours_or_nothing, "id": _something},
    ("easypost", "cancel", "refund"): {
        "refund_status": _one_of("submitted", "refunded", "rejected", "not_applicable"),
        "reference": _ours_or_nothing,
    },
}
# What some replies leave out: EasyPost's may bear no reference of ours, a cancel of Delhivery's no waybill.
_OPTIONAL = frozenset({("easypost", "reference"), ("delhivery", "waybill")})


def _of_yes(exchange: Exchange, response: httpx.Response, outcome: Booked | Cancelled) -> str:
    known = facts(response.content)
    step = (exchange.carrier, exchange.name, exchange.step.name)
    if step not in _YES:
        return f"no words of success are written down for {step}"
    if not response.is_success:
        return f"a yes with HTTP {response.status_code}"
    wrong = [_disagreement(name, known.get(name, []), allowed, exchange) for name, allowed in _YES[step].items()]
    return next((one for one in (*wrong, _unsaid(known, exchange, outcome)) if one), "")


def _disagreement(name: str, said: list[str], allowed: Allowed, exchange: Exchange) -> str:
    if not any(text.strip("None ") for text in said) and (exchange.carrier, name) not in _OPTIONAL:
        return f"a yes without {name}"
    strange = [text for text in said if not allowed(text, exchange)]
    return f"a yes although {name} says {strange[0][:60]!r}" if strange else ""


def _unsaid(known: Facts, exchange: Exchange, outcome: Booked | Cancelled) -> str:
    """A booking's AWB must stand in this reply, or have been told by an earlier step."""
    if not isinstance(outcome, Booked) or outcome.awb in exchange.so_far.values():
        return ""
    texts = {text.strip() for said in known.values() for text in said}
    return "" if outcome.awb in texts else f"a booking under {outcome.awb[:40]!r}, which the reply does not name"


def _of_next(exchange: Exchange, response: httpx.Response, outcome: Next) -> str:
    """What a step learns must be what it learns from the good reply, or stand in this one."""
    usual = exchange.answer.so_far.values() if isinstance(exchange.answer, Next) else ()
    text = response.content.decode("utf-16" if response.content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
    strange = [value for value in outcome.so_far.values() if value and value not in usual and json.dumps(value)[1:-1] not in text]
    strange = [value for value in strange if not value.startswith(("{", "["))]  # quotes and refusals, kept as JSON
    plain = [value for value in strange if value not in {one for said in facts(response.content).values() for one in said}]
    fees = [value for value in plain if not value.split(" ")[0].isdecimal()]
    return f"a step that learnt {fees[0][:60]!r}, which the reply does not say" if fees else ""


# --- what a reply says -----------------------------------------------------------------------------------


def facts(body: bytes) -> Facts:
    """Every field's texts by its name, as often as it comes; within XML by the element's local name."""
    found: dict[str, list[str]] = {}
    body = body.removeprefix(b"\xef\xbb\xbf")
    if body.lstrip()[:1] == b"<" or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        _elements(body, found)
    else:
        _pairs(body, found)
    return found


def _elements(body: bytes, found: dict[str, list[str]]) -> None:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(body[:LARGEST], parser)
    for element in root.iter(etree.Element) if root is not None else ():
        found.setdefault(etree.QName(element).localname, []).append(element.text or "")


def _pairs(body: bytes, found: dict[str, list[str]]) -> None:
    """Of the outer objects only where EasyPost nests others of the same names."""

    def take(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {"__pairs__": pairs}

    try:
        tree = json.loads(body.decode("utf-8", "surrogatepass"), object_pairs_hook=take)
    except (ValueError, RecursionError):
        return
    _walk(tree, found, deep=b'"object":' not in body.replace(b" ", b""))


def _walk(tree: Any, found: dict[str, list[str]], *, deep: bool) -> None:
    if isinstance(tree, list):
        for one in tree:
            _walk(one, found, deep=deep)
    for name, value in tree["__pairs__"] if isinstance(tree, dict) else ():
        nested = isinstance(value, dict | list)
        found.setdefault(name, []).append(_text(value))
        if nested and deep:
            _walk(value, found, deep=deep)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "None" if value is None else "..." if isinstance(value, dict | list) else str(value)
