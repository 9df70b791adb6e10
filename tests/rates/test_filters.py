from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from adapters.contract.units import Length, Money, Weight
from rates.currency import NoRate
from rates.filters import Asked, Barred, Cause, Heard, Means, after_asking, before_asking
from rates.policy import Cap
from tests.rates.making import TODAY, parcel, policy, rupees

ASKED = Asked(parcels=(parcel(grams=2000, millimetres=(400, 100, 100)),), quality_checks=2)
NAMES = ["cac_1", "shipmany", "shipmany/swift_air", "swiftline", "swiftline/swift_air"]
GOOD = Heard(price=rupees(96), converted=rupees(96), collects_on=TODAY)


def means(**facts: object) -> Means:
    able = Means(account="cac_1", carrier="shipmany", service="swift_air", moved_by="swiftline", quality_checks=4)
    return msgspec.structs.replace(able, **facts)


def barred(cause: Cause, detail: str) -> Barred:
    return Barred(account="cac_1", carrier="shipmany", service="swift_air", cause=cause, detail=detail)


def test_a_service_that_fits_is_asked_and_offered():
    assert (before_asking(means(), ASKED, policy()), after_asking(means(), GOOD, ASKED, policy())) == (None, None)


@pytest.mark.parametrize(
    ("facts", "cause", "detail"),
    [
        ({"enabled": False}, Cause.ACCOUNT_DISABLED, "the carrier account is switched off"),
        ({"barred_by": "out of area until 30 Nov"}, Cause.SERVICE_BARRED, "out of area until 30 Nov"),
        ({"circuit_open": "12 of 20 calls failed"}, Cause.CIRCUIT_OPEN, "12 of 20 calls failed"),
        ({"heaviest": Weight(1999)}, Cause.WEIGHT_OVER_LIMIT, "2000 g, the limit is 1999 g"),
        ({"longest_side": Length(399)}, Cause.SIZE_OVER_LIMIT, "400 mm, the limit is 399 mm"),
        ({"pieces": 0}, Cause.TOO_MANY_PIECES, "1 parcels, the service takes 0"),
        ({"quality_checks": 1}, Cause.QUALITY_CHECK_UNSUPPORTED, "2 questions, the rider asks 1"),
        ({"payers": frozenset({"customer"})}, Cause.PAYMENT_MODE, "merchant cannot pay here"),
    ],
)
def test_what_a_service_cannot_do_bars_it_with_its_cause(facts, cause, detail):
    assert before_asking(means(**facts), ASKED, policy()) == barred(cause, detail)


@pytest.mark.parametrize("facts", [{"heaviest": Weight(2000)}, {"longest_side": Length(400)}, {"quality_checks": 2}])
def test_exactly_at_a_limit_is_within_it(facts):
    assert before_asking(means(**facts), ASKED, policy()) is None


