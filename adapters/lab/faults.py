"""Faults on demand: what can go wrong, by rule or by magic value, and what each kind means.

Wire faults act on calls, world faults on consignments (remembered at booking); a strike acts on the day. The magic values
work without any rule: `...0C00NN` as a phone's last six digits, `9990NN` with C in place of the 0 as a postal code.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Mapping
from typing import Annotated

import msgspec

from adapters.contract.scans import Reason


class Kind(enum.StrEnum):
    REFUSE = "refuse"
    TIMEOUT_BOOKED = "timeout_booked"
    TIMEOUT_UNBOOKED = "timeout_unbooked"
    DROP_BEFORE_COMMIT = "drop_before_commit"
    DROP_AFTER_COMMIT = "drop_after_commit"
    THROTTLE = "throttle"
    SERVER_ERROR = "server_error"
    SERVER_ERROR_BOOKED = "server_error_booked"
    TRUNCATED = "truncated"
    ERROR_IN_200 = "error_in_200"
    HTML = "html"
    SLOW = "slow"
    SILENT = "silent"
    VISIT_FAILS = "visit_fails"
    VISIT_SUCCEEDS = "visit_succeeds"
    QC_FAILS = "qc_fails"
    SCANS_LATE = "scans_late"
    SCANS_TWICE = "scans_twice"
    SCANS_OUT_OF_ORDER = "scans_out_of_order"
    LOST = "lost"
    PUSHES_LOST = "pushes_lost"
    STRIKE = "strike"


class Ending(enum.Enum):
    """How a call ends on the socket."""

    REPLY = enum.auto()
    SILENCE = enum.auto()  # no reply at all; the connection stays open
    DROP = enum.auto()  # the connection is closed without a reply
    CUT = enum.auto()  # half of the body, then the connection is closed


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A wire fault: is the work done and committed (`works`), and how does the call end?"""

    works: bool
    ending: Ending = Ending.REPLY
    delay_ms: int = 0


WIRE: Mapping[Kind, Wire] = {
    Kind.REFUSE: Wire(works=False),
    Kind.TIMEOUT_BOOKED: Wire(works=True, ending=Ending.SILENCE, delay_ms=120_000),
    Kind.TIMEOUT_UNBOOKED: Wire(works=False, ending=Ending.SILENCE, delay_ms=120_000),
    Kind.DROP_BEFORE_COMMIT: Wire(works=False, ending=Ending.DROP),
    Kind.DROP_AFTER_COMMIT: Wire(works=True, ending=Ending.DROP),
    Kind.THROTTLE: Wire(works=False),
    Kind.SERVER_ERROR: Wire(works=False),
    Kind.SERVER_ERROR_BOOKED: Wire(works=True),
    Kind.TRUNCATED: Wire(works=True, ending=Ending.CUT),
    Kind.ERROR_IN_200: Wire(works=False),
    Kind.HTML: Wire(works=False),
    Kind.SLOW: Wire(works=True, delay_ms=5_000),
}
WORLD = frozenset(Kind) - WIRE.keys() - {Kind.STRIKE}

# A magic refusal is final; every other magic wire fault strikes a reference once, so that asking again can succeed.
EVERY_TIME = frozenset({Kind.REFUSE, Kind.ERROR_IN_200})


Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
AccountKey = Annotated[str, msgspec.Meta(pattern="^lab_")]
AnyAccount = Annotated[str, msgspec.Meta(pattern="^(lab_.*)?$")]  # empty: all of the carrier's


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong. `visits`: the first so many visits fail (all, if not given), the one after them collects.

    `retry_after` is in seconds, and only a throttle has it.
    """

    kind: Kind
    delay_ms: Count | None = None
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    retry_after: Count | None = None
    reason: Reason | None = None
    visits: Count | None = None


class RuleOrder(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"start": "from"}):
    """A rule as it is asked for: where the fault applies, and how often. Without `times` or `probability`: always."""

    carrier: str
    account: AnyAccount = ""
    operation: str = ""
    times: Count | None = None
    probability: Share | None = None
    after: Count = 0
    start: dt.datetime | None = None
    until: dt.datetime | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule in force: how many calls or consignments it has `seen`, and on how many it has `fired`."""

    id: int
    order: RuleOrder
    seen: int = 0
    fired: int = 0


def applies(rule: Rule, carrier: str, account: str, operation: str) -> bool:
    order = rule.order
    return order.carrier == carrier and order.account in ("", account) and order.operation in ("", operation)


def fires(rule: Rule, luck: float) -> bool:
    """Does a rule that applies strike this time?"""
    order = rule.order
    return (
        rule.seen >= order.after
        and (order.times is None or rule.fired < order.times)
        and (order.probability is None or luck < order.probability)
    )


