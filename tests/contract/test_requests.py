"""What every carrier's requests owe us, whatever carrier it is: sameness, the right address, no secrets, refusals by name."""

from __future__ import annotations

from urllib.parse import quote, quote_plus, unquote_plus, urlsplit, urlunsplit

import httpx
import msgspec
import pytest

from adapters.contract.carrier import AwbList
from adapters.contract.errors import CarrierError, RefusalKind, Refused
from gateway.carriers import registry
from tests.contract import examples
from tests.contract.examples import ODD_QUESTIONS
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


ODD = [(code, name, index, label) for code, name, index in STEPS for label in ODD_QUESTIONS.get(name, ())]


def objection(code: str, name: str, index: int, label: str) -> Refused | None:
    """How the odd question is refused, or None: this carrier is asked it."""
    exchange = played(code)[name, index]
    try:
        exchange.step.build(examples.at_home(code, ODD_QUESTIONS[name][label]), exchange.access, exchange.so_far)
    except Refused as refusal:
        return refusal
    return None


@pytest.mark.parametrize(("code", "name", "index", "label"), ODD)
def test_a_question_that_cannot_be_put_is_refused_by_the_name_of_a_field(code, name, index, label):
    refusal = objection(code, name, index, label)
    if refusal is not None:
        head = refusal.field.split("/")[1:2]
        assert head and head[0] in ODD_QUESTIONS[name][label].__struct_fields__
        assert refusal.raw_message


def booking_objection(code: str, label: str) -> Refused | None:
    committing = max(index for asked, name, index in STEPS if (asked, name) == (code, "book"))
    return objection(code, "book", committing, label)


@pytest.mark.parametrize("code", [code for code in CODES if "DE" not in registry.carrier(code).countries])
def test_nobody_collects_in_a_country_where_the_carrier_does_not_go(code):
    refusal = booking_objection(code, "a customer abroad")
    assert refusal is not None
    assert (refusal.kind, refusal.field) == (RefusalKind.NOT_SERVICEABLE, "/shipper/country")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    ("label", "kind"), [("no postal code", RefusalKind.INVALID_ADDRESS), ("no phone", RefusalKind.INVALID_REQUEST)]
)
def test_what_is_wrong_with_an_order_is_said_in_one_word(code, label, kind):
    refusal = booking_objection(code, label)
    assert refusal is None or refusal.kind is kind


@pytest.mark.parametrize("code", CODES)
def test_an_unknown_service_is_refused(code):
    refusal = booking_objection(code, "an unknown service")
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
    booking = [exchange for (name, _), exchange in played(code).items() if name == "book"]
    assert any(one.question.carrier_reference.encode() in one.request.content for one in booking)
