"""Laws of time: whatever the instant, the zone, its changes of clocks, its holidays: nobody is sent in the past or on a free day.

A day that we choose is never the day of choosing, so that no carrier's cut-off is missed; a day or window that is wished for is
kept as long as it is to come.
"""

from __future__ import annotations

import calendar
import datetime as dt
import functools
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import holidays
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.aramex.hours import hours
from adapters.contract.carrier import Access, Act, Booking, Instruction, Standing
from adapters.contract.orders import PickupOrder
from adapters.contract.places import Party, Window
from adapters.contract.scans import Milestone, Scan
from adapters.delhivery.act import act_from
from adapters.easypost.pickup import window as easypost_window
from adapters.ekart.act import FARTHEST, build_reattempt
from gateway.carriers import registry
from gateway.life.pickup import PickupState
from gateway.services import promising
from gateway.store import ledger
from gateway.store.cases import Case
from gateway.store.ledger import People, Pickup, Wanted
from gateway.store.merchants import Merchant
from gateway.values import Mode
from gateway.web.bodies import Fault
from gateway.web.shapes import WindowRequest, to_window, window_faults
from tests.fleet.test_fleet import booking

# Where clocks change by an hour, by half of one, on other days than elsewhere, or never; and the countries' own free days.
ZONES = {
    "America/New_York": "US",
    "Asia/Kolkata": "IN",
    "Australia/Lord_Howe": "AU",
    "Europe/London": "GB",
    "Asia/Dubai": "AE",
    "Africa/Cairo": "EG",
    "Asia/Riyadh": "SA",
}
RESTS_ON_FRIDAY = {"EG", "SA"}
FIRST, LAST = dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.datetime(2028, 1, 1, tzinfo=dt.UTC)
untimed = settings(deadline=None)  # calendars are worked out when first asked for
CHANGES = (dt.timedelta(minutes=30), dt.timedelta(hours=1))
SECONDS = st.integers(1, 60).map(lambda seconds: dt.timedelta(seconds=seconds))


@functools.cache
def changes(zone: str) -> list[dt.datetime]:
    """When clocks change there, to the hour; where they never do, the first instant."""
    at = [FIRST + dt.timedelta(hours=n) for n in range(int((LAST - FIRST) / dt.timedelta(hours=1)))]
    offsets = [one.astimezone(ZoneInfo(zone)).utcoffset() for one in at]
    return [now for now, before, after in zip(at[1:], offsets, offsets[1:], strict=False) if before != after] or [FIRST]


@st.composite
def instants(draw: st.DrawFn, zone: str) -> dt.datetime:
    """Any, every other one near a change of clocks or midnight of the last day before it."""
    if draw(st.booleans()):
        return draw(st.sampled_from(changes(zone))) + draw(st.timedeltas(dt.timedelta(hours=-30), dt.timedelta(hours=30)))
    return draw(st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(dt.UTC)))


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, dt.datetime]:
    """A zone and an instant."""
    zone = draw(st.sampled_from(sorted(ZONES)))
    return zone, draw(instants(zone))


@st.composite
def wishes(draw: st.DrawFn) -> tuple[str, dt.datetime, WindowRequest]:
    """A zone, an instant, and a window wished for then: near it, every other one in the night in which clocks change."""
    zone, now = draw(moments())
    day = now.astimezone(ZoneInfo(zone)).date() + dt.timedelta(days=draw(st.integers(-2, 9)))
    minutes = draw(st.lists(st.integers(0, 1439), min_size=2, max_size=2, unique=True))
    if draw(st.booleans()):
        change = draw(st.sampled_from(changes(zone)))
        now, day = change - draw(st.timedeltas(dt.timedelta(hours=-2), dt.timedelta(days=9))), shown(change, zone).date()
        minutes = draw(st.lists(st.integers(0, 240), min_size=2, max_size=2, unique=True))
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in sorted(minutes))
    return zone, now, WindowRequest(date=day, start=start, end=end)


def door(zone: str) -> Party:
    return Party(name="A", phone="9820000000", line1="1 Lane", city="C", postal_code="560001", country=ZONES[zone], timezone=zone)


def order(zone: str, window: Window | None = None) -> PickupOrder:
    return PickupOrder(
        carrier_reference="GW1", shipper=door(zone), consignee=door(zone), parcels=(), items=(), service="", window=window
    )


