"""Scorecards: carriers beside each other, and another policy tried on what was decided. No carrier is asked."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.services import scorecards, whatif
from gateway.store.scores_reading import By, Wanted
from gateway.web import paging
from gateway.web.access import Call, answered, scope
from gateway.web.bodies import JsonBody
from gateway.web.contract import WITH_BODY, refusals
from gateway.web.problems import ErrorItem, ProblemError
from gateway.web.scorecard_views import LONGEST, Scorecard, WhatIfRequest, WhatIfView, scorecard, what_if
from gateway.web.setup_shapes import to_policy
from gateway.web.surroundings import start_of_policy

_READ = scope("analytics:read")
_DAY = dt.timedelta(days=1)
_USUAL = dt.timedelta(days=89)

Some = Annotated[str | None, QueryParameter(max_length=400, description="Comma-separated.")]


class ChosenBy(enum.StrEnum):
    """How a booking's carrier was chosen."""

    RULE = "rule"
    PINNED = "pinned"
    PREFERRED = "preferred"
    EXPLORED = "explored"


class Scorecards(Controller):
    path = "/scorecards"
    tags = ["Analytics"]

    @get("/", operation_id="getScorecards", summary="Compare carriers by what they did", opt=_READ, responses=refusals(),
         sync_to_thread=True)  # fmt: skip
    def sheet(
        self,
        call: NamedDependency[Call],
        since: Annotated[dt.date | None, QueryParameter(name="from", description="First day; left out: 90 days ago.")] = None,
        until: Annotated[dt.date | None, QueryParameter(name="to", description="Last day; left out: today.")] = None,
        by: Annotated[
            str,
            QueryParameter(
                max_length=12, description="Which day of a booking must lie within these.", schema_extra={"enum": [*map(str, By)]}
            ),
        ] = str(By.BOOKED),
        carrier: Annotated[str | None, QueryParameter(max_length=400, description="Comma-separated; also who moves it.")] = None,
        service: Some = None,
        account: Some = None,
        zone: Annotated[str | None, QueryParameter(max_length=400, description="Comma-separated, such as IN-560,CA-M5V.")] = None,
        postal_code: Annotated[str | None, QueryParameter(max_length=200, description="How it begins; comma-separated.")] = None,
        destination: Annotated[str | None, QueryParameter(max_length=200, description="The warehouse's postal code.")] = None,
        weekday: Annotated[
            str | None,
            QueryParameter(
                max_length=14, description="Of booking; 1 is Monday, comma-separated.", schema_extra=paging.listed("1234567")
            ),
        ] = None,
        window: Annotated[
            str | None, QueryParameter(max_length=200, description="Agreed on at booking, such as 10:00-18:00; comma-separated.")
        ] = None,
        least_g: Annotated[int | None, QueryParameter(name="weight_g[gte]", ge=0, description="Weighs so much at least.")] = None,
        most_g: Annotated[int | None, QueryParameter(name="weight_g[lte]", ge=0, description="Weighs so much at most.")] = None,
        quality_check: Annotated[bool | None, QueryParameter(description="With questions at the door, or without.")] = None,
        return_reason: Some = None,
        chosen_by: Annotated[
            str | None,
            QueryParameter(max_length=60, description="rule, pinned, preferred, explored.", schema_extra=paging.listed(ChosenBy)),
        ] = None,
    ) -> Response[Scorecard]:
        """One row per carrier's service, the most used first. No rate is told of fewer than ten visits. Bookings count on the day
        they were booked, or on another of their days: those still waiting are in `hours`, not yet in the rates. The period before
        is another call: `from` and `to` as many days earlier.
        """
        first, last = _days(call, since, until)
        wanted = Wanted(
            since=first,
            until=last + (_DAY if until else 2 * _DAY),  # days are those at the door, where tomorrow may have begun
            by=_by(by),
            carriers=_some(carrier),
            services=_some(service),
            accounts=_some(account),
            zones=_some(zone),
            postal_codes=_some(postal_code),
            destinations=_some(destination),
            weekdays=_weekdays(weekday),
            windows=_some(window),
            least_g=least_g,
            most_g=most_g,
            quality_check=quality_check,
            return_reasons=_some(return_reason),
            chosen_by=tuple(map(str, paging.one_of("chosen_by", chosen_by, ChosenBy))),
        )
        found = call.read(lambda tx: scorecards.sheet(tx, call.owner, wanted, call.now))
        return answered(scorecard(found, first, last, call.merchant.currency))

    @post("/what-if", operation_id="tryPolicy", summary="Try another policy on what was decided", status_code=200, opt=_READ,
          responses=refusals(*WITH_BODY), sync_to_thread=True)  # fmt: skip
    def try_policy(self, call: NamedDependency[Call], data: JsonBody[WhatIfRequest]) -> Response[WhatIfView]:
        """Every decision of these days that led to a booking is made again from its own offers; nothing is stored, nobody asked. Of
        more than 5,000 every so-manieth is judged, and that is said; `gateway what-if` judges all.
        """
        start = start_of_policy(call)
        request = data.read(WhatIfRequest, start)
        since, until = _midnight(request.since), _midnight(request.until + _DAY)
        policy = to_policy(request.policy, start)
        found = call.read(lambda tx: whatif.run(tx, call.owner, policy, since, until))
        return answered(what_if(found, request.since, request.until))


def _days(call: Call, since: dt.date | None, until: dt.date | None) -> tuple[dt.date, dt.date]:
    """Raises ProblemError."""
    last = until or max(call.now.date(), since or call.now.date())
    first = since or last - _USUAL
    if not first <= last <= first + LONGEST * _DAY:
        words = f"must be from {first} on and within {LONGEST} days of it"
        raise ProblemError("invalid_parameter", errors=[ErrorItem(parameter="to", code="out_of_range", detail=words)])
    return first, last


def _by(name: str) -> By:
    """Raises ProblemError."""
    if name not in list(By):
        raise paging.refused("by", "not_one_of", f"{name}: there are {', '.join(By)}")
    return By(name)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _some(text: str | None) -> tuple[str, ...]:
    return tuple(name for name in (text or "").split(",") if name)


def _weekdays(text: str | None) -> tuple[int, ...]:
    names: Any = _some(text)
    if any(name not in "1234567" or len(name) != 1 for name in names):
        words = "numbers from 1 (Monday) to 7, comma-separated"
        raise ProblemError("invalid_parameter", errors=[ErrorItem(parameter="weekday", code="invalid_format", detail=words)])
    return tuple(int(name) for name in names)
