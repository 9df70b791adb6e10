from __future__ import annotations

import contextlib
import datetime as dt
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import Misread
from adapters.wire import dates, json


class Reply(msgspec.Struct):
    waybill: str
    weight: float = 0.0
    days: int | None = None


def test_the_fields_we_use_are_read_and_the_others_left():
    response = httpx.Response(200, content=b'{"waybill": "007", "days": "3", "colour": {"red": 1}}')
    assert json.read(response, Reply) == Reply(waybill="007", days=3)


def test_a_number_may_come_as_text():
    assert json.decode(b'{"waybill": "1", "weight": "12.5"}', Reply).weight == 12.5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"<html>",
        b'{"weight": 1}',
        b'{"waybill": 7}',
        b'{"waybill": "\xff"}',
        b'{"waybill": "\\ud800"}',
        b"NaN",
    ],
)
def test_any_other_shape_is_misread(body):
    with pytest.raises(Misread, match="not the documented JSON"):
        json.decode(body, Reply)


def test_a_reply_nested_too_deep_is_misread():
    with pytest.raises(Misread):
        json.decode(b"[" * 1_000_000, list[object])


def test_the_place_that_does_not_fit_is_named():
    with pytest.raises(Misread, match=r"\$\.days"):
        json.decode(b'{"waybill": "1", "days": [1]}', Reply)


def test_where_a_field_comes_twice_nobody_knows_which_counts():
    twice = httpx.Response(200, content=b'{"packages": [{"status": "Fail", "status": "Success"}]}')
    with pytest.raises(Misread, match="a field comes twice"):
        json.read_once(twice, dict)
    assert json.read(twice, dict) == {"packages": [{"status": "Success"}]}


@given(st.binary(max_size=60))
def test_no_bytes_whatever_break_the_careful_reader(body):
    with contextlib.suppress(Misread):
        json.read_once(httpx.Response(200, content=body), dict)


@given(st.binary(max_size=60))
def test_no_bytes_whatever_break_the_reader(body):
    with contextlib.suppress(Misread):
        assert isinstance(json.decode(body, Reply), Reply)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-09T12:00:00", "2026-03-09T06:30:00"),
        ("2026-03-09 12:00:00", "2026-03-09T06:30:00"),
        (" 2026-03-09T12:00:00.250 ", "2026-03-09T06:30:00.250"),
        ("2026-03-09T12:00:00Z", "2026-03-09T12:00:00"),
        ("2026-03-09T12:00:00+01:00", "2026-03-09T11:00:00"),
        ("2026-03-09", "2026-03-08T18:30:00"),
    ],
)
def test_a_time_without_an_offset_is_the_carriers_local_time(text, utc):
    assert dates.local(text, "Asia/Kolkata") == dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "09-03-2026", "2026-13-01", "2026-03-09T25:00", "0001-01-01T00:00:00"])
def test_what_is_no_time_is_misread(text):
    with pytest.raises(Misread, match="not a time"):
        dates.local(text, "Asia/Kolkata")


@given(
    st.datetimes(dt.datetime.fromisoformat("1990-01-01"), dt.datetime.fromisoformat("2090-01-01")),
    st.sampled_from(["Asia/Kolkata", "UTC", "Africa/Lagos"]),
)
def test_a_local_time_reads_back_as_the_same_wall_clock(time, zone):
    assert dates.local(time.isoformat(), zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == time


@given(st.text(max_size=30))
def test_no_text_whatever_breaks_the_clock(text):
    with contextlib.suppress(Misread):
        assert dates.local(text, "Asia/Kolkata").tzinfo is dt.UTC


def test_milliseconds_are_counted_from_1970():
    assert dates.epoch_milliseconds(1_773_037_800_250) == dt.datetime(2026, 3, 9, 6, 30, 0, 250_000, dt.UTC)


@given(st.integers())
def test_milliseconds_outside_the_calendar_are_misread(value):
    try:
        assert dates.epoch_milliseconds(value).tzinfo is dt.UTC
    except Misread:
        assert not -62_135_596_800_000 <= value < 253_402_300_800_000
