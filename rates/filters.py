"""What keeps a carrier's service from being an offer, each with its cause: the one list the API, the decision and the screens show.

Filters are pure and come first; an open circuit means "not available", never a chance of 0. They run twice: on what is
known before anybody is asked (`before_asking`), and on what came back (`after_asking`). The first cause in the order of the
table is the one recorded.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Collection, Mapping

import msgspec

from adapters.contract.orders import Parcel
from adapters.contract.units import Length, Money, Weight
from rates.currency import NoRate
from rates.policy import Cap, Policy


class Cause(enum.StrEnum):
    """Why a carrier's service was left out."""

    ACCOUNT_DISABLED = "account_disabled"
    DENIED_BY_MERCHANT = "denied_by_merchant"
    NOT_ALLOWED = "not_allowed"
    NOT_PINNED = "not_pinned"
    SERVICE_BARRED = "service_barred"
    DAILY_CAP = "daily_cap"
    CIRCUIT_OPEN = "circuit_open"
    WEIGHT_OVER_LIMIT = "weight_over_limit"
    SIZE_OVER_LIMIT = "size_over_limit"
    TOO_MANY_PIECES = "too_many_pieces"
    QUALITY_CHECK_UNSUPPORTED = "quality_check_unsupported"
    PAYMENT_MODE = "payment_mode"
    NOT_SERVICEABLE = "not_serviceable"
    WINDOW_IMPOSSIBLE = "window_impossible"
    QUOTE_FAILED = "quote_failed"
    QUOTE_TIMED_OUT = "quote_timed_out"
    CARD_MISSING = "card_missing"
    NO_PRICE = "no_price"
    NO_RATE = "no_rate"
    PRICE_CAP = "price_cap"
    PROMISE_TOO_LATE = "promise_too_late"


class Barred(msgspec.Struct, frozen=True, kw_only=True):
    """A service that was left out. `detail` says it for this pickup, in words."""

    account: str
    carrier: str
    service: str
    cause: Cause
    detail: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a pickup asks of a service. `pinned` as the names in a policy; `collect_by` is the last day that will do."""

    parcels: tuple[Parcel, ...]
    quality_checks: int = 0
    payer: str = "merchant"
    pinned: str = ""
    price_cap: Money | None = None
    collect_by: dt.date | None = None


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one account's service before it is asked. A None limit is no limit.

    `barred_by` says who or what barred the service here, and until when; `circuit_open` likewise. `booked_today` counts pickups by
    the names of the policy's caps.
    """

    account: str
    carrier: str
    service: str
    moved_by: str = ""
    enabled: bool = True
    barred_by: str = ""
    circuit_open: str = ""
    booked_today: Mapping[str, int] = {}
    heaviest: Weight | None = None
    longest_side: Length | None = None
    pieces: int = 1
    quality_checks: int = 0
    payers: frozenset[str] = frozenset({"merchant"})


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for a service: where it failed, the text says how; "" and None are good news.

    `price` is as quoted, `converted` in the merchant's currency.
    """

    not_serviceable: str = ""
    window_impossible: str = ""
    quote_failed: str = ""
    quote_timed_out: str = ""
    card_missing: str = ""
    no_price: str = ""
    price: Money | None = None
    converted: Money | NoRate | None = None
    collects_on: dt.date | None = None


def names(account: str, carrier: str, service: str, moved_by: str = "") -> frozenset[str]:
    """Every name by which a merchant's lists may mean a service."""
    mover = moved_by or carrier
    return frozenset({account, carrier, f"{carrier}/{service}", mover, f"{mover}/{service}"})


def caps_of(policy: Policy, called: Collection[str]) -> list[Cap]:
    """The policy's caps for a service that goes by these names."""
    return [cap for cap in policy.caps if cap.carrier in called]


def cap_of(policy: Policy, asked: Money | None, called: Collection[str]) -> Money | None:
    """What a pickup may cost at most with a service that goes by these names; `asked` is the merchant's word for this pickup."""
    caps = [policy.price_cap, asked, *(cap.price for cap in caps_of(policy, called))]
    return min((cap for cap in caps if cap is not None), default=None)


def before_asking(means: Means, asked: Asked, policy: Policy) -> Barred | None:
    """The first cause that needs no answer of the carrier, or None: ask it."""
    for cause, find in _BEFORE:
        detail = find(means, asked, policy)
        if detail is not None:
            return _barred(means, cause, detail)
    return None


def after_asking(means: Means, heard: Heard, asked: Asked, policy: Policy) -> Barred | None:
    """The first cause in what came back, or None: it is an offer."""
    for cause, find in _AFTER:
        detail = find(means, heard, asked, policy)
        if detail is not None:
            return _barred(means, cause, detail)
    return None


def _barred(means: Means, cause: Cause, detail: str) -> Barred:
    return Barred(account=means.account, carrier=means.carrier, service=means.service, cause=cause, detail=detail)


# --- before: each answers with the detail, or None ------------------------------------------------


def _disabled(means: Means, asked: Asked, policy: Policy) -> str | None:
    return None if means.enabled else "the carrier account is switched off"


def _denied(means: Means, asked: Asked, policy: Policy) -> str | None:
    found = _names(means).intersection(policy.deny)
    return f"the policy denies {min(found)}" if found else None


