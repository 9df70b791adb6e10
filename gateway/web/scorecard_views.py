"""What the API takes and answers about scorecards, and about another policy on the same decisions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from adapters.contract.units import Money
from gateway.services.scorecards import Line, Sheet
from gateway.web.addresses import Amount, Shape
from gateway.web.bodies import Fault, Parts
from gateway.web.setup_shapes import PolicyRequest
from gateway.web.views import View, amount, pick
from rates import scorecards as cards
from rates import statistics, whatif

LONGEST = 400  # days


class ShareView(View, frozen=True, kw_only=True):
    """`value` of `n`, with its 95 % range (Wilson).

    `footing`: hidden below 10 (no value), grey below 30, shown, and ranked from 100 on.
    """

    n: int
    value: float | None
    low: float | None
    high: float | None
    footing: str


class RangeView(View, frozen=True, kw_only=True):
    """A value and its 95 % range."""

    value: float
    low: float
    high: float


class CostView(View, frozen=True, kw_only=True):
    """Per collected pickup, with the 95 % range; `n` were collected. Nothing below ten."""

    n: int
    value: Amount | None
    low: Amount | None
    high: Amount | None
    footing: str


class HoursView(View, frozen=True, kw_only=True):
    """Hours from booking to collection, within which so many of all booked pickups are collected (Kaplan-Meier).

    The `waiting` count for as long as they have waited; those that were given up are never collected. Null: not so many are, yet.
    """

    n: int
    waiting: int
    p50: float | None
    p75: float | None
    p90: float | None
    p95: float | None
    footing: str


class FaultsView(View, frozen=True, kw_only=True):
    """Failed visits by whose doing they were. `excused` ones, nobody's or confirmed by you, are in no rate."""

    customer: int
    carrier: int
    merchant: int
    nobody: int
    unknown: int
    excused: int


class FunnelView(View, frozen=True, kw_only=True):
    """First visits collected over those that the same lanes collect with all carriers: 1 is as expected.

    Within the limits chance alone explains it; `flag` says where it lies.
    """

    ratio: float
    expected: float
    low_95: float
    high_95: float
    low_998: float
    high_998: float
    flag: str


class TenthView(View, frozen=True, kw_only=True):
    """A tenth of the visits by rising forecast: what was forecast, and what came."""

    n: int
    forecast: float
    observed: float
    low: float
    high: float


class CalibrationView(View, frozen=True, kw_only=True):
    """How true our own forecasts of first visits were. `gap` is forecast less observed; `alarm`: over 3 points on 500 visits.

    `brier` is the mean squared error, `brier_of_mean` what always saying the mean would score.
    """

    n: int
    brier: float
    brier_of_mean: float
    gap: float
    alarm: bool
    tenths: list[TenthView]


class CardView(View, frozen=True, kw_only=True):
    """What bookings came to.

    `cost` is what the carrier is owed, `all_in` that with failed visits and waiting at your policy's prices, `forecast_cost` what
    the choices expected of `all_in`.
    """

    bookings: int
    collected: int
    given_up: int
    visits: int
    lost_or_damaged: int
    first_visit: ShareView
    within_three_visits: ShareView
    on_time: ShareView
    not_attempted: ShareView
    carrier_fault: ShareView
    customer_fault: ShareView
    quality_check_failed: ShareView
    faults: FaultsView
    hours: HoursView
    cost: CostView
    all_in: CostView
    forecast_cost: Amount | None


class ServiceCard(View, frozen=True, kw_only=True):
    """One carrier's service. `first_visit_adjusted` is what it would collect of all your pickups, zone by zone: compare by that.

    `rank` is shared by those that cannot be told apart; null where fewer than 100 first visits are known.
    """

    carrier: str
    moved_by: str
    service: str
    share_of_bookings: float
    rank: int | None
    first_visit_adjusted: RangeView | None
    observed_over_expected: FunnelView | None
    card: CardView
    calibration: CalibrationView | None


class Scorecard(View, frozen=True, kw_only=True):
    """Your carriers beside each other, by bookings of these days; both are included."""

    since: dt.date
    until: dt.date
    currency: str
    data: list[ServiceCard]
    together: CardView
    calibration: CalibrationView | None


def scorecard(found: Sheet, since: dt.date, until: dt.date, currency: str) -> Scorecard:
    whole = found.together.sums.bookings
    return Scorecard(
        since=since,
        until=until,
        currency=currency,
        data=[_service(line, whole, currency) for line in found.lines],
        together=_card(found.together, currency),
        calibration=_calibration(found.together.calibration),
    )


def _service(line: Line, whole: int, currency: str) -> ServiceCard:
    fair = line.adjusted
    return pick(
        ServiceCard,
        line.whom,
        share_of_bookings=round(line.card.sums.bookings / whole, 4) if whole else 0.0,
        rank=line.rank,
        first_visit_adjusted=RangeView(value=round(fair.value, 4), low=round(fair.low, 4), high=round(fair.high, 4))
        if fair
        else None,
        observed_over_expected=_funnel(line.funnel) if line.funnel else None,
        card=_card(line.card, currency),
        calibration=_calibration(line.card.calibration),
    )


