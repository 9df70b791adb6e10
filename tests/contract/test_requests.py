"""What every carrier's requests owe us, whatever carrier it is: sameness, the right address, no secrets, refusals by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit, urlunsplit

import httpx
import msgspec
import pytest

from adapters.contract.carrier import AwbList
from adapters.contract.errors import CarrierError, RefusalKind, Refused
from gateway.carriers import registry
from tests.contract import examples
from tests.contract.stage import STEPS, Exchange, on_stage, played

CODES = registry.codes()


def bytes_of(request: httpx.Request) -> tuple[str, str, bytes, list[tuple[bytes, bytes]]]:
    return request.method, str(request.url), request.content, request.headers.raw


def built(exchange: Exchange) -> httpx.Request:
    return exchange.step.build(exchange.question, exchange.access, exchange.so_far)


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
def test_the_same_question_builds_the_same_bytes(code, name, index):
    exchange = played(code)[name, index]
    assert bytes_of(built(exchange)) == bytes_of(built(exchange))


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
def test_requests_go_to_the_accounts_own_address(code, name, index):
    exchange = played(code)[name, index]
    here = msgspec.structs.replace(exchange.access, base_url="https://branch.test:8443/gate")
    so_far = {key: value.replace(exchange.access.base_url, here.base_url) for key, value in exchange.so_far.items()}
    url = exchange.step.build(exchange.question, here, so_far).url
    assert (url.scheme, url.host, url.port, url.path.startswith("/gate/")) == ("https", "branch.test", 8443, True)


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
def test_no_secret_stands_in_an_address(code, name, index):
    exchange = played(code)[name, index]
    assert secrets_in_the_address(exchange) <= examples.IN_ADDRESSES.get(code, {}).keys()


@pytest.mark.parametrize(("code", "field"), [(code, field) for code, fields in examples.IN_ADDRESSES.items() for field in fields])
def test_a_secret_that_may_stand_in_an_address_really_does(code, field):
    assert any(field in secrets_in_the_address(exchange) for exchange in played(code).values())


def secrets_in_the_address(exchange: Exchange) -> set[str]:
    """The names of the credentials (and "token") that the request's URL shows."""
    own = {**exchange.access.secrets, "(signed in)": exchange.access.token}
    url = str(exchange.request.url)
    return {name for name, value in own.items() if value and any(form in url for form in (value, quote(value), quote_plus(value)))}


# --- files on other hosts -----------------------------------------------------------------------------

LINKED = [step for step in STEPS if step[2] and any("://" in value for value in played(step[0])[step[1], step[2]].so_far.values())]


def asked_at(exchange: Exchange, host: str) -> httpx.Request | CarrierError:
    """The request once the links in what is known so far lead to another host."""

    def moved(value: str) -> str:
        return urlunsplit(urlsplit(value)._replace(scheme="https", netloc=host)) if "://" in value else value

    try:
        so_far = {key: moved(value) for key, value in exchange.so_far.items()}
        return exchange.step.build(exchange.question, exchange.access, so_far)
    except CarrierError as error:
        return error


@pytest.mark.parametrize(("code", "name", "index"), LINKED)
@pytest.mark.parametrize("host", ["files.evil.test", "lab.evil.test", "evil-amazonaws.com", "amazonaws.com.evil.test", "127.0.0.1"])
def test_a_link_to_a_strange_host_is_not_followed(code, name, index, host):
    assert isinstance(asked_at(played(code)[name, index], host), CarrierError)


@pytest.mark.parametrize(("code", "name", "index"), LINKED)
def test_a_file_on_a_known_host_is_fetched_without_credentials(code, name, index):
    exchange = played(code)[name, index]
    for suffix in registry.carrier(code).file_hosts:
        request = asked_at(exchange, f"bucket.{suffix}")
        assert isinstance(request, httpx.Request)
        sent = unquote_plus(" ".join((str(request.url), *request.headers.values(), request.content.decode())))
        assert {name for name, value in exchange.access.secrets.items() if value in sent} == set()
        assert "authorization" not in request.headers


# --- what cannot be put --------------------------------------------------------------------------------


