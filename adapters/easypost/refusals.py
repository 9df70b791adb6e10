"""What EasyPost's error codes mean.

The vendor's error guide lists them without an order of their own; here as public clients repeat that list (B), the part our calls
can meet. Recorded live (A): ADDRESS.VERIFY.FAILURE, BAD_REQUEST, NOT_FOUND, PARAMETER.REQUIRED, PICKUP.MIN_DATETIME.REQUIRED,
SHIPMENT.INVALID_PARAMS, APIKEY.INACTIVE. What follows from a code is read from its name (D); any other is `refused`, kept raw.
"""

from __future__ import annotations

from types import MappingProxyType

from adapters.contract.errors import RefusalKind

REFUSALS = MappingProxyType(
    {
        "BAD_REQUEST": RefusalKind.INVALID_REQUEST,
        "NOT_ACCEPTABLE": RefusalKind.INVALID_REQUEST,
        "NOT_FOUND": RefusalKind.INVALID_REQUEST,
        "UNAUTHORIZED": RefusalKind.UNAUTHORIZED,
        "APIKEY.INACTIVE": RefusalKind.UNAUTHORIZED,
        "MODE.UNAUTHORIZED": RefusalKind.UNAUTHORIZED,
        "USER.UNAUTHORIZED": RefusalKind.UNAUTHORIZED,
        "FORBIDDEN": RefusalKind.ACCOUNT,
        "PAYMENT_REQUIRED": RefusalKind.ACCOUNT,
        "PAYMENT_GATEWAY.ERROR": RefusalKind.ACCOUNT,
        "CREDIT_CARD.CHARGE.FAILURE": RefusalKind.ACCOUNT,
        "BANK_ACCOUNT.CHARGE.FAILURE": RefusalKind.ACCOUNT,
        "MODE.CONFLICT": RefusalKind.ACCOUNT,
        "CARRIER_ACCOUNT.INVALID": RefusalKind.ACCOUNT,
        "DATE.PARSE.FAILURE": RefusalKind.INVALID_REQUEST,
        "PARAMETER.FORBIDDEN": RefusalKind.INVALID_REQUEST,
        "PARAMETER.REQUIRED": RefusalKind.INVALID_REQUEST,
        "ADDRESS.PARAMETERS.INVALID_CHARACTER": RefusalKind.INVALID_ADDRESS,
        "ADDRESS.PARAMETERS.INVALID": RefusalKind.INVALID_ADDRESS,
        "ADDRESS.COUNTRY.INVALID": RefusalKind.INVALID_ADDRESS,
        "ADDRESS.VERIFICATION.NOT_FOUND": RefusalKind.INVALID_ADDRESS,
        "ADDRESS.VERIFICATION.FAILURE": RefusalKind.INVALID_ADDRESS,
        "ADDRESS.VERIFICATION.INVALID": RefusalKind.INVALID_REQUEST,
        "ADDRESS.VERIFY.FAILURE": RefusalKind.INVALID_ADDRESS,
        "ADDRESS.VERIFY.MISSING_STREET": RefusalKind.INVALID_ADDRESS,
        "ADDRESS.VERIFY.MISSING_CITY_STATE_ZIP": RefusalKind.INVALID_ADDRESS,
        "PARCEL.PREDEFINED_PACKAGE.INVALID": RefusalKind.INVALID_REQUEST,
        "PARCEL.PARAMETERS.INVALID": RefusalKind.INVALID_REQUEST,
        "PICKUP.MIN_DATETIME.REQUIRED": RefusalKind.INVALID_REQUEST,
        "PICKUP.MAX_DATETIME.REQUIRED": RefusalKind.INVALID_REQUEST,
        "PICKUP.ADDRESS.INVALID": RefusalKind.INVALID_ADDRESS,
        "PICKUP.ADDRESS.REQUIRED": RefusalKind.INVALID_ADDRESS,
        "PICKUP.REQUEST.INVALID": RefusalKind.INVALID_REQUEST,
        "PICKUP.SHIPMENT_SERVICE.INVALID": RefusalKind.NOT_SERVICEABLE,
        "PICKUP.SHIPMENT_COUNTRY.INVALID": RefusalKind.NOT_SERVICEABLE,
        "PICKUP.BATCH_CARRIER.INCONSISTENT": RefusalKind.WRONG_STATE,  # clients met it where the shipment was not bought (B)
        "PICKUP.STATUS.INVALID": RefusalKind.WRONG_STATE,
        "PICKUP.BUY.FAILED": RefusalKind.REFUSED,
        "PICKUP.BUY.NO_MATCHING_RATES": RefusalKind.WINDOW_UNAVAILABLE,
        "PICKUP.BUY.FORBIDDEN": RefusalKind.ACCOUNT,
        "PICKUP.SERVICE.REQUIRED": RefusalKind.INVALID_REQUEST,
        "PICKUP.CARRIER.REQUIRED": RefusalKind.INVALID_REQUEST,
        "PICKUP.CANCEL.FAILED": RefusalKind.TOO_LATE,
        "SHIPMENT.OPTIONS.INVALID": RefusalKind.INVALID_REQUEST,
        "SHIPMENT.INVALID_PARAMS": RefusalKind.INVALID_REQUEST,
        "SHIPMENT.INVALID": RefusalKind.INVALID_REQUEST,
        "SHIPMENT.MISSING_INFORMATION": RefusalKind.INVALID_REQUEST,
        "SHIPMENT.PURCHASE.FAILURE": RefusalKind.REFUSED,
        "SHIPMENT.POSTAGE.INVALID_FORMAT": RefusalKind.INVALID_REQUEST,
        "SHIPMENT.POSTAGE.FORMAT_UNAVAILABLE": RefusalKind.WRONG_STATE,
        "SHIPMENT.POSTAGE.REQUIRED": RefusalKind.WRONG_STATE,
        "SHIPMENT.POSTAGE.EXISTS": RefusalKind.DUPLICATE,
        "SHIPMENT.POSTAGE.FAILURE": RefusalKind.REFUSED,
        "SHIPMENT.POSTAGE.ASCII": RefusalKind.INVALID_REQUEST,
        "SHIPMENT.REFUND.UNAVAILABLE": RefusalKind.TOO_LATE,  # "the parcel has been shipped" (B)
        "SHIPMENT.REFUND.FAILURE": RefusalKind.TOO_LATE,
        "SHIPMENT.CUSTOMS_INFO.REQUIRED": RefusalKind.INVALID_REQUEST,
        "SHIPMENT.RATE.CARRIER_ACCOUNT_INVALID": RefusalKind.ACCOUNT,
        "SHIPMENT.MISSING_RATE": RefusalKind.REFUSED,
        "SHIPMENT.RATES.UNAVAILABLE": RefusalKind.NOT_SERVICEABLE,
        "TRACKER.NOT_FOUND": RefusalKind.INVALID_REQUEST,
        "TRACKER.INVALID_PARAMS": RefusalKind.INVALID_REQUEST,
    }
)

# The mover gave EasyPost no answer: the purchase may have been made.
UNKNOWN_OUTCOMES = frozenset({"SHIPMENT.POSTAGE.NO_RESPONSE", "SHIPMENT.POSTAGE.TIMED_OUT", "REFUND.NO_RESPONSE"})
# An earlier purchase of the same label is still under way.
IN_PROGRESS = "SHIPMENT.PURCHASE.IN_PROGRESS"
# Nothing was done, and asking again may help.
UNAVAILABLE = frozenset(
    {"ADDRESS.VERIFY.UNAVAILABLE", "ADDRESS.VERIFY.UPSTREAM_UNAVAILABLE", "E.ENGINE.UNAVAILABLE", "E.TIMED_OUT"}
)  # fmt: skip
TOO_FAST = "RATE_LIMITED"

# The parts of an address that verification objects to, by the name of the field in EasyPost's words.
ADDRESS_FIELDS = MappingProxyType(
    {
        "address": "line1",
        "street1": "line1",
        "street2": "line2",
        "city": "city",
        "state": "state",
        "zip": "postal_code",
        "country": "country",
        "phone": "phone",
        "name": "name",
    }
)