def _card(card: cards.Card, currency: str) -> CardView:
    sums = card.sums
    return CardView(
        bookings=sums.bookings,
        collected=sums.collected,
        given_up=sums.over,
        visits=sums.visits,
        lost_or_damaged=sums.lost,
        first_visit=_share(card.first_visit),
        within_three_visits=_share(card.within_three),
        on_time=_share(card.on_time),
        not_attempted=_share(card.not_attempted),
        carrier_fault=_share(card.carrier_fault),
        customer_fault=_share(card.customer_fault),
        quality_check_failed=_share(card.quality_failed),
        faults=_faults(sums),
        hours=pick(HoursView, card.times, footing=str(card.times.footing)),
        cost=_cost(card.cost, currency),
        all_in=_cost(card.all_in, currency),
        forecast_cost=_money(card.forecast_cost, currency),
    )


def _faults(sums: cards.Sums) -> FaultsView:
    return FaultsView(
        customer=sums.by_customer,
        carrier=sums.by_carrier,
        merchant=sums.by_merchant,
        nobody=sums.by_nobody,
        unknown=sums.by_unknown,
        excused=sums.excused,
    )


def _share(share: cards.Share) -> ShareView:
    return ShareView(
        n=share.n, value=_short(share.value), low=_short(share.low), high=_short(share.high), footing=str(share.footing)
    )


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _cost(cost: cards.Cost, currency: str) -> CostView:
    value, low, high = (_money(one, currency) for one in (cost.value, cost.low, cost.high))
    return CostView(n=cost.n, value=value, low=low, high=high, footing=str(cost.footing))


def _money(minor: float | None, currency: str) -> Amount | None:
    return None if minor is None else amount(Money(round(minor), currency))


def _funnel(found: statistics.Funnel) -> FunnelView:
    return FunnelView(
        ratio=round(found.ratio, 4),
        expected=round(found.expected, 2),
        low_95=round(found.limits_95[0], 4),
        high_95=round(found.limits_95[1], 4),
        low_998=round(found.limits_998[0], 4),
        high_998=round(found.limits_998[1], 4),
        flag=str(found.flag),
    )


def _calibration(found: statistics.Calibration | None) -> CalibrationView | None:
    if found is None or cards.share(0, found.n).value is None:
        return None
    return CalibrationView(
        n=found.n,
        brier=round(found.brier, 5),
        brier_of_mean=round(found.brier_of_mean, 5),
        gap=round(found.gap, 5),
        alarm=found.alarm,
        tenths=[
            TenthView(n=one.n, **{name: round(getattr(one, name), 4) for name in ("forecast", "observed", "low", "high")})
            for one in found.bins
        ],
    )


# --- another policy --------------------------------------------------------------------------------


class WhatIfRequest(Shape, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """A policy, as it would be set, and the days whose bookings it is tried on; both are included."""

    policy: PolicyRequest
    since: Annotated[dt.date, Meta(description="The first day.", examples=["2026-09-01"])]
    until: Annotated[dt.date, Meta(description="The last day.", examples=["2026-11-29"])]

    @staticmethod
    def check(parts: Parts, about: Any) -> Iterator[Fault]:
        since, until = parts.get("since"), parts.get("until")
        if since and until and not since <= until <= since + dt.timedelta(days=LONGEST):
            yield Fault("/to", "out_of_range", f"must be from {since} on and within {LONGEST} days of it")


class FigureView(View, frozen=True, kw_only=True):
    """An amount and its 95 % range."""

    value: Amount
    low: Amount
    high: Amount


class ChangeView(View, frozen=True, kw_only=True):
    """A decision that would have come out otherwise; "" is a person."""

    decision: str
    chosen: str
    instead: str


class WhatIfView(View, frozen=True, kw_only=True):
    """What another policy would have made of the same decisions; no carrier was asked.

    `judged` are the decisions whose outcome is known, and all figures are of those. `method`: observed (it chooses the same), model
    (what differs is forecast), doubly_robust (the forecast is corrected by choices that were drawn by dice; `explored` had more
    than one way to go, `explored_collected` is what they say without any model). `model_gap`: how many more pickups the model
    forecast for what was done than were collected. `cannot_know` says in words what the figures leave open.
    """

    since: dt.date
    until: dt.date
    decisions: int
    judged: int
    waiting: int
    changed: int
    changed_share: float
    handed_over: int
    unpriced: int
    explored: int
    effective: float
    method: str
    paid: Amount
    collected: int
    other_paid: FigureView | None
    other_collected: RangeView | None
    explored_collected: RangeView | None
    model_gap: float | None
    changes: list[ChangeView]
    cannot_know: list[str]


def what_if(found: whatif.WhatIf, since: dt.date, until: dt.date) -> WhatIfView:
    return pick(
        WhatIfView,
        found,
        since=since,
        until=until,
        changed_share=round(found.changed / found.decisions, 4) if found.decisions else 0.0,
        effective=round(found.effective, 1),
        method=str(found.method),
        paid=amount(Money(round(found.paid), found.currency)),
        other_paid=_figure(found.other_paid, found.currency),
        other_collected=_range(found.other_collected),
        explored_collected=_range(found.explored_alone),
        model_gap=None if found.model_gap is None else round(found.model_gap, 1),
        changes=[pick(ChangeView, one) for one in found.changes],
        cannot_know=list(found.cannot_know),
    )


def _figure(found: whatif.Figure | None, currency: str) -> FigureView | None:
    if found is None:
        return None
    value, low, high = (amount(Money(round(one), currency)) for one in (found.value, found.low, found.high))
    return FigureView(value=value, low=low, high=high)


def _range(found: whatif.Figure | None) -> RangeView | None:
    return RangeView(value=round(found.value, 1), low=round(found.low, 1), high=round(found.high, 1)) if found else None