def test_any_parcel_over_the_limit_is_too_much():
    two = msgspec.structs.replace(ASKED, parcels=(parcel(grams=100), parcel(grams=3000)))
    assert before_asking(means(pieces=2, heaviest=Weight(2500)), two, policy()) == barred(
        Cause.WEIGHT_OVER_LIMIT, "3000 g, the limit is 2500 g"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_merchants_lists_may_name_the_account_the_carrier_the_mover_or_a_service_of_theirs(name):
    pinned = msgspec.structs.replace(ASKED, pinned=name)
    assert before_asking(means(), ASKED, policy(deny=(name,))) == barred(Cause.DENIED_BY_MERCHANT, f"the policy denies {name}")
    assert before_asking(means(), pinned, policy(allow=("ekart", name))) is None


def test_what_is_not_allowed_or_not_pinned_is_left_out():
    pinned = msgspec.structs.replace(ASKED, pinned="ekart")
    assert [before_asking(means(), ASKED, policy(allow=("ekart", "dhl"))), before_asking(means(), pinned, policy())] == [
        barred(Cause.NOT_ALLOWED, "the policy allows only ekart, dhl"),
        barred(Cause.NOT_PINNED, "the pickup is pinned to ekart"),
    ]


def test_the_first_cause_in_the_list_is_the_one_told():
    worst = means(enabled=False, circuit_open="down", quality_checks=0)
    assert before_asking(worst, ASKED, policy(deny=("shipmany",))) == barred(
        Cause.ACCOUNT_DISABLED, "the carrier account is switched off"
    )


@pytest.mark.parametrize(
    ("facts", "cause", "detail"),
    [
        ({"not_serviceable": "Embargo"}, Cause.NOT_SERVICEABLE, "Embargo"),
        ({"window_impossible": "after the cut-off"}, Cause.WINDOW_IMPOSSIBLE, "after the cut-off"),
        ({"quote_failed": "answered nonsense"}, Cause.QUOTE_FAILED, "answered nonsense"),
        ({"quote_timed_out": "no answer in 2 s"}, Cause.QUOTE_TIMED_OUT, "no answer in 2 s"),
        ({"card_missing": "no card for swift_air"}, Cause.CARD_MISSING, "no card for swift_air"),
        ({"no_price": "no prices for special"}, Cause.NO_PRICE, "no prices for special"),
        ({"price": None}, Cause.NO_PRICE, "no price came"),
        ({"price": rupees(0)}, Cause.NO_PRICE, "a price of 0 is no quote"),
        (
            {"converted": NoRate(source_currency="AED", target_currency="INR", on=TODAY)},
            Cause.NO_RATE,
            "no rate from AED to INR on or before 2026-11-23",
        ),
        ({"converted": rupees("100.01")}, Cause.PRICE_CAP, "100.01 INR, the cap is 100.00 INR"),
        (
            {"collects_on": TODAY + dt.timedelta(days=2)},
            Cause.PROMISE_TOO_LATE,
            "collects on 2026-11-25, wanted by 2026-11-24",
        ),
    ],
)
def test_what_came_back_may_bar_a_service_with_its_cause(facts, cause, detail):
    asked = msgspec.structs.replace(ASKED, collect_by=TODAY + dt.timedelta(days=1))
    heard = msgspec.structs.replace(GOOD, **facts)
    assert after_asking(means(), heard, asked, policy(price_cap=rupees(100))) == barred(cause, detail)


@pytest.mark.parametrize(("policys", "pickups"), [(None, 100), (100, None), (100, 200), (200, 100)])
def test_the_lower_of_the_policys_and_the_pickups_cap_counts(policys, pickups):
    def cap(amount: int | None) -> Money | None:
        return None if amount is None else rupees(amount)

    asked = msgspec.structs.replace(ASKED, price_cap=cap(pickups))
    prices = (rupees(100), rupees("100.01"))
    found = [after_asking(means(), Heard(price=price, converted=price), asked, policy(price_cap=cap(policys))) for price in prices]
    assert found == [None, barred(Cause.PRICE_CAP, "100.01 INR, the cap is 100.00 INR")]


def test_an_unknown_collection_day_is_not_held_against_a_service():
    asked = msgspec.structs.replace(ASKED, collect_by=TODAY)
    assert after_asking(means(), msgspec.structs.replace(GOOD, collects_on=None), asked, policy()) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_carrier_at_its_cap_of_the_day_gets_no_more(name):
    capped = policy(caps=(Cap(carrier="ekart", pickups_a_day=1), Cap(carrier=name, pickups_a_day=200)))
    found = [before_asking(means(booked_today={name: booked, "ekart": 9}), ASKED, capped) for booked in (199, 200)]
    assert found == [None, barred(Cause.DAILY_CAP, f"{name} has 200 pickups today, the cap is 200")]


@pytest.mark.parametrize("name", NAMES)
def test_a_carriers_own_cap_on_the_price_holds_beside_that_for_all(name):
    def cause(**caps: object) -> Barred | None:
        return after_asking(means(), GOOD, ASKED, policy(**caps))

    tight, wide = Cap(carrier=name, price=rupees(95)), Cap(carrier=name, price=rupees(96))
    assert cause(caps=(tight,), price_cap=rupees(200)) == barred(Cause.PRICE_CAP, "96.00 INR, the cap is 95.00 INR")
    assert cause(caps=(wide,), price_cap=rupees(90)) == barred(Cause.PRICE_CAP, "96.00 INR, the cap is 90.00 INR")
    assert cause(caps=(wide, Cap(carrier="ekart", price=rupees(1)))) is None
