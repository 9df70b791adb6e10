"""Reading a body: laws that hold for any JSON, and the places errors are told at."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from adapters.contract.places import Party
from gateway.web import bodies
from gateway.web.addresses import About
from gateway.web.bodies import Fault, Parts
from gateway.web.problems import ProblemError
from gateway.web.shapes import PickupRequest
from tests.web.shop import Shop, body

NOW = dt.datetime(2026, 3, 9, 3, 0, tzinfo=dt.UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def about() -> About:
    def location(location_id: str) -> Party | None:
        return None

    return About(now=NOW, currency="INR", location=location, names=frozenset({"delhivery"}))


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1, le=9)]


class Outer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=5, pattern="^[a-z]+$", extra={"form": "small letters"})]
    inner: Inner
    many: tuple[Inner, ...] = ()
    on: dt.date | None = None
    words: dict[str, str] = {}

    @staticmethod
    def check(parts: Parts, about: Any) -> Iterator[Fault]:
        if parts.get("name") == "taken":
            yield Fault("/name", "taken", "is taken")


def read(value: Any) -> Outer:
    return bodies.read(value if isinstance(value, bytes) else json.dumps(value).encode(), Outer)


def faults(value: Any) -> list[tuple[str | None, str]]:
    with pytest.raises(ProblemError) as found:
        read(value)
    return [(error.pointer, error.code) for error in found.value.errors]


def test_a_sound_body_is_read_with_its_defaults() -> None:
    assert read({"name": "a", "inner": {"size": 3}, "on": "2026-02-28"}) == Outer(
        name="a", inner=Inner(size=3), on=dt.date(2026, 2, 28)
    )


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing() -> None:
    """As JSON Schema has it: the contract says integer."""
    assert read({"name": "a", "inner": {"size": 3.0}}).inner.size == 3
    assert faults({"name": "a", "inner": {"size": 3.5}}) == [("/inner/size", "wrong_type")]
    assert faults({"name": "a", "inner": {"size": 1e300}}) == [("/inner/size", "too_large")]


def test_every_error_is_told_in_the_order_of_the_fields() -> None:
    wrong = {"name": "ABC", "inner": {"size": 0, "sise": 1}, "many": [{"size": 5}, {"size": "x"}], "on": "2026-02-30"}
    assert faults(wrong) == [
        ("/name", "invalid_format"),
        ("/inner/sise", "unknown_field"),
        ("/inner/size", "too_small"),
        ("/many/1/size", "wrong_type"),
        ("/on", "invalid_format"),
    ]


def test_what_is_wrong_between_fields_is_told_though_another_field_could_not_be_read() -> None:
    assert faults({"name": "taken", "inner": 5}) == [("/inner", "wrong_type"), ("/name", "taken")]


def test_a_pointer_escapes_what_has_a_meaning_in_it() -> None:
    assert faults({"name": "a", "inner": {"size": 1}, "words": {"a/b~c": 1}}) == [("/words/a~1b~0c", "wrong_type")]


def test_doubled_keys_are_told_at_any_depth() -> None:
    assert faults(b'{"name": "a", "name": "b", "inner": {"size": 1, "size": 1}, "words": {"x": "1", "x": "2"}}') == [
        ("/name", "duplicate_key"),
        ("/inner/size", "duplicate_key"),
        ("/words/x", "duplicate_key"),
    ]


def test_null_is_taken_only_where_nothing_may_stand() -> None:
    assert read({"name": "a", "inner": {"size": 1}, "on": None}).on is None
    assert faults({"name": None, "inner": {"size": 1}}) == [("/name", "wrong_type")]


def test_an_error_says_what_would_be_right() -> None:
    with pytest.raises(ProblemError) as found:
        read({"name": "ABC", "inner": {"size": 12}})
    assert [error.detail for error in found.value.errors] == ["must be small letters", "is 12, at most 9 is taken"]
    assert found.value.detail == "/name: must be small letters (and 1 more, in `errors`)"


@given(JSON)
def test_any_json_is_read_or_refused_with_errors(value: Any) -> None:
    try:
        bodies.read(json.dumps(value).encode(), PickupRequest, about())
    except ProblemError as problem:
        assert problem.kind.status in (400, 422)
        assert problem.kind.status == 400 or problem.errors


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(ProblemError) as found:
        bodies.read(content, PickupRequest, about())
    assert found.value.kind.code in ("malformed", "invalid")


@given(st.data())
def test_a_sound_pickup_with_one_value_replaced_is_read_or_refused_at_that_place(data: st.DataObject) -> None:
    whole = body()
    path = data.draw(st.sampled_from(list(_places(whole))))
    value = data.draw(JSON)
    _put(whole, path, value)
    try:
        bodies.read(json.dumps(whole).encode(), PickupRequest, about())
    except ProblemError as problem:
        assert problem.kind.status in (400, 422)
        where = "".join(f"/{step}" for step in path)
        assert problem.kind.status == 400 or all(_near(error.pointer or "", where) for error in problem.errors)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inner:
        yield (*path, step)
        yield from _places(item, (*path, step))


def _put(whole: Any, path: tuple[Any, ...], value: Any) -> None:
    for step in path[:-1]:
        whole[step] = json.loads(json.dumps(whole[step]))  # the shop's own parts stay as they are
        whole = whole[step]
    whole[path[-1]] = value


def _near(pointer: str, where: str) -> bool:
    """At the changed place, within it, or beside it in the same address."""
    return pointer.startswith(where) or where.startswith(pointer) or pointer.rpartition("/")[0] == where.rpartition("/")[0]


PATHS = ("/v1/quotes", "/v1/locations", "/v1/carrier-accounts", "/v1/rate-cards", "/v1/api-keys", "/v1/test/clock/advance",
         "/v1/exceptions/exc_1/actions", "/v1/pickups/pck_1/contact", "/v1/pickups/validate")  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), value=JSON)
def test_no_json_makes_the_api_fail(shop: Shop, path: str, value: Any) -> None:
    answer = shop.call("POST", path, content=json.dumps(value).encode(), headers={"content-type": "application/json"})
    assert answer.status_code < 500, answer.text


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_to_a_sound_pickup_makes_the_api_fail(shop: Shop, data: st.DataObject) -> None:
    whole = body(reference=data.draw(st.text(min_size=1, max_size=20)))
    _put(whole, data.draw(st.sampled_from(list(_places(whole)))), data.draw(JSON))
    answer = shop.ask_to_book(content=json.dumps(whole).encode(), headers={"content-type": "application/json"})
    assert answer.status_code < 500, answer.text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(max_size=12),
    value=st.text(max_size=30),
    path=st.sampled_from(("/v1/pickups", "/v1/exceptions", "/v1/serviceability")),
)
def test_no_query_makes_the_api_fail(shop: Shop, name: str, value: str, path: str) -> None:
    known = ("state", "carrier", "reference", "expand", "limit", "after", "before", "created_at[gte]", "from", "to", "reason")
    for parameter in (name, known[len(name) % len(known)]):
        answer = shop.call("GET", path, params={parameter: value})
        assert answer.status_code < 500, answer.text
