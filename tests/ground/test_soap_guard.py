"""What is let through to zeep: one answer to this operation in a whole, plain envelope. Everything else has its word."""

import gzip

import pytest

from adapters.contract.errors import Misread, OutcomeUnknown, Refused
from adapters.wire import soap

from .swiftline import GOOD, V11, V12, Booked, booked, envelope, read, reply

GOOD_ENVELOPE = envelope(booked())
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


def with_prologue(prologue: str) -> bytes:
    return GOOD_ENVELOPE.replace(b"<s:Envelope", prologue.encode() + b"<s:Envelope")


def faulty(code: str, text: str = "why", version: str = V11) -> bytes:
    inner = f"<faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
    if version == V12:
        inner = f"<s:Code><s:Value>{code}</s:Value></s:Code><s:Reason><s:Text>{text}</s:Text></s:Reason>"
    return envelope(f"<s:Fault>{inner}</s:Fault>", version)


@pytest.mark.parametrize("version", [V11, V12])
def test_an_answer_in_either_version_is_read(version):
    assert read(reply(envelope(booked(), version))) == Booked(has_errors=False, number="007")


@pytest.mark.parametrize("kind", ["text/xml", "application/soap+xml; charset=utf-8", "Application/XML"])
def test_every_kind_of_xml_is_xml(kind):
    assert read(reply(GOOD_ENVELOPE, kind=kind)) == Booked(has_errors=False, number="007")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<",
        GOOD_ENVELOPE[:-1],
        GOOD_ENVELOPE + b"<more/>",
        b"{}",
        with_prologue("<!DOCTYPE s>"),
        with_prologue(BOMB),
        with_prologue(OUTSIDE).replace(b"007", b"&a;"),
        GOOD_ENVELOPE.replace(b"007", b"&lost;"),
        booked().encode(),
        envelope(""),
        envelope("nothing but words"),
        envelope(booked() + booked()),
        envelope(booked()).replace(b"</s:Body>", b"</s:Body><s:Body/>"),
        envelope(booked(), "http://envelopes.test/"),
        envelope(booked("<HasErrors>false</HasErrors>", name="Cancelled")),
        envelope(booked(namespace="http://elsewhere.test/")),
        b"<html><body>503</body></html>",
        GOOD_ENVELOPE.replace(b"007", b"7" * soap.LARGEST),
    ],
    ids=lambda content: content[:60].decode(),
)
def test_what_is_no_answer_to_this_operation_is_misread(content):
    assert read(reply(content)) == (Misread,)


@pytest.mark.parametrize("kind", ["text/html", "application/json", ""])
def test_an_answer_that_does_not_say_it_is_xml_is_misread(kind):
    assert read(reply(GOOD_ENVELOPE, kind=kind)) == (Misread,)


@pytest.mark.parametrize("status", [302, 400, 403, 404, 500, 503])
def test_a_good_answer_with_a_bad_status_is_misread(status):
    assert read(reply(GOOD_ENVELOPE, status)) == (Misread,)


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("code", ["s:Client", "Client.Authentication", "a:DeserializationFailed"])
def test_a_fault_that_blames_us_is_a_refusal(code, status):
    assert read(reply(faulty(code), status)) == (Refused, "invalid_request", code.rpartition(":")[2], "why")


def test_a_sender_fault_of_the_other_version_is_a_refusal():
    assert read(reply(faulty("s:Sender", version=V12), 500)) == (Refused, "invalid_request", "Sender", "why")


@pytest.mark.parametrize("code", ["s:Server", "a:InternalServiceFault", "s:MustUnderstand", "", "Clients"])
def test_any_other_fault_leaves_the_outcome_open(code):
    assert read(reply(faulty(code), 500)) == (OutcomeUnknown,)


def test_a_receiver_fault_of_the_other_version_leaves_the_outcome_open():
    assert read(reply(faulty("s:Receiver", version=V12), 500)) == (OutcomeUnknown,)


def test_comments_and_instructions_cut_no_text_short():
    inner = "<Number>0<!-- and -->0<?and?>7</Number><HasErrors>false</HasErrors><!-- done -->"
    assert read(reply(envelope(booked(inner)))) == Booked(has_errors=False, number="007")


def test_the_encoding_is_the_documents_own():
    text = GOOD_ENVELOPE.decode().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>')
    assert read(reply(text.encode("utf-16"))) == Booked(has_errors=False, number="007")


def test_a_packed_answer_that_nobody_unpacked_is_misread():
    assert read(reply(gzip.compress(GOOD_ENVELOPE))) == (Misread,)


def test_a_header_is_nobodys_business():
    content = GOOD_ENVELOPE.replace(b"<s:Body>", b"<s:Header><Booked>x</Booked></s:Header><s:Body>")
    assert read(reply(content)) == Booked(has_errors=False, number="007")


def test_texts_are_read_by_their_full_names():
    element = soap.parse(booked("<a>1</a><b/>").encode())
    assert soap.texts(element) == {"{http://swiftline.test/}a": "1", "{http://swiftline.test/}b": ""}


def test_texts_of_a_name_that_comes_twice_are_misread():
    with pytest.raises(Misread):
        soap.texts(soap.parse(b"<r><a>1</a><a>2</a></r>"))


@pytest.mark.parametrize(("text", "value"), [("true", True), (" 1 ", True), ("false", False), ("0", False)])
def test_a_boolean_has_four_spellings(text, value):
    assert soap.boolean(text) is value


@pytest.mark.parametrize("text", ["TRUE", "False", "yes", "", "2", "true false"])
def test_there_is_no_fifth(text):
    with pytest.raises(Misread):
        soap.boolean(text)


def test_good_is_what_the_others_are_made_of():
    assert GOOD in GOOD_ENVELOPE.decode()