def striking(rule: Rule, carrier: str, account: str, now: dt.datetime) -> bool:
    """Is this rule a strike that goes on at `now`?"""
    order = rule.order
    return (
        order.kind is Kind.STRIKE
        and applies(rule, carrier, account, order.operation)
        and (order.start is None or order.start <= now)
        and (order.until is None or now < order.until)
    )


# --- magic values ---------------------------------------------------------------------------------

# The last two digits of a phone that ends in 0C00NN.
PHONES: Mapping[str, Fault] = {
    "00": Fault(kind=Kind.VISIT_SUCCEEDS),
    "01": Fault(kind=Kind.VISIT_FAILS, reason=Reason.CUSTOMER_UNAVAILABLE, visits=1),
    "02": Fault(kind=Kind.VISIT_FAILS, reason=Reason.CUSTOMER_UNREACHABLE, visits=1),
    "03": Fault(kind=Kind.VISIT_FAILS, reason=Reason.CUSTOMER_RESCHEDULED, visits=1),
    "04": Fault(kind=Kind.VISIT_FAILS, reason=Reason.ADDRESS_INCOMPLETE, visits=1),
    "05": Fault(kind=Kind.VISIT_FAILS, reason=Reason.ITEM_NOT_READY, visits=1),
    "06": Fault(kind=Kind.VISIT_FAILS, reason=Reason.CUSTOMER_DECLINED),
    "07": Fault(kind=Kind.VISIT_FAILS, reason=Reason.NOT_ATTEMPTED),
    "08": Fault(kind=Kind.VISIT_FAILS, reason=Reason.CUSTOMER_UNAVAILABLE),
    "09": Fault(kind=Kind.QC_FAILS),
    "10": Fault(kind=Kind.SILENT),
    "11": Fault(kind=Kind.SCANS_LATE),
    "12": Fault(kind=Kind.SCANS_TWICE),
    "13": Fault(kind=Kind.SCANS_OUT_OF_ORDER),
    "14": Fault(kind=Kind.LOST),
    "20": Fault(kind=Kind.REFUSE),
    "21": Fault(kind=Kind.TIMEOUT_BOOKED),
    "22": Fault(kind=Kind.TIMEOUT_UNBOOKED),
    "23": Fault(kind=Kind.DROP_BEFORE_COMMIT),
    "24": Fault(kind=Kind.DROP_AFTER_COMMIT),
    "25": Fault(kind=Kind.THROTTLE),
    "26": Fault(kind=Kind.SERVER_ERROR),
    "27": Fault(kind=Kind.SERVER_ERROR_BOOKED),
    "28": Fault(kind=Kind.TRUNCATED),
    "29": Fault(kind=Kind.ERROR_IN_200),
    "30": Fault(kind=Kind.HTML),
    "31": Fault(kind=Kind.SLOW),
}

# The last two digits of a postal code 999CNN, on every call that names it and books nothing.
POSTAL_CODES: Mapping[str, Fault] = {
    "01": Fault(kind=Kind.SLOW),
    "02": Fault(kind=Kind.TIMEOUT_UNBOOKED),
    "03": Fault(kind=Kind.DROP_BEFORE_COMMIT),
    "04": Fault(kind=Kind.THROTTLE),
    "05": Fault(kind=Kind.SERVER_ERROR),
    "06": Fault(kind=Kind.TRUNCATED),
    "07": Fault(kind=Kind.HTML),
    "08": Fault(kind=Kind.ERROR_IN_200),
}
NOT_SERVED = "09"

_PHONE = re.compile(r"0(\d)00(\d\d)\Z")
_POSTAL_CODE = re.compile(r"(?<!\d)999(\d)(\d\d)(?!\d)")


def of_phone(phone: str, number: int) -> Fault | None:
    """The fault a phone asks for at the carrier with this number (0 in the phone means every carrier)."""
    found = _PHONE.search(re.sub(r"\D", "", phone))
    return PHONES.get(found[2]) if found and found[1] in ("0", str(number)) else None


def of_postal_code(text: str, number: int) -> Fault | None:
    """The wire fault asked for by a postal code anywhere in a call's path, query or body."""
    found = _POSTAL_CODE.search(text)
    return POSTAL_CODES.get(found[2]) if found and found[1] in ("0", str(number)) else None


def not_served(postal_code: str, number: int) -> bool:
    found = _POSTAL_CODE.fullmatch(postal_code)
    return found is not None and found[2] == NOT_SERVED and found[1] in ("0", str(number))