def case(zone: str, now: dt.datetime) -> Case:
    """A pickup at a door of that zone."""
    wanted = Wanted(parcels=(), items=())
    return Case(
        merchant=Merchant(id="mer_1", name="Kestrel", currency="INR", country="IN", created_at=now),
        pickup=Pickup(
            id="pck_1",
            merchant_id="mer_1",
            mode=Mode.LIVE,
            reference="RMA-1",
            state=PickupState.BOOKED,
            body=wanted,
            lane="",
            business_created_at=now,
            created_at=now,
            updated_at=now,
        ),
        people=People(shipper=door(zone), consignee=door(zone)),
        bookings=[],
        scans={},
        visits=[],
        instructions=[],
        exceptions=[],
        labelled=frozenset(),
    )


def booked_at(carrier: str) -> ledger.Booking:
    return replace(booking(1, 1, "A1"), carrier=carrier)


def free(day: dt.date, zone: str, carrier: str) -> bool:
    """Whether nobody collects there on that day: looked up by other means than the gateway's."""
    rest = calendar.FRIDAY if ZONES[zone] in RESTS_ON_FRIDAY else calendar.SUNDAY
    weekend = carrier == "easypost" and day.weekday() == calendar.SATURDAY
    return day.weekday() == rest or weekend or day in holidays.country_holidays(ZONES[zone])


