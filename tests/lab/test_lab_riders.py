"""The riders' pure decisions, as laws."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.lab import riders

KOLKATA = ZoneInfo("Asia/Kolkata")
instants = st.integers(1_767_225_600, 1_893_456_000).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC))  # 2026-2029
lucks = st.floats(0, 1, exclude_max=True)
zones = st.sampled_from([KOLKATA, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Europe/Paris")])


@given(now=instants, zone=zones)
def test_the_first_visit_is_on_a_working_day_within_two_days(now: dt.datetime, zone: ZoneInfo):
    day = riders.first_day(now, zone)
    assert riders.working(day)
    assert 0 <= (day - now.astimezone(zone).date()).days <= 2


@given(ahead=st.integers(-9, 30), now=instants, zone=zones, luck=lucks)
def test_riders_leave_by_day_and_after_they_are_told_to(ahead: int, now: dt.datetime, zone: ZoneInfo, luck: float):
    day = now.date() + dt.timedelta(days=ahead)
    leaves = riders.leaves_at(day, zone, now, luck)
    assert leaves >= (now + dt.timedelta(minutes=30)).replace(microsecond=0)
    assert leaves.astimezone(zone).date() >= day
    assert leaves.astimezone(zone).time() <= dt.time(17)


@given(collected=instants, tat_days=st.integers(0, 9), luck=lucks)
def test_a_journey_goes_forward_and_ends_on_a_working_day(collected: dt.datetime, tat_days: int, luck: float):
    assume(collected.astimezone(KOLKATA).hour < 20)
    times = [collected.replace(microsecond=0), *(at for _, at in riders.journey(collected, tat_days, KOLKATA, luck))]
    assert times == sorted(times)
    assert riders.working(times[-1].astimezone(KOLKATA).date())
    assert (
        max(1, tat_days)
        <= (times[-1].astimezone(KOLKATA).date() - collected.astimezone(KOLKATA).date()).days
        <= max(1, tat_days) + 1
    )


@given(mean=st.floats(0, 1), luck=lucks, visit=st.integers(1, 9))
def test_no_visit_is_certain_and_a_repeat_is_never_likelier(mean: float, luck: float, visit: int):
    now, later = riders.chance(mean, luck, visit), riders.chance(mean, luck, visit + 1)
    assert 0 < later <= now < 1


@given(weights=st.dictionaries(st.text(), st.floats(0, 10), max_size=5), luck=lucks)
def test_only_what_weighs_something_is_drawn(weights: dict[str, float], luck: float):
    drawn = riders.draw(weights, luck)
    assert weights[drawn] > 0 if drawn is not None else not any(weights.values())


def test_what_weighs_more_is_drawn_more_often():
    drawn = [riders.draw({"rain": 3.0, "dog": 1.0}, n / 100) for n in range(100)]
    assert (drawn.count("rain"), drawn.count("dog")) == (75, 25)
