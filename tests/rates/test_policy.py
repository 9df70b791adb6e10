from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
import pytest

from adapters.contract.scans import Reason
from adapters.contract.units import Money
from rates.currency import NoRate, Rate, RateTable
from rates.policy import DEFAULT, Cap, Pin, Policy, PolicyError, default, validate
from rates.rules import ACTIONS, Action, Rule
from tests.rates.making import TODAY, policy, rupees

RATES = (
    RateTable(base="EUR", on=TODAY - dt.timedelta(days=1), units={"INR": Decimal(100), "USD": Decimal("1.2"), "JPY": Decimal(160)}),
)


def test_the_defaults_are_stated_in_rupees():
    assert default("INR", (), TODAY) == Policy(
        currency="INR",
        give_up_at=rupees(300),
        failed_visit_cost=rupees(15),
        cost_per_day=rupees(8),
        deadline_penalty=rupees(40),
        failover_cost=rupees(6),
        deadline_days=5,
        floor=None,
        visits_per_carrier=3,
        visits_in_all=5,
        days_in_all=10,
        max_total_cost=None,
        shuffle_share=0.0,
    )


def test_elsewhere_the_defaults_are_converted_at_a_dated_rate_that_is_kept():
    rate = Rate(
        source_currency="INR", target_currency="USD", value=Decimal("0.012"), on=TODAY - dt.timedelta(days=1), source="settings"
    )
    assert default("USD", RATES, TODAY) == msgspec.structs.replace(
        DEFAULT,
        currency="USD",
        give_up_at=Money(3_60, "USD"),
        failed_visit_cost=Money(18, "USD"),
        cost_per_day=Money(10, "USD"),  # 9.6 cents
        deadline_penalty=Money(48, "USD"),
        failover_cost=Money(7, "USD"),  # 7.2 cents
        converted_by=rate,
    )


def test_without_a_rate_there_is_no_default():
    assert default("AED", RATES, TODAY) == NoRate(source_currency="INR", target_currency="AED", on=TODAY)


@pytest.mark.parametrize("currency", ["INR", "USD", "JPY"])
def test_a_default_policy_is_valid(currency):
    made = default(currency, RATES, TODAY)
    assert isinstance(made, Policy) and validate(made) == ()


def test_all_errors_are_told_at_once():
    faulty = policy(
        give_up_at=rupees(0),
        cost_per_day=Money(8_00, "USD"),
        price_cap=rupees(-1),
        visits_in_all=0,
        deadline_days=-1,
        floor=1.0,
        shuffle_share=0.5,
        allow=("delhivery", "ekart", "ekart"),
        deny=("delhivery",),
        prefer=("delhivery",),
        rules={Reason.UNKNOWN: Rule(action=Action.REATTEMPT_NEXT_WORKING_DAY, tries=99, bar_days=-1)},
    )
    assert validate(faulty) == (
        PolicyError(pointer="/cost_per_day", detail="is in USD, the policy in INR"),
        PolicyError(pointer="/price_cap", detail="is below 0"),
        PolicyError(pointer="/give_up_at", detail="is 0: every pickup would go to a person"),
        PolicyError(pointer="/deadline_days", detail="is not between 0 and 60"),
        PolicyError(pointer="/visits_in_all", detail="is not between 1 and 20"),
        PolicyError(pointer="/floor", detail="is no share between 0 and 1"),
        PolicyError(pointer="/shuffle_share", detail="is not between 0 and 0.1"),
        PolicyError(pointer="/allow", detail="names something twice"),
        PolicyError(pointer="/deny", detail="delhivery is allowed too"),
        PolicyError(pointer="/prefer", detail="delhivery is denied"),
        PolicyError(pointer="/rules/unknown/tries", detail="is not between 0 and 10"),
        PolicyError(pointer="/rules/unknown/bar_days", detail="is not between 0 and 90"),
    )


def test_a_policy_survives_being_stored():
    caps = (Cap(carrier="ekart", price=rupees(120), pickups_a_day=200),)
    stored = policy(floor=0.5, caps=caps, rules={Reason.HOLIDAY: Rule(action=Action.WAIT_THEN_REATTEMPT, tries=1, wait_days=2)})
    assert msgspec.json.decode(msgspec.json.encode(stored), type=Policy) == stored


