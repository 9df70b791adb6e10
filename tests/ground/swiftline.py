"""An invented SOAP carrier for the codec's tests: its port, the fields of an answer that are used, and answers."""

import datetime as dt
from pathlib import Path
from typing import Any

import httpx
import msgspec

from adapters.contract.errors import CarrierError
from adapters.wire import soap

NAMESPACE = "http://swiftline.test/"
V11 = "http://schemas.xmlsoap.org/soap/envelope/"
V12 = "http://www.w3.org/2003/05/soap-envelope"

WSDL = Path(__file__).with_name("swiftline.wsdl")
PORT = soap.Port(WSDL, "Swiftline", "Secure", frozenset({"DeserializationFailed"}))


class Box(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    fragile: bool = False


class Booked(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    has_errors: bool
    number: str = ""
    pieces: int = 0
    price: float = 0.0
    at: dt.datetime | None = None
    paper: bytes = b""
    first: Box | None = None
    box: list[Box] = []


GOOD = "<Number>007</Number><HasErrors>false</HasErrors>"


def booked(inner: str = GOOD, name: str = "Booked", namespace: str = NAMESPACE) -> str:
    return f'<{name} xmlns="{namespace}">{inner}</{name}>'


def envelope(body: str, version: str = V11) -> bytes:
    return f'<?xml version="1.0"?><s:Envelope xmlns:s="{version}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def reply(content: bytes, status: int = 200, kind: str = "text/xml; charset=utf-8") -> httpx.Response:
    return httpx.Response(status, content=content, headers={"content-type": kind} if kind else {})


def read(response: httpx.Response, operation: str = "Book") -> Any:
    """The answer, or the error as its type with kind, code and text where it has them."""
    try:
        return PORT.read(response, operation, Booked)
    except CarrierError as error:
        return (type(error), *(str(getattr(error, name)) for name in ("kind", "raw_code", "raw_message") if hasattr(error, name)))


def read_inner(inner: str) -> Any:
    return read(reply(envelope(booked(inner))))