def shown(at: dt.datetime, zone: str) -> dt.datetime:
    """What clocks there show."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def own_windows(zone: str, now: dt.datetime) -> Iterator[tuple[str, dt.datetime, dt.datetime]]:
    """What the adapters choose where nothing is wished for: (carrier, opens, closes)."""
    yield "easypost", *easypost_window(order(zone), now)
    if ZONES[zone] in registry.carrier("aramex").countries:
        found = hours(order(zone), now)
        yield "aramex", found.ready.replace(tzinfo=ZoneInfo(zone)), found.last.replace(tzinfo=ZoneInfo(zone))


# --- what we choose ------------------------------------------------------------------------------------


@untimed
@given(moments())
def test_a_window_that_a_carrier_is_given_by_us_is_on_a_later_working_day_in_hours_of_business(moment):
    zone, now = moment
    for carrier, opens, closes in own_windows(zone, now):
        day, today = opens.astimezone(ZoneInfo(zone)).date(), now.astimezone(ZoneInfo(zone)).date()
        assert now < opens < closes
        assert day > today
        assert not free(day, zone, carrier)
        assert 9 <= opens.astimezone(ZoneInfo(zone)).hour < closes.astimezone(ZoneInfo(zone)).hour <= 17


@untimed
@given(moments(), st.sampled_from(registry.codes()), st.integers(0, 3))
def test_a_reattempt_is_asked_for_on_a_later_day_on_which_the_carrier_collects(moment, carrier, wait_days):
    zone, now = moment
    day = promising.next_day(case(zone, now), booked_at(carrier), now, wait_days)
    assert day > now.astimezone(ZoneInfo(zone)).date() + dt.timedelta(days=wait_days)
    assert not free(day, zone, carrier)


@untimed
@given(instants("Asia/Kolkata"), st.integers(0, 3))
def test_ekart_takes_the_day_that_is_asked_for(now, wait_days):
    day = promising.next_day(case("Asia/Kolkata", now), booked_at("ekart"), now, wait_days)
    assume(day - now.astimezone(ZoneInfo("Asia/Kolkata")).date() <= FARTHEST)
    build_reattempt(
        Instruction(booking=Booking(awb="A1", carrier_reference="GW1"), date=day),
        Access(base_url="https://ekart.test", secrets={}, settings={}, now=now, token="t"),
        {},
    )


@untimed
@given(instants("Asia/Kolkata"))
def test_delhivery_is_told_in_the_evening_when_dispatches_are_closed_and_never_before_now(now):
    failed = Scan(code="UD/EOD-74", at=now, milestone=Milestone.PICKUP_FAILED, text="Pending")
    at = act_from(Act.REATTEMPT, Standing(last=failed, visits=1), now)
    assert at is not None and at >= now
    assert at.astimezone(ZoneInfo("Asia/Kolkata")).hour >= 21


@untimed
@given(moments(), st.sampled_from(registry.codes()), st.timedeltas(dt.timedelta(0), dt.timedelta(days=3)))
def test_silence_is_no_exception_before_the_day_is_over_and_a_later_booking_is_promised_no_earlier(moment, carrier, later):
    zone, now = moment
    here, one = case(zone, now), booked_at(carrier)
    promise = promising.first_promise(here, one, now)
    day = promising.first_day(here, one, now)
    assert promise > dt.datetime.combine(day, dt.time(21), ZoneInfo(zone)).astimezone(dt.UTC)
    assert promising.first_promise(here, one, now + later) >= promise


@untimed
@given(moments())
def test_the_gateway_waits_for_the_day_that_the_carrier_was_given(moment):
    zone, now = moment
    for carrier, opens, _ in own_windows(zone, now):
        assert promising.first_day(case(zone, now), booked_at(carrier), now) == opens.astimezone(ZoneInfo(zone)).date()


def test_a_carrier_that_rests_on_saturdays_is_not_called_silent_on_sunday():
    friday = dt.datetime(2026, 3, 13, 18, tzinfo=dt.UTC)
    here = case("America/New_York", friday)
    assert promising.first_promise(here, booked_at("easypost"), friday).date() == dt.date(2026, 3, 17)  # after Monday


# --- what is wished for --------------------------------------------------------------------------------


@untimed
@given(wishes())
def test_a_window_that_is_accepted_is_to_come_and_its_times_are_on_the_clock(wish):
    zone, now, request = wish
    assume(not list(window_faults(request, zone, now)))
    window = to_window(request, zone)
    assert window.opens < window.closes and now < window.closes
    for at, time, further in ((window.opens, window.start, -1), (window.closes, window.end, 1)):
        assert shown(at, zone) == dt.datetime.combine(window.date, time)
        assert all(shown(at + further * change, zone) != shown(at, zone) for change in CHANGES)


def test_a_window_in_the_hour_that_is_skipped_is_refused_by_name():
    night = WindowRequest(date=dt.date(2026, 3, 29), start="01:30", end="03:00")
    told = "clocks in Europe/London skip 01:30 on 2026-03-29: summer time begins"
    assert list(window_faults(night, "Europe/London", dt.datetime(2026, 3, 20, tzinfo=dt.UTC))) == [
        Fault("/from", "no_such_time", told)
    ]


@untimed
@given(wishes())
def test_a_window_that_is_refused_is_over_far_away_or_in_an_hour_that_is_skipped(wish):
    zone, now, request = wish
    for fault in window_faults(request, zone, now):
        window = to_window(request, zone)
        assert fault.code in ("too_far_ahead", "in_the_past", "no_such_time")
        if fault.code == "in_the_past":
            assert window.closes <= now or window.date < now.date() - dt.timedelta(days=2)


@untimed
@given(wishes())
def test_what_carriers_are_told_of_a_wished_window_is_what_is_left_of_it(wish):
    zone, now, request = wish
    window = to_window(request, zone)
    opens, closes = (at.astimezone(dt.UTC) for at in easypost_window(order(zone, window), now))
    assert window.opens <= opens < closes == window.closes
    assert opens > now or closes <= now + dt.timedelta(minutes=5)  # too short a rest to be told apart


@untimed
@given(wishes())
def test_a_wish_that_is_over_is_forgotten(wish):
    zone, now, request = wish
    window = to_window(request, zone)
    wanted = Wanted(parcels=(), items=(), window=window)
    assert wanted.window_ahead(now) == (window if window.closes > now else None)


# --- a clock that was ahead and is set back ---------------------------------------------------------------


@untimed
@given(moments(), SECONDS)
def test_by_a_clock_that_is_set_back_nobody_is_sent_in_the_past(moment, back):
    zone, now = moment
    for _, opens, _ in own_windows(zone, now - back):
        assert opens > now
    for code in registry.codes():
        assert promising.first_promise(case(zone, now), booked_at(code), now - back) > now


@untimed
@given(wishes(), SECONDS)
def test_by_a_clock_that_is_set_back_what_is_left_of_a_window_is_still_to_come(wish, back):
    zone, now, request = wish
    opens, closes = to_window(request, zone).to_come(now - back)
    assert opens > now or closes <= now + dt.timedelta(minutes=5)