def odd_questions(code: str, name: str) -> Mapping[str, Any]:
    """Variations of the operation's question, each of which some carrier cannot be asked."""
    kinds = {"book": (examples.ODD_ORDERS, examples.order), "validate": (examples.ODD_ORDERS, examples.order)}
    kinds |= {"tat": (examples.ODD_ENQUIRIES, examples.enquiry), "quote": (examples.ODD_ENQUIRIES, examples.enquiry)}
    kinds |= {"serviceability": (examples.ODD_STOPS, examples.stop), "windows": (examples.ODD_STOPS, examples.stop)}
    found, make = kinds.get(name, ({}, examples.stop))
    return {label: make(**changes) for label, changes in found.items()}


ODD = [(code, name, index, label) for code, name, index in STEPS for label in odd_questions(code, name)]


def objection(code: str, name: str, index: int, label: str) -> Refused | None:
    """How the odd question is refused, or None: this carrier is asked it."""
    exchange = played(code)[name, index]
    try:
        exchange.step.build(odd_questions(code, name)[label], exchange.access, exchange.so_far)
    except Refused as refusal:
        return refusal
    return None


@pytest.mark.parametrize(("code", "name", "index", "label"), ODD)
def test_a_question_that_cannot_be_put_is_refused_by_the_name_of_a_field(code, name, index, label):
    refusal = objection(code, name, index, label)
    if refusal is not None:
        head = refusal.field.split("/")[1:2]
        assert head and head[0] in odd_questions(code, name)[label].__struct_fields__
        assert refusal.raw_message


@pytest.mark.parametrize("code", CODES)
def test_nobody_collects_from_a_place_that_is_none_or_where_the_carrier_does_not_go(code):
    commit = max(index for asked, name, index in STEPS if (asked, name) == (code, "book"))
    found = {label: objection(code, "book", commit, label) for label in ("a customer abroad", "no postal code", "no phone")}
    kinds = {label: refusal.kind for label, refusal in found.items() if refusal}
    assert kinds == {
        "a customer abroad": RefusalKind.NOT_SERVICEABLE,
        "no postal code": RefusalKind.INVALID_ADDRESS,
        "no phone": RefusalKind.INVALID_REQUEST,
    }


@pytest.mark.parametrize("code", CODES)
def test_an_unknown_service_is_refused(code):
    commit = max(index for asked, name, index in STEPS if (asked, name) == (code, "book"))
    refusal = objection(code, "book", commit, "an unknown service")
    assert refusal is not None
    assert refusal.field == "/service"


# --- accounts and services -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_the_example_account_has_exactly_what_the_carrier_demands(code):
    carrier = registry.carrier(code)
    demanded = {field.name for field in carrier.fields if field.required and not field.secret}
    assert set(examples.SETTINGS[code]) == demanded


@pytest.mark.parametrize("code", CODES)
def test_what_the_carrier_demands_is_enough_to_book(code):
    stage, _ = on_stage(registry.carrier(code))
    assert stage.book().awb


@pytest.mark.parametrize("code", CODES)
def test_the_first_service_can_be_booked_by_its_code(code):
    stage, _ = on_stage(registry.carrier(code))
    assert stage.book(service=registry.carrier(code).services[0].code).awb


@pytest.mark.parametrize("code", CODES)
def test_checks_at_the_door_are_asked_or_refused_but_never_dropped(code):
    carrier = registry.carrier(code)
    stage, wire = on_stage(carrier, **examples.FOR_CHECKS.get(code, {}))
    most = max(service.quality_checks for service in carrier.services)
    if most:
        stage.book(quality_checks=(examples.COLOUR,))
        assert examples.COLOUR.expected.encode() in wire.exchanges[-1].request.content
    with pytest.raises(Refused) as refused:
        stage.book(quality_checks=(examples.COLOUR,) * (most + 1))
    assert refused.value.field.startswith("/quality_checks")


@pytest.mark.parametrize("code", CODES)
def test_tracking_answers_for_each_of_as_many_as_it_takes_at_once(code):
    carrier = registry.carrier(code)
    stage, wire = on_stage(carrier)
    awbs = tuple(stage.book().awb for _ in range(carrier.limits.track_batch))
    wire.exchanges.clear()
    answer = stage.ask("track", AwbList(awbs=awbs))
    assert (tuple(answer), len([one for one in wire.exchanges if one.name == "track"])) == (awbs, 1)


@pytest.mark.parametrize("code", CODES)
def test_the_carrier_reference_is_sent_with_the_booking(code):
    exchange = list(exchange for (name, _), exchange in played(code).items() if name == "book")[-1]
    assert exchange.question.carrier_reference.encode() in exchange.request.content
