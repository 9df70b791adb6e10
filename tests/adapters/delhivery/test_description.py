from __future__ import annotations

from adapters.contract.carrier import OPERATIONS, Act, Quota
from adapters.delhivery import CARRIER
from adapters.delhivery.lab import SIDE


def test_offers_come_from_the_rate_card_and_the_price_call_only_audits():
    assert CARRIER.offers_from == ("serviceability", "tat")
    assert CARRIER.limits.quotas["quote"] == Quota(calls=50, seconds=300)


def test_calls_that_share_a_bucket_at_the_carrier_share_it_here():
    quotas = CARRIER.limits.quotas
    assert quotas["track"].calls + quotas["find"].calls == 750
    assert sum(quotas[name].calls for name in ("cancel", "edit_contact", "edit_address")) == 12_200


def test_what_it_cannot_do_is_none():
    missing = {name for name in OPERATIONS if CARRIER.operation(name) is None}
    assert missing == {"sign_in", "windows", "validate", "list_of_day"}


def test_every_act_has_its_operation():
    assert all(CARRIER.operation(act) for act in Act)


def test_the_carrier_goes_three_times_by_itself_also_in_the_lab():
    assert {service.own_visits for service in CARRIER.services} == {SIDE.visits}


def test_only_the_token_and_the_push_secret_are_secret():
    assert {field.name for field in CARRIER.fields if field.secret} == {"token", "push_secret"}


def test_its_own_dedupe_takes_six_fields():
    assert CARRIER.dedupes_by == ("client", "order", "total_amount", "products_desc", "payment_mode", "name")
