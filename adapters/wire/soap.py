"""SOAP: zeep is the codec, httpx carries the envelope, and what comes back passes our own guard before zeep sees it.

zeep 4.3.3 as set here takes, in silence (measured): an answer to another operation, booleans such as TRUE (as False), numbers
and dates that are none (as nothing), a repeated element where one is allowed, an element of another namespace. The guard makes
each of them Misread. zeep (0.5 s) is imported, and a description read, when the first envelope is made.
"""

from __future__ import annotations

import base64
import functools
import importlib
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from lxml import etree

from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused

T = TypeVar("T")

LARGEST = 2 * 1024 * 1024

_ENVELOPES = {  # by the namespace of the envelope: SOAP 1.1 and 1.2
    f"{{{namespace}}}Envelope": f"{{{namespace}}}"
    for namespace in ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
}
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_OUR_FAULT = frozenset({"Client", "Sender"})
_BOOLEAN = re.compile(r"true|false|1|0", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
)


# --- the guard ------------------------------------------------------------------------------------


def parse(content: bytes) -> etree._Element:
    """The root of a document without a DOCTYPE, well formed to its end. Raises Misread."""
    if len(content) > LARGEST:
        raise Misread(f"an answer of over {LARGEST // 1024**2} MiB")
    try:
        root = etree.fromstring(content, _PARSER)
    except etree.XMLSyntaxError as error:
        raise Misread(f"not well-formed XML: {error.msg}") from error
    if root.getroottree().docinfo.doctype:
        raise Misread("XML with a DOCTYPE")
    return root


def answer(response: httpx.Response, expected: str, our_fault: frozenset[str] = frozenset()) -> etree._Element:
    """The one element of the body, which must be `expected` ("{namespace}name").

    A fault that blames the caller (Client, Sender, or one of `our_fault`) is Refused, any other OutcomeUnknown, whatever the HTTP
    status. Anything else that is not this answer with HTTP 2xx is Misread.
    """
    if "xml" not in response.headers.get("content-type", "").casefold():
        raise Misread(f"HTTP {response.status_code}, and no XML")
    first, namespace = _only_in_the_body(parse(response.content))
    if first.tag == f"{namespace}Fault":
        raise _fault(first, namespace, our_fault)
    if first.tag != expected:
        raise Misread(f"an answer {etree.QName(first).localname!r} where {etree.QName(expected).localname!r} is due")
    if not response.is_success:
        raise Misread(f"an answer with HTTP {response.status_code}")
    return first


