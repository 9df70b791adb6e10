"""What is kept of a conversation: everything but secrets and people, in whatever writing a carrier wants them."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.contract.carrier import Booking, Instruction
from gateway.carriers.exchanges import private_words, request_text, response_text, scrub
from tests.carriers.asking import account, order
from tests.contract.examples import CUSTOMER, WAREHOUSE

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=3, max_size=12)

SHY = replace(
    CUSTOMER,
    name='Zoë "Z" Ångström',
    phone="+91 98450 11223",
    alternate_phone="080-4000 1000",
    line1="Flat #4,  12/3 Lake & Park Road",
    email="zoe@mail.test",
)


def private(text: str, **changes: object) -> str:
    return scrub(text, private_words(account(), "tok/en+1==", order(replace(SHY, **changes))))


def test_nothing_private_nothing_blotted():
    assert scrub("POST http://carrier.test/book {}", ["hush"]) == "POST http://carrier.test/book {}"


@given(st.text(max_size=60), st.lists(WORDS, max_size=4), st.data())
def test_no_word_is_left_in_any_writing(text, words, data):
    write = data.draw(st.sampled_from([str, quote, quote_plus, lambda word: json.dumps(word)[1:-1]]))
    said = text.join(write(word) for word in words)
    scrubbed = scrub(said, words)
    assert [word for word in words if write(word) in scrubbed] == []


@pytest.mark.parametrize(
    "write",
    [
        lambda words: json.dumps(words),
        lambda words: json.dumps(words, ensure_ascii=False),
        lambda words: urlencode({"data": json.dumps(words, ensure_ascii=False)}),
        lambda words: urlencode({"data": json.dumps(words)}),
        lambda words: urlencode([("field", word) for word in words]),
        lambda words: "".join(f"<a>{html.escape(word, quote=False)}</a>" for word in words),
        lambda words: "".join(f"<a>{html.escape(word)}</a>" for word in words),
        lambda words: ", ".join(" ".join(word.split()) for word in words),
        lambda words: "/".join(quote(word, safe="") for word in words),
    ],
    ids=["json", "json as it is", "form of json", "form of ascii json", "form", "xml", "xml with quotes", "one line", "path"],
)
def test_people_and_secrets_are_blotted_out_in_every_writing(write):
    words = [SHY.name, SHY.line1, SHY.email, "tok/en+1==", "tok-4711"]
    scrubbed = private(write(words))
    left = [part for word in words for part in word.split() if len(part) > 3 and part in scrubbed]
    assert left == []


@pytest.mark.parametrize("said", ["+91 98450 11223", "9845011223", "919845011223", "09845011223", "+919845011223"])
def test_a_phone_is_blotted_out_however_a_carrier_writes_it(said):
    assert "845" not in private(f'{{"phone": "{said}", "mobile": {said.strip("+").replace(" ", "")}}}')


def test_the_second_phone_is_blotted_out_too():
    assert "4000" not in private("8040001000 and 080-4000 1000")


def test_both_parties_of_an_order_are_people():
    assert {WAREHOUSE.name, CUSTOMER.name, WAREHOUSE.company} <= private_words(account(), "", order())


def test_the_party_of_a_correction_is_one_too():
    correction = Instruction(booking=Booking(awb="1", carrier_reference="GW1"), party=CUSTOMER)
    assert {CUSTOMER.name, CUSTOMER.phone} <= private_words(account(), "", correction)


def test_the_accounts_secrets_and_token_are_private_and_its_settings_are_not():
    words = private_words(account("ekart"), "tok1", None)
    assert words == {"EKART_1", "rider", "s3same!", "tok1"}


def test_words_too_short_to_be_private_are_left():
    assert private_words(account(secrets={"token": "ab"}), "", None) == frozenset()


def test_postal_code_and_city_are_kept_for_they_explain_most_refusals():
    assert private("560038 Bengaluru is not served") == "560038 Bengaluru is not served"


# --- texts ----------------------------------------------------------------------------------------------


def test_a_request_is_told_without_its_headers():
    request = httpx.Request("PUT", "http://carrier.test/book?x=1", headers={"authorization": "Bearer hush"}, content=b'{"a": 1}')
    assert request_text(request) == 'PUT http://carrier.test/book?x=1\n\n{"a": 1}'


def test_a_reply_is_told_with_its_status_and_type():
    response = httpx.Response(400, headers={"content-type": "text/html"}, content=b"<h1>no</h1>")
    assert response_text(response) == "HTTP 400 text/html\n\n<h1>no</h1>"


@pytest.mark.parametrize(
    ("body", "told"),
    [(b"", ""), (b"\xff\xfe", "��"), (b"%PDF-1.4\x00\x01" + b"x" * 90, "(100 bytes)")],
)
def test_a_body_is_told_as_far_as_it_can_be_read(body, told):
    assert response_text(httpx.Response(200, content=body)) == f"HTTP 200 \n\n{told}"


def test_a_long_text_is_kept_to_its_beginning_and_nothing_private_is_half_cut_off():
    assert scrub("x" * 3996 + "secret" + "y" * 3000, ["secret"]) == "x" * 3996 + "***y"