# reason: action, tries
TABLE = """
customer_unavailable: reattempt_next_working_day 2
customer_unreachable: contact_customer_then_reattempt 2
wrong_phone: contact_customer_then_reattempt 1
customer_rescheduled: reattempt_on_date 2
customer_declined: confirm_then_cancel 0
customer_wants_refund_first: hold_for_merchant 0
nothing_to_collect: contact_customer_then_reattempt 1
item_not_ready: contact_customer_then_reattempt 2
address_incomplete: correct_address_then_reattempt 2
address_not_found: correct_address_then_reattempt 2
postal_code_mismatch: rebook 0
premises_closed: reattempt_next_working_day 2
entry_restricted: contact_customer_then_reattempt 1
otp_failed: contact_customer_then_reattempt 1
qc_mismatch: hold_for_merchant 1
qc_damaged_or_used: hold_for_merchant 1
qc_quantity_mismatch: hold_for_merchant 1
qc_failed_other: hold_for_merchant 1
qc_tag_or_box_missing: contact_customer_then_reattempt 1
packaging_problem: contact_customer_then_reattempt 1
label_missing: resend_label_then_reattempt 1
weight_or_size_exceeded: switch_carrier 0
prohibited_item: hold_for_merchant 0
missing_information: hold_for_merchant 0
payment_problem: hold_for_merchant 0
not_attempted: reattempt_next_working_day 2
carrier_delay: wait_then_reattempt 2
no_event: poll_then_switch 1
out_of_pickup_area: switch_carrier 0
cancelled_by_carrier: switch_carrier 0
force_majeure: wait_then_reattempt 3
holiday: reattempt_next_working_day 2
max_visits_reached: switch_carrier 0
already_collected: close 0
cancelled_by_customer: confirm_then_cancel 1
cancelled_by_customer_verified: cancel 0
cancelled_by_merchant: cancel 0
unknown: manual_review 0
"""


def test_every_reason_has_the_action_and_the_tries_of_the_vocabulary():
    assert "\n".join(f"{reason}: {rule.action} {rule.tries}" for reason, rule in ACTIONS.items()) == TABLE.strip()
    assert set(ACTIONS) == set(Reason)


# --- pins ------------------------------------------------------------------------------------------


def test_the_first_pin_that_fits_counts_and_elsewhere_there_is_none():
    pins = (Pin(carrier="ekart", postal_code="560 038"), Pin(carrier="delhivery", postal_code="5600"))
    pinned = policy(pins=pins)
    assert [pinned.pinned_at(code) for code in ("560038", "560001", "110001")] == ["ekart", "delhivery", ""]


def test_a_pin_behind_a_wider_one_and_a_denied_one_are_told():
    pins = (Pin(carrier="ekart", postal_code="5600"), Pin(carrier="delhivery", postal_code="560038"), Pin(carrier="aramex"))
    assert validate(policy(pins=pins, deny=("aramex",))) == (
        PolicyError(pointer="/pins/1/postal_code", detail="is never reached: an earlier pin is for 5600"),
        PolicyError(pointer="/pins/2/carrier", detail="aramex is denied"),
    )


# --- caps ------------------------------------------------------------------------------------------


def test_a_cap_that_limits_nothing_or_shuts_a_carrier_out_is_told():
    caps = (
        Cap(carrier="ekart"),
        Cap(carrier="delhivery", price=Money(90_00, "USD"), pickups_a_day=0),
        Cap(carrier="aramex", price=rupees(0)),
        Cap(carrier="aramex", pickups_a_day=1),
    )
    assert validate(policy(caps=caps)) == (
        PolicyError(pointer="/caps/0", detail="limits nothing: give a price or pickups_a_day"),
        PolicyError(pointer="/caps/1/price", detail="is in USD, the policy in INR"),
        PolicyError(pointer="/caps/1/pickups_a_day", detail="is below 1: deny the carrier instead"),
        PolicyError(pointer="/caps/2/price", detail="is not above 0: deny the carrier instead"),
        PolicyError(pointer="/caps/3/carrier", detail="aramex has a cap already"),
    )
