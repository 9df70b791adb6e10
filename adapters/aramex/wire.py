"""What every call to Aramex shares: the three ports, the login in each body, the echo, and errors inside HTTP 200.

WSDLs of ShippingAPI.V2 (A). `HasErrors` stands on the answer and again on each item of a batch. `Transaction` comes back as it was
sent (B: asserted against the test host by a public client of the JSON twin), and so tells whose answer it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from adapters.contract.carrier import Access
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.wire import soap

NAMESPACE = "{http://ws.aramex.net/ShippingAPI/v1/}"
TIMEZONE = "Asia/Dubai"
CURRENCY = "AED"

_VERSION = "v1.0"
_SOURCE = 24  # what the carrier's own plug-ins send
_REFERENCES = 5
_FOLDER = Path(__file__).parent
# WCF names the layer that gave up instead of Client (assumed from .NET: no fault of Aramex's is held).
OUR_FAULT = frozenset({"DeserializationFailed", "ActionNotSupported"})

# Of the two ports of the shipping service this is the one with an https address.
SHIPPING = soap.Port(_FOLDER / "shipping.wsdl", "Service_1_0", "BasicHttpBinding_Service_1_01", OUR_FAULT)
RATES = soap.Port(_FOLDER / "rates.wsdl", "Service_1_0", "BasicHttpBinding_Service_1_0", OUR_FAULT)
TRACKING = soap.Port(_FOLDER / "tracking.wsdl", "Service_1_0", "BasicHttpBinding_Service_1_0", OUR_FAULT)


def address(access: Access, service: str) -> str:
    """`service` is Shipping, RateCalculator or Tracking."""
    return f"{access.base_url}/ShippingAPI.V2/{service}/Service_1_0.svc"


# --- requests -------------------------------------------------------------------------------------


def head(access: Access, references: tuple[str, ...]) -> dict[str, object]:
    """What every request begins with."""
    return {"ClientInfo": _client_info(access), "Transaction": _transaction(references)}


def _client_info(access: Access) -> dict[str, object]:
    return {
        "UserName": setting(access.secrets, "username"),
        "Password": setting(access.secrets, "password"),
        "Version": _VERSION,
        "AccountNumber": setting(access.secrets, "account_number"),
        "AccountPin": setting(access.secrets, "account_pin"),
        "AccountEntity": setting(access.settings, "account_entity"),
        "AccountCountryCode": setting(access.settings, "account_country_code"),
        "Source": _SOURCE,
    }


def _transaction(references: tuple[str, ...]) -> dict[str, str]:
    filled = references + ("",) * (_REFERENCES - len(references))
    return {f"Reference{number}": reference for number, reference in enumerate(filled, 1)}


def setting(fields: Mapping[str, str], name: str) -> str:
    """A field of the account. Raises Refused(ACCOUNT) where it is empty."""
    if not fields.get(name, "").strip():
        raise Refused(RefusalKind.ACCOUNT, "", f"the carrier account has no {name}")
    return fields[name].strip()


def unfit(field: str, why: str) -> Refused:
    """Something in the order that cannot be put to the carrier, by name."""
    return Refused(RefusalKind.INVALID_REQUEST, "", why, field)


# --- replies --------------------------------------------------------------------------------------


class Transaction(msgspec.Struct, frozen=True, rename="pascal"):
    reference1: str = ""
    reference2: str = ""
    reference3: str = ""
    reference4: str = ""
    reference5: str = ""


class Notification(msgspec.Struct, frozen=True, rename="pascal"):
    code: str = ""
    message: str = ""


class Notifications(msgspec.Struct, frozen=True, rename="pascal"):
    notification: list[Notification] = []


class Verdict(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Of the whole answer, or of one item."""

    has_errors: bool
    notifications: Notifications = Notifications()


class Reply(Verdict, frozen=True, kw_only=True, rename="pascal"):
    transaction: Transaction | None = None


# In the order of their numbers. ERR52 serves several causes, so its text decides.
REFUSALS = MappingProxyType(
    {
        "ERR01": RefusalKind.UNAUTHORIZED,
        "ERR06": RefusalKind.INVALID_ADDRESS,  # postal code
        "ERR07": RefusalKind.INVALID_REQUEST,  # label report
        "ERR30": RefusalKind.DUPLICATE,  # our number of the shipment
        "ERR35": RefusalKind.WINDOW_UNAVAILABLE,  # closes before it is ready
        "ERR36": RefusalKind.WINDOW_UNAVAILABLE,  # last pickup before it is ready
        "ERR37": RefusalKind.WINDOW_UNAVAILABLE,  # outside the entity's business hours
        "ERR38": RefusalKind.WINDOW_UNAVAILABLE,  # too soon
        "ERR61": RefusalKind.NOT_SERVICEABLE,  # no rate
        "ERR70": RefusalKind.WRONG_STATE,  # cancelled before
        "ERR75": RefusalKind.UNAUTHORIZED,
    }
)
_REQUIRED = "REQ"  # REQ13, REQ15...: something is missing
_CITY_OR_SERVICE = "ERR52"


def judge(reply: Reply, references: tuple[str, ...], items: Iterable[Verdict] = ()) -> None:
    """Raises Misread for an answer to another question, Refused for errors of the whole or of an item."""
    if reply.transaction is not None:
        recognise(reply, references)
    told = [notification for verdict in (reply, *items) for notification in verdict.notifications.notification]
    if any(verdict.has_errors for verdict in (reply, *items)):
        raise refusal(told)


def recognise(reply: Reply, references: tuple[str, ...]) -> None:
    """Raises Misread unless the references sent came back: for answers that name nothing else we know."""
    echo = reply.transaction and msgspec.structs.astuple(reply.transaction)
    if echo != references + ("",) * (_REFERENCES - len(references)):
        raise Misread("an answer to another question")


def refusal(told: list[Notification]) -> Refused:
    """By the first notification whose code is known; the texts of all are kept."""
    text = "; ".join(notification.message.strip() for notification in told if notification.message.strip())
    decisive = next((one for one in told if _kind(one)), told[0] if told else Notification())
    kind = _kind(decisive)
    return Refused(kind, decisive.code, text, "/window" if kind is RefusalKind.WINDOW_UNAVAILABLE else "")


def _kind(told: Notification) -> RefusalKind | None:
    if told.code == _CITY_OR_SERVICE and "city" in told.message.casefold():
        return RefusalKind.INVALID_ADDRESS
    if told.code.startswith(_REQUIRED):
        return RefusalKind.INVALID_REQUEST
    return REFUSALS.get(told.code)
