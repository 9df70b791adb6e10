from __future__ import annotations

import datetime as dt
import time

import httpx
import pytest

from adapters.contract.errors import Misread, RefusalKind, Refused, Throttled
from adapters.delhivery import wire

from .examples import AWB, access, customer, says


@pytest.mark.parametrize(
    "given", ["9845011223", "+91 98450 11223", "91-98450-11223", "+91-9845011223", "09845011223", "(98450) 11223"]
)
def test_a_phone_is_sent_as_ten_digits(given):
    assert wire.phone(given, "/shipper/phone") == "9845011223"


@pytest.mark.parametrize("given", ["", "98450", "98450112233", "+1 212 555 0100", "ask the guard"])
def test_a_phone_that_is_no_indian_number_is_refused_by_its_field(given):
    with pytest.raises(Refused) as caught:
        wire.phone(given, "/shipper/phone")
    assert (caught.value.kind, caught.value.field) == (RefusalKind.INVALID_REQUEST, "/shipper/phone")


@pytest.mark.parametrize("given", ["", "56001", "056001", "5600011", "SW1A 1AA"])
def test_a_pin_has_six_digits(given):
    with pytest.raises(Refused) as caught:
        wire.pin(given, "/shipper/postal_code")
    assert (caught.value.kind, caught.value.field) == (RefusalKind.INVALID_ADDRESS, "/shipper/postal_code")


def test_an_address_is_one_line_with_every_part():
    party = customer(company="Iyer & Sons", line1="12/3  Lake\nRoad", line2="", landmark="opposite the park")
    assert wire.address(party) == "Iyer & Sons, 12/3 Lake Road, opposite the park"


def test_the_token_stands_in_the_header():
    request = wire.get(access(token="lab_loom"), "/api/x", {"a": "1"})
    assert (str(request.url), request.headers["authorization"]) == ("https://dlv.example/api/x?a=1", "Token lab_loom")


def test_an_account_without_a_token_is_refused_before_anything_is_sent():
    with pytest.raises(Refused) as caught:
        wire.get(access(token=" "), "/api/x", {})
    assert caught.value.kind is RefusalKind.ACCOUNT


# --- 403 read twice ---


def test_a_403_is_the_firewall_asking_for_half_a_minute():
    with pytest.raises(Throttled) as caught:
        wire.screen(says(b"<html><title>403 Forbidden</title></html>", 403))
    assert caught.value.retry_after == dt.timedelta(seconds=30)


@pytest.mark.parametrize(
    "reply",
    [
        says({"detail": "Invalid token"}, 403),
        says("Unauthorized client/user", 403),
        says("There has been an error but we were asked to not let you see that. Please contact the dev team.", 403),
        says({"detail": "Authentication credentials were not provided."}, 401),
        says(b"anything", 401),
        says(b"Login or API Key Required"),
        says("Bad Request! Invalid request. Unable to fetch client name for the token.", 400),
    ],
)
def test_a_reply_that_speaks_of_credentials_is_unauthorized(reply):
    with pytest.raises(Refused) as caught:
        wire.screen(reply)
    assert caught.value.kind is RefusalKind.UNAUTHORIZED


def test_a_good_reply_may_contain_such_words_without_being_one():
    wire.screen(says({"remark": "customer had an invalid token"}))


def test_the_veiled_text_with_400_is_not_about_credentials():
    wire.screen(says("There has been an error but we were asked to not let you see that.", 400))


# --- XML ---

GOOD = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    f"<root><status>True</status><waybill>{AWB}</waybill><remark>Done &amp; gone</remark></root>"
)


def test_flat_xml_is_read():
    assert wire.verdict(says(GOOD.encode()), AWB) == wire.Verdict(status="True", waybill=AWB, remark="Done & gone")


@pytest.mark.parametrize(
    "body",
    [
        GOOD.replace("<root>", '<!DOCTYPE root [<!ENTITY x "y">]><root>'),
        GOOD.replace("<root>", "<root><!-- hello -->"),
        GOOD.replace("<root>", '<root kind="a">'),
        GOOD.replace("<waybill>", "<status>True</status><waybill>"),
        GOOD.replace("</root>", ""),
        GOOD.replace("<remark>Done", "<remark><b>Done</b>"),
        GOOD.replace("Done", "Done" * 2000),
        "<html><body>True</body></html>",
        "<root></root>",
        "<root/>",
    ],
)
def test_any_other_xml_is_misread(body):
    with pytest.raises(Misread):
        wire.verdict(says(body.encode()), AWB)


def test_hostile_xml_costs_no_time():
    started = time.perf_counter()
    with pytest.raises(Misread):
        wire.verdict(says(b"<root>" + b"<a></a> " * 500 + b"<a"), AWB)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(("text", "kind"), wire.EDIT_REFUSALS)
def test_every_text_of_the_edit_table_has_its_kind(text, kind):
    with pytest.raises(Refused) as caught:
        wire.verdict(says({"status": "Failure", "error": f"Well: {text.upper()}!", "waybill": AWB}), AWB)
    assert (caught.value.kind, caught.value.raw_message) == (kind, f"Well: {text.upper()}!")


def test_a_no_without_a_known_text_is_a_refusal_all_the_same():
    with pytest.raises(Refused) as caught:
        wire.verdict(says({"status": False, "error": "the moon is full"}), AWB)
    assert caught.value.kind is RefusalKind.REFUSED


@pytest.mark.parametrize(
    "reply",
    [
        says({"status": True, "waybill": "57930810000077"}),
        says({"status": True, "waybill": AWB, "error": "but no"}),
        says({"status": "maybe", "waybill": AWB}),
        says({"waybill": AWB}),
        says({"status": True, "waybill": AWB}, 400),
        httpx.Response(302, headers={"location": "/login"}),
    ],
)
def test_a_doubtful_yes_is_misread(reply):
    with pytest.raises(Misread):
        wire.verdict(reply, AWB)