def _not_allowed(means: Means, asked: Asked, policy: Policy) -> str | None:
    allowed = not policy.allow or not _names(means).isdisjoint(policy.allow)
    return None if allowed else f"the policy allows only {', '.join(policy.allow)}"


def _not_pinned(means: Means, asked: Asked, policy: Policy) -> str | None:
    return None if not asked.pinned or asked.pinned in _names(means) else f"the pickup is pinned to {asked.pinned}"


def _service_barred(means: Means, asked: Asked, policy: Policy) -> str | None:
    return means.barred_by or None


def _daily_cap(means: Means, asked: Asked, policy: Policy) -> str | None:
    for cap in caps_of(policy, _names(means)):
        booked = means.booked_today.get(cap.carrier, 0)
        if cap.pickups_a_day is not None and booked >= cap.pickups_a_day:
            return f"{cap.carrier} has {booked} pickups today, the cap is {cap.pickups_a_day}"
    return None


def _circuit(means: Means, asked: Asked, policy: Policy) -> str | None:
    return means.circuit_open or None


def _weight(means: Means, asked: Asked, policy: Policy) -> str | None:
    heaviest = max(parcel.dead_weight for parcel in asked.parcels)
    if means.heaviest is None or heaviest <= means.heaviest:
        return None
    return f"{heaviest.grams} g, the limit is {means.heaviest.grams} g"


def _size(means: Means, asked: Asked, policy: Policy) -> str | None:
    longest = max(side for parcel in asked.parcels for side in (parcel.length, parcel.width, parcel.height))
    if means.longest_side is None or longest <= means.longest_side:
        return None
    return f"{longest.millimetres} mm, the limit is {means.longest_side.millimetres} mm"


def _pieces(means: Means, asked: Asked, policy: Policy) -> str | None:
    parcels = len(asked.parcels)
    return None if parcels <= means.pieces else f"{parcels} parcels, the service takes {means.pieces}"


def _quality_checks(means: Means, asked: Asked, policy: Policy) -> str | None:
    if asked.quality_checks <= means.quality_checks:
        return None
    return f"{asked.quality_checks} questions, the rider asks {means.quality_checks}"


def _payment(means: Means, asked: Asked, policy: Policy) -> str | None:
    return None if asked.payer in means.payers else f"{asked.payer} cannot pay here"


_BEFORE: tuple[tuple[Cause, Callable[[Means, Asked, Policy], str | None]], ...] = (
    (Cause.ACCOUNT_DISABLED, _disabled),
    (Cause.DENIED_BY_MERCHANT, _denied),
    (Cause.NOT_ALLOWED, _not_allowed),
    (Cause.NOT_PINNED, _not_pinned),
    (Cause.SERVICE_BARRED, _service_barred),
    (Cause.DAILY_CAP, _daily_cap),
    (Cause.CIRCUIT_OPEN, _circuit),
    (Cause.WEIGHT_OVER_LIMIT, _weight),
    (Cause.SIZE_OVER_LIMIT, _size),
    (Cause.TOO_MANY_PIECES, _pieces),
    (Cause.QUALITY_CHECK_UNSUPPORTED, _quality_checks),
    (Cause.PAYMENT_MODE, _payment),
)


def _names(means: Means) -> frozenset[str]:
    return names(means.account, means.carrier, means.service, means.moved_by)


# --- after ----------------------------------------------------------------------------------------


def _priceless(means: Means, heard: Heard, asked: Asked, policy: Policy) -> str | None:
    if heard.no_price or heard.price is None:
        return heard.no_price or "no price came"
    return None if heard.price.minor > 0 else "a price of 0 is no quote"


def _no_rate(means: Means, heard: Heard, asked: Asked, policy: Policy) -> str | None:
    return str(heard.converted) if isinstance(heard.converted, NoRate) else None


def _over_cap(means: Means, heard: Heard, asked: Asked, policy: Policy) -> str | None:
    cap = cap_of(policy, asked.price_cap, _names(means))
    if cap is None or not isinstance(heard.converted, Money):
        return None
    return None if heard.converted <= cap else f"{heard.converted}, the cap is {cap}"


def _too_late(means: Means, heard: Heard, asked: Asked, policy: Policy) -> str | None:
    if asked.collect_by is None or heard.collects_on is None or heard.collects_on <= asked.collect_by:
        return None
    return f"collects on {heard.collects_on}, wanted by {asked.collect_by}"


_AFTER: tuple[tuple[Cause, Callable[[Means, Heard, Asked, Policy], str | None]], ...] = (
    (Cause.NOT_SERVICEABLE, lambda means, heard, asked, policy: heard.not_serviceable or None),
    (Cause.WINDOW_IMPOSSIBLE, lambda means, heard, asked, policy: heard.window_impossible or None),
    (Cause.QUOTE_FAILED, lambda means, heard, asked, policy: heard.quote_failed or None),
    (Cause.QUOTE_TIMED_OUT, lambda means, heard, asked, policy: heard.quote_timed_out or None),
    (Cause.CARD_MISSING, lambda means, heard, asked, policy: heard.card_missing or None),
    (Cause.NO_PRICE, _priceless),
    (Cause.NO_RATE, _no_rate),
    (Cause.PRICE_CAP, _over_cap),
    (Cause.PROMISE_TOO_LATE, _too_late),
)
