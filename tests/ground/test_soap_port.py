"""Requests as the description has them, and answers read as their types: what zeep would pass over is Misread."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.contract.errors import CarrierError, Misread
from adapters.wire import soap

from .swiftline import GOOD, NAMESPACE, PORT, V11, WSDL, Booked, Box, booked, envelope, read, read_inner, reply

XSI = "http://www.w3.org/2001/XMLSchema-instance"
READY = dt.datetime.fromisoformat("2026-03-12T10:00")  # local, as such services write it
FIELDS = {"Reference": "R-1", "Kilograms": Decimal("0.480"), "Ready": READY, "Box": [{"Id": "a"}, {"Id": "b", "Fragile": True}]}


def ask(**changes: object) -> httpx.Request:
    return PORT.request("https://branch.test/soap", "Book", {**FIELDS, **changes})


# --- requests -------------------------------------------------------------------------------------


def test_a_request_is_the_descriptions_envelope():
    inner = "<Reference>R-1</Reference><Kilograms>0.480</Kilograms><Ready>2026-03-12T10:00:00</Ready>"
    boxes = "<Box><Id>a</Id></Box><Box><Id>b</Id><Fragile>true</Fragile></Box>"
    expected = envelope(booked(inner + boxes, name="Booking"))
    assert canonical(ask().content) == canonical(expected)


def test_it_names_its_action_in_quotes():
    request = ask()
    assert (request.method, str(request.url)) == ("POST", "https://branch.test/soap")
    assert request.headers["soapaction"] == '"http://swiftline.test/Book"'
    assert request.headers["content-type"] == "text/xml; charset=utf-8"


def test_an_empty_action_keeps_its_quotes():
    assert PORT.request("https://branch.test/", "Cancel", {"Number": "7"}).headers["soapaction"] == '""'


def test_the_same_fields_make_the_same_bytes_in_whatever_order():
    backwards = dict(reversed(FIELDS.items()))
    assert ask().content == ask().content == PORT.request("https://branch.test/soap", "Book", backwards).content


def test_a_field_that_is_not_in_the_description_is_a_mistake():
    with pytest.raises(TypeError):
        ask(Colour="blue")


def test_markup_in_a_text_is_text():
    written = ask(Reference="</Reference>&<x>").content
    assert etree.fromstring(written)[0][0][0].text == "</Reference>&<x>"


def canonical(content: bytes) -> list[tuple[str, str]]:
    """Names and texts in document order, whatever the prefixes."""
    return [(element.tag, (element.text or "").strip()) for element in etree.fromstring(content).iter()]


# --- answers --------------------------------------------------------------------------------------


def test_every_type_is_read():
    inner = (
        "<Number>007</Number><HasErrors>0</HasErrors><Pieces>2</Pieces><Price>1.5e1</Price><At>2026-03-12T10:00:00</At>"
        "<Paper>JVBERg==</Paper><First><Id>a</Id></First><Box><Id>b</Id><Fragile>1</Fragile></Box><Box><Id>c</Id></Box>"
    )
    assert read_inner(inner) == Booked(
        has_errors=False,
        number="007",
        pieces=2,
        price=15.0,
        at=READY,
        paper=b"%PDF",
        first=Box(id="a"),
        box=[Box(id="b", fragile=True), Box(id="c")],
    )


def test_absent_nil_and_empty_are_the_same():
    nil = f'<First xmlns:i="{XSI}" i:nil="true"/>'
    assert read_inner("<HasErrors>true</HasErrors>" + nil) == read_inner("<HasErrors>true</HasErrors><First/><Number/>")
    assert read_inner("<HasErrors>true</HasErrors>") == Booked(has_errors=True)


@pytest.mark.parametrize("where", [0, len("<Number>007</Number>"), len(GOOD)])
def test_a_new_element_is_passed_over_wherever_it_stands(where):
    assert read_inner(f"{GOOD[:where]}<New><Deep>1</Deep></New>{GOOD[where:]}") == Booked(has_errors=False, number="007")


def test_another_order_is_no_harm():
    assert read_inner("<HasErrors>false</HasErrors><Number>007</Number>") == Booked(has_errors=False, number="007")


@pytest.mark.parametrize(
    "inner",
    [
        "<Number>007</Number>",
        "<HasErrors/>",
        "<HasErrors>TRUE</HasErrors>",
        "<HasErrors>yes</HasErrors>",
        f"{GOOD}<HasErrors>true</HasErrors>",
        f"{GOOD}<Number>008</Number>",
        f"{GOOD}<First><Id>a</Id><Id>b</Id></First>",
        f"{GOOD}<First><Id>a</Id></First><First><Id>b</Id></First>",
        f"{GOOD}<First><Id>a</Id><Fragile>maybe</Fragile></First>",
        f"{GOOD}<Box><Fragile>true</Fragile></Box>",
        f"{GOOD}<Pieces>two</Pieces>",
        f"{GOOD}<Pieces>1_0</Pieces>",
        f"{GOOD}<Pieces>1.5</Pieces>",
        f"{GOOD}<Price>1,50</Price>",
        f"{GOOD}<Price>NaN</Price>",
        f"{GOOD}<At>tomorrow</At>",
        f"{GOOD}<Paper>%</Paper>",
        "<Number>00<b/>7</Number><HasErrors>false</HasErrors>",
        '<Number>007</Number><HasErrors xmlns="http://elsewhere.test/">false</HasErrors>',
        f'{GOOD}<Number xmlns="">008</Number>',
    ],
)
def test_what_zeep_would_pass_over_is_misread(inner):
    assert read_inner(inner) == (Misread,)


def test_a_type_that_the_answer_claims_for_itself_is_ignored():
    claimed = f'<Number xmlns:i="{XSI}" xmlns:x="http://www.w3.org/2001/XMLSchema" i:type="x:int">007</Number>'
    assert read_inner(f"{claimed}<HasErrors>false</HasErrors>") == Booked(has_errors=False, number="007")


def test_an_answer_to_another_operation_is_misread():
    assert read(reply(envelope(booked())), "Cancel") == (Misread,)


SPOILS = (
    "",
    " ",
    "TRUE",
    "-1",
    "0",
    "9" * 400,
    "<x/>",
    "<Number>8</Number>",
    "<!-- -->",
    "&amp;",
    "\x0b",
    "]]>",
    "<![CDATA[<a>]]>",
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_spoilt_answer_is_read_right_or_not_at_all(data):
    """Texts replaced, elements lost, doubled or moved: never another number, never another error than a CarrierError."""
    whole = "<Number>007</Number><HasErrors>false</HasErrors><First><Id>a</Id></First><Box><Id>b</Id></Box><Pieces>2</Pieces>"
    root = etree.fromstring(booked(whole))
    for _ in range(data.draw(st.integers(1, 3))):
        node = data.draw(st.sampled_from(list(root.iter())))
        spoil(node, data.draw(st.sampled_from(["text", "lost", "double", "move"])), data)
    outcome = harmless(etree.tostring(root).decode())
    assert outcome is None or outcome.number in ("007", "")


def spoil(node: Any, how: str, data: Any) -> None:
    parent = node.getparent()
    if how == "text" and node.tag != f"{{{NAMESPACE}}}Number":
        node.text = data.draw(st.sampled_from([text for text in SPOILS if "<" not in text and "\x0b" not in text]))
    elif parent is not None and how == "lost":
        parent.remove(node)
    elif parent is not None and how == "double":
        parent.append(etree.fromstring(etree.tostring(node)))
    elif parent is not None and how == "move":
        parent.insert(0, node)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SPOILS), st.integers(0, 200), st.integers(0, 30))
def test_scrambled_bytes_break_nothing(junk, start, length):
    good = envelope(booked(), V11)
    harmless_reply(good[:start] + junk.encode() + good[start + length :])


def harmless(body: str) -> Booked | None:
    return harmless_reply(envelope(body))


def harmless_reply(content: bytes) -> Booked | None:
    try:
        return PORT.read(reply(content), "Book", Booked)
    except CarrierError:
        return None


# --- the description ------------------------------------------------------------------------------


def test_a_description_sends_for_nothing(tmp_path):
    start = '<xs:element name="Booking">'
    greedy = WSDL.read_text().replace(start, f'<xs:import namespace="http://x.test/" schemaLocation="more.xsd"/>{start}')
    (tmp_path / "greedy.wsdl").write_text(greedy)
    with pytest.raises(LookupError, match="refers to more"):
        soap.Port(tmp_path / "greedy.wsdl", "Swiftline", "Secure").request("https://x.test", "Book", FIELDS)


def test_zeep_is_loaded_by_the_first_envelope_only():
    program = (
        "import sys; from tests.ground.swiftline import PORT; before = 'zeep' in sys.modules; "
        "PORT.request('https://x.test', 'Cancel', {'Number': '7'}); print(before, 'zeep' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True"]