def _only_in_the_body(root: etree._Element) -> tuple[etree._Element, str]:
    """What the envelope holds, and the envelope's own namespace in braces."""
    namespace = _ENVELOPES.get(root.tag)
    if namespace is None:
        raise Misread("XML that is no SOAP envelope")
    bodies = root.findall(f"{namespace}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise Misread("an envelope without one body that holds one element")
    return bodies[0][0], namespace


def _fault(fault: etree._Element, namespace: str, our_fault: frozenset[str]) -> Refused | OutcomeUnknown:
    code = fault.findtext("faultcode") or fault.findtext(f"{namespace}Code/{namespace}Value") or ""
    text = fault.findtext("faultstring") or fault.findtext(f"{namespace}Reason/{namespace}Text") or ""
    name = code.strip().rpartition(":")[2]
    if name.partition(".")[0] in _OUR_FAULT | our_fault:  # SOAP 1.1 refines by dots: Client.Authentication
        return Refused(RefusalKind.INVALID_REQUEST, name, text.strip())
    return OutcomeUnknown(f"a SOAP fault: {name} {text.strip()}"[:300])


# --- answers read by hand, where zeep would take too long -------------------------------------------


def texts(element: etree._Element) -> dict[str, str]:
    """The text of each child, by its full name. Raises Misread where one comes twice."""
    found = {child.tag: child.text or "" for child in element}
    if len(found) != len(element):
        raise Misread(f"an element of {etree.QName(element).localname} comes twice")
    return found


def boolean(text: str) -> bool:
    """xs:boolean. Raises Misread for TRUE, yes, and nothing."""
    word = text.strip()
    if not _BOOLEAN.fullmatch(word):
        raise Misread(f"not a boolean: {word[:20]!r}")
    return word in ("true", "1")


# --- a port ---------------------------------------------------------------------------------------


class Port:
    """One port of a service, described by a WSDL on disk.

    Fields of a request are given by name, whatever their order; zeep writes the order, namespaces and forms of the description, and
    knows no field that is not in it. It checks no lengths, values or required fields. `our_fault` are further fault codes that
    blame the caller.
    """

    def __init__(self, wsdl: Path, service: str, port: str, our_fault: frozenset[str] = frozenset()) -> None:
        self._wsdl = wsdl
        self._service = service
        self._port = port
        self._our_fault = our_fault

    def request(self, url: str, operation: str, fields: Mapping[str, object]) -> httpx.Request:
        """The same fields make the same bytes: `create` writes no addressing headers, which would be fresh at each call."""
        action = self._operation(operation)
        envelope = action.create(**fields).content
        return httpx.Request(
            "POST",
            url,
            content=etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action.soapaction}"'},
        )

    def read(self, response: httpx.Response, operation: str, shape: type[T]) -> T:
        """The operation's answer as `shape`, whose fields are the description's that we use; absent, nil and empty are the same.

        Raises what `answer` raises, and Misread for a value that is none of its type or a field of `shape` that is missing.
        """
        described = self._operation(operation).output.body
        element = answer(response, described.qname.text, self._our_fault)
        etree.strip_attributes(element, _XSI_TYPE)
        self._check(element, described.type)
        found = _plain(described.parse(element, self._client.wsdl.types))
        try:
            return msgspec.convert(found or {}, shape)
        except msgspec.ValidationError as error:
            raise Misread(f"not the documented answer: {error}") from error

    def _operation(self, name: str) -> Any:
        return self._client.wsdl.services[self._service].ports[self._port].binding.get(name)

    @functools.cached_property
    def _client(self) -> Any:
        zeep: Any = importlib.import_module("zeep")
        settings = zeep.Settings(
            strict=False, xsd_ignore_sequence_order=True, forbid_dtd=True, forbid_external=True, forbid_entities=True
        )
        return zeep.Client(io.BytesIO(self._wsdl.read_bytes()), transport=_Nowhere(), settings=settings)

    @functools.cached_property
    def _rules(self) -> tuple[tuple[Any, Callable[[str], object]], ...]:
        """What the text of a simple type must be; the first that fits."""
        kinds: Any = importlib.import_module("zeep.xsd.types.builtins")
        return (
            (kinds.String, lambda text: True),
            (kinds.Boolean, _BOOLEAN.fullmatch),
            (kinds.Integer, _INTEGER.fullmatch),
            ((kinds.Decimal, kinds.Float, kinds.Double), _NUMBER.fullmatch),
            (kinds.Base64Binary, _is_base64),
        )

    def _check(self, node: etree._Element, kind: Any) -> None:
        """What zeep would pass over. What the description does not know is nobody's business."""
        children = getattr(kind, "elements", None)
        if children is None:
            self._check_text(node, kind)
            return
        known = {element.qname.localname: element for _, element in children if element.qname is not None}
        seen = set()
        for child in node:
            name = etree.QName(child)
            element = known.get(name.localname)
            if element is None:
                continue
            if child.tag != element.qname.text or (name.localname in seen and not element.accepts_multiple):
                raise Misread(f"{name.localname} comes twice, or in another namespace")
            seen.add(name.localname)
            self._check(child, element.type)

    def _check_text(self, node: etree._Element, kind: Any) -> None:
        text = (node.text or "").strip()
        if len(node):
            raise Misread(f"{etree.QName(node).localname} holds more than text")
        fits = next((fits for types, fits in self._rules if isinstance(kind, types)), _convertible(kind))
        if text and not fits(text):
            raise Misread(f"{etree.QName(node).localname} is not of its type")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return False
    return True


def _convertible(kind: Any) -> Callable[[str], object]:
    """Dates and the like, as zeep converts them."""

    def fits(text: str) -> bool:
        try:
            kind.pythonvalue(text)
        except (ValueError, TypeError):
            return False
        return True

    return fits


def _plain(value: Any) -> Any:
    """zeep's structures as dictionaries, without what is absent, nil or empty, and without what the description does not know."""
    if isinstance(value, list):
        return [plain for one in value if (plain := _plain(one)) is not None]
    fields = getattr(value, "__values__", None)
    if fields is None:
        return value
    found = {name: _plain(one) for name, one in fields.items() if not name.startswith("_")}
    return {name: plain for name, plain in found.items() if plain not in (None, "", [], {})} or None


class _Nowhere:
    """A description is one file: it sends for nothing."""

    def load(self, url: str) -> bytes:
        raise LookupError(f"a WSDL on disk refers to {url}")
