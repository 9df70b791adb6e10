from __future__ import annotations

import datetime as dt

import pytest

from adapters.contract.errors import CarrierError, Misread, OutcomeUnknown, Pending, RefusalKind, Refused, Throttled, Unreachable


@pytest.mark.parametrize("kind", [Unreachable, Throttled, Pending, OutcomeUnknown, Misread, Refused])
def test_every_failure_of_a_carrier_is_one_kind_of_thing(kind):
    assert issubclass(kind, CarrierError)


def test_what_was_misread_leaves_the_outcome_unknown():
    assert issubclass(Misread, OutcomeUnknown)
    assert not issubclass(Refused, OutcomeUnknown)


def test_a_refusal_keeps_the_carriers_code_and_text():
    refusal = Refused(RefusalKind.NOT_SERVICEABLE, "E7", "not there", field="/shipper/postal_code")
    assert (refusal.kind, refusal.raw_code, refusal.raw_message, refusal.field, str(refusal)) == (
        RefusalKind.NOT_SERVICEABLE,
        "E7",
        "not there",
        "/shipper/postal_code",
        "not_serviceable: E7 not there",
    )


def test_a_refusal_without_a_known_kind_is_just_refused():
    assert Refused(None, "E99").kind is RefusalKind.REFUSED


def test_too_fast_says_how_long_to_wait():
    assert (Throttled().retry_after, str(Throttled(retry_after=dt.timedelta(seconds=7)))) == (
        dt.timedelta(seconds=30),
        "too fast, retry after 7 s",
    )


def test_an_error_has_no_exchange_until_it_is_given_one():
    assert CarrierError().exchange == ""
