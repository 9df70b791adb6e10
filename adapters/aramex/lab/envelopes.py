"""Envelopes in and out, as a WCF service takes and gives them.

Strict on the way in: no DOCTYPE, one element in the body, and that valid against the description (order, required elements, types).
WCF itself drops what comes out of order, in silence; a lab that did would teach nothing. Faults come as HTTP 500 with WCF's own
codes (assumed from .NET), business errors as HTTP 200.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from lxml import etree
from lxml.builder import ElementMaker

from adapters.contract.errors import Misread
from adapters.lab.side import Call, Desk, Reply
from adapters.wire import soap

NAMESPACE = "http://ws.aramex.net/ShippingAPI/v1/"
ACTION = f"{NAMESPACE}Service_1_0/"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
_DISPATCHER = "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher"

SENDER, RECEIVER = "DeserializationFailed", "InternalServiceFault"

A = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE, "i": _XSI, "a": ARRAYS})
ARRAY = ElementMaker(namespace=ARRAYS, nsmap={"a": ARRAYS})
_S = ElementMaker(namespace=_SOAP, nsmap={"s": _SOAP})

# The element an operation answers with.
ANSWERS: Mapping[str, str] = {
    "CalculateRate": "RateCalculatorResponse",
    "ReserveShipmentNumberRange": "ReserveRangeResponse",
    "CreateShipments": "ShipmentCreationResponse",
    "CreatePickup": "PickupCreationResponse",
    "CancelPickup": "PickupCancelationResponse",
    "PrintLabel": "LabelPrintingResponse",
    "TrackShipments": "ShipmentTrackingResponse",
    "TrackPickup": "PickupTrackingResponse",
}


class Asked:
    """A request that is valid; paths like "Pickup/Reference1" lead through it."""

    def __init__(self, element: etree._Element) -> None:
        self._element = element

    def text(self, path: str) -> str:
        """Blank where it is absent, nil or empty."""
        return (self._element.findtext(_full(path)) or "").strip()

    def all(self, path: str) -> list[Asked]:
        return [Asked(element) for element in self._element.iterfind(_full(path))]

    def strings(self, path: str) -> list[str]:
        return [element.text or "" for element in self._element.iterfind(f"{_full(path)}/{{{ARRAYS}}}string")]

    @property
    def echo(self) -> etree._Element:
        """The transaction as it was sent."""
        sent = self._element.find(_full("Transaction"))
        return nil("Transaction") if sent is None else sent


class Objection(Exception):
    """A business error: the call is understood, and refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def answering(wsdl: Path, operation: str, handle: Callable[[Asked, Desk], list[etree._Element]]) -> Callable[[Call, Desk], Reply]:
    """The handler behind the envelope: what it gives follows HasErrors in the answer."""

    def answer(call: Call, desk: Desk) -> Reply:
        try:
            element = body_of(call)
            _validate(element, _schema(wsdl))
        except Misread as error:
            return fault(SENDER, str(error))
        asked = Asked(element)
        try:
            return _good(operation, asked, handle(asked, desk))
        except Objection as objection:
            return refusal(operation, asked.echo, objection)

    return answer


def body_of(call: Call) -> etree._Element:
    """Raises Misread for anything but an envelope with one element in its body."""
    bodies = soap.parse(call.body).findall(f"{{{_SOAP}}}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise Misread("not an envelope with one element")
    return bodies[0][0]


def operation_of(call: Call) -> str:
    return call.headers.get("soapaction", "").strip('"').removeprefix(ACTION)


# --- answers --------------------------------------------------------------------------------------


def _good(operation: str, asked: Asked, parts: list[etree._Element]) -> Reply:
    return _envelope(A(ANSWERS[operation], asked.echo, notifications(), A.HasErrors("false"), *parts))


def refusal(operation: str, echo: etree._Element, objection: Objection) -> Reply:
    return _envelope(A(ANSWERS[operation], echo, notifications(objection), A.HasErrors("true")))


def fault(code: str, text: str, status: int = 500) -> Reply:
    code_element = etree.Element("faultcode", nsmap={"d": _DISPATCHER})
    code_element.text = f"d:{code}"
    text_element = etree.Element("faultstring")
    text_element.text = text
    return _envelope(_S.Fault(code_element, text_element), status)


def notifications(*objections: Objection) -> etree._Element:
    return A.Notifications(*(A.Notification(A.Code(one.code), A.Message(one.message)) for one in objections))


def nil(name: str) -> etree._Element:
    return A(name, {f"{{{_XSI}}}nil": "true"})


def _envelope(content: etree._Element, status: int = 200) -> Reply:
    body = etree.tostring(_S.Envelope(_S.Body(content)), encoding="utf-8")
    return Reply(status=status, body=body, content_type="text/xml; charset=utf-8")


# --- the description's schema ---------------------------------------------------------------------


def _full(path: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/"))


def _validate(element: etree._Element, schema: etree.XMLSchema) -> None:
    if not schema.validate(element):
        raise Misread(str(schema.error_log.last_error.message))


@functools.cache
def _schema(wsdl: Path) -> etree.XMLSchema:
    return schema_of(wsdl.read_bytes())


def schema_of(wsdl: bytes) -> etree.XMLSchema:
    """One schema of all that a description holds, each finding the others by name."""
    schemas = {one.get("targetNamespace"): one for one in etree.fromstring(wsdl).iter(f"{_XSD}schema")}
    for one in schemas.values():
        for needed in one.findall(f"{_XSD}import"):
            needed.set("schemaLocation", needed.get("namespace"))
    parser = etree.XMLParser()
    parser.resolvers.add(_inline({name: etree.tostring(one) for name, one in schemas.items()}))
    imports = "".join(f'<import namespace="{name}" schemaLocation="{name}"/>' for name in schemas)
    return etree.XMLSchema(etree.fromstring(f'<schema xmlns="{_XSD[1:-1]}">{imports}</schema>', parser))


def _inline(schemas: Mapping[str, bytes]) -> etree.Resolver:
    """Finds a schema by its namespace, and nothing outside the description."""

    def resolve(self: etree.Resolver, url: str, public_id: str | None, context: object) -> object:
        return self.resolve_string(schemas[url], context)

    return type("Inline", (etree.Resolver,), {"resolve": resolve})()
