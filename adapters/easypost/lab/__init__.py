"""EasyPost in the lab: its endpoints as documentation and recordings have them, strict in what they take.

A key `lab_...` is an account. Riders, whoever they ride for, fail without a word. Invented: prices, days, and which code refuses
what.
"""

from __future__ import annotations

import base64
import binascii

from adapters.contract.scans import Reason
from adapters.easypost.lab import addresses, pickups, shipments, trackers, webhooks
from adapters.easypost.lab.replies import error, unauthorized
from adapters.lab.side import Call, Route, Side, lab_credential


def account_of(call: Call) -> str | None:
    """The user of Basic authentication, without a password."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return lab_credential(user) if scheme == "Basic" and not password else None


SIDE = Side(
    carrier="easypost",
    number=4,
    timezone=pickups.TIMEZONE,
    routes=(
        Route(method="POST", pattern="/addresses", operation="validate", handle=addresses.create),
        Route(method="POST", pattern="/shipments", operation="quote", handle=shipments.create),
        Route(method="GET", pattern="/shipments", operation="list_of_day", handle=shipments.show),
        Route(method="GET", pattern="/shipments/{id}", operation="find", handle=shipments.retrieve),
        Route(method="GET", pattern="/shipments/{id}/smartrate", operation="tat", handle=shipments.smartrate),
        Route(method="POST", pattern="/shipments/{id}/buy", operation="buy_label", handle=shipments.buy, commits=True),
        Route(method="GET", pattern="/shipments/{id}/label", operation="label", handle=shipments.label),
        Route(method="GET", pattern="/files/postage_label/{name}", operation="label_file", handle=shipments.label_file, open=True),
        Route(method="POST", pattern="/shipments/{id}/refund", operation="refund", handle=shipments.refund),
        Route(method="POST", pattern="/pickups", operation="price_visit", handle=pickups.create),
        Route(method="GET", pattern="/pickups/{id}", operation="find_visit", handle=pickups.retrieve),
        Route(method="POST", pattern="/pickups/{id}/buy", operation="book", handle=pickups.buy, commits=True),
        Route(method="POST", pattern="/pickups/{id}/cancel", operation="cancel", handle=pickups.cancel),
        Route(method="POST", pattern="/trackers/batch", operation="track", handle=trackers.batch),
        Route(method="GET", pattern="/webhooks", operation="webhooks", handle=webhooks.show),
        Route(method="POST", pattern="/webhooks", operation="webhooks", handle=webhooks.create),
        Route(method="DELETE", pattern="/webhooks/{id}", operation="webhooks", handle=webhooks.delete),
    ),
    account_of=account_of,
    unauthorized=unauthorized,
    error=error,
    failures={},
    untold={
        Reason.CUSTOMER_UNAVAILABLE: 0.4,
        Reason.ITEM_NOT_READY: 0.2,
        Reason.ADDRESS_INCOMPLETE: 0.15,
        Reason.NOT_ATTEMPTED: 0.25,
    },
    visits=1,
    push=trackers.push,
    created=trackers.created,
    success=0.76,
    tat_days=3,
)
