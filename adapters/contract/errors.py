"""What can go wrong when a carrier is asked, as a tree one can decide on.

    CarrierError
    + Unreachable      nothing was sent; ask again
    + Throttled        answered "too fast", nothing done; ask again after `retry_after`
    + Pending          accepted, the answer comes later; poll
    + OutcomeUnknown   sent, the answer was lost; find out before asking again
      - Misread        answered, in no documented shape
    + Refused          the carrier understood and said no

HTTP status is not the outcome: a refusal may come with 200, and every success needs its positive sign.
"""

from __future__ import annotations

import datetime as dt
import enum


class RefusalKind(enum.StrEnum):
    INVALID_REQUEST = "invalid_request"
    INVALID_ADDRESS = "invalid_address"
    WINDOW_UNAVAILABLE = "window_unavailable"  # another window
    NOT_SERVICEABLE = "not_serviceable"  # these three: another carrier
    CAPACITY = "capacity"
    REFUSED = "refused"
    DUPLICATE = "duplicate"  # read back and adopt
    WRONG_STATE = "wrong_state"
    TOO_LATE = "too_late"
    UNAUTHORIZED = "unauthorized"  # once after a fresh token
    ACCOUNT = "account"  # alert the merchant
    AWB_POOL = "awb_pool"


class CarrierError(Exception):
    """Base of all. `exchange` is set by the transport: the id of the scrubbed raw exchange."""

    exchange: str = ""


class Unreachable(CarrierError):
    """Nothing was sent."""


class Throttled(CarrierError):
    """Answered "too fast", nothing was done."""

    def __init__(self, message: str = "", retry_after: dt.timedelta = dt.timedelta(seconds=30)) -> None:
        super().__init__(message or f"too fast, retry after {retry_after.total_seconds():.0f} s")
        self.retry_after = retry_after


class Pending(CarrierError):
    """Accepted; the answer comes later."""


class OutcomeUnknown(CarrierError):
    """Sent, and the answer was lost: find out before asking again."""


class Misread(OutcomeUnknown):
    """Answered, in no documented shape."""


class Refused(CarrierError):
    """The carrier understood and said no, in its own code and text, which are always kept.

    `field` names the part of our order it (or the adapter, before sending) objects to, as a JSON pointer.
    """

    def __init__(self, kind: RefusalKind | None, raw_code: str = "", raw_message: str = "", field: str = "") -> None:
        self.kind = kind or RefusalKind.REFUSED
        self.raw_code = raw_code
        self.raw_message = raw_message
        self.field = field
        super().__init__(f"{self.kind}: {raw_code} {raw_message}".strip())
