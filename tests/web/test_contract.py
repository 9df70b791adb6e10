"""The contract: what is committed is what is served, every operation is told in full, and every example holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest

from gateway.values import Mode
from gateway.web import bodies, openapi, setup_shapes, shapes, views
from gateway.web.examples import EXAMPLES
from gateway.web.problems import KINDS, ProblemError
from gateway.web.setup_shapes import AccountAbout
from tests.web.shop import Shop, body
from tests.web.test_access import CONTRACT, operations
from tests.web.test_bodies import about


def test_the_committed_contract_is_the_one_the_code_makes() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text(), "write it anew: python -m gateway.web.openapi"


def test_every_reference_and_every_link_of_the_contract_leads_somewhere() -> None:
    names = {operation["operationId"] for _, _, operation in operations()}
    for name, value in leaves(CONTRACT):
        if name == "$ref":
            found: Any = CONTRACT
            for step in value.removeprefix("#/").split("/"):
                assert step in found, value
                found = found[step]
    assert {link["operationId"] for link in links()} <= names


def test_what_is_made_links_to_what_can_be_done_with_it() -> None:
    made = CONTRACT["paths"]["/v1/pickups"]["post"]["responses"]["202"]["links"]
    assert made["cancelPickup"] == {"operationId": "cancelPickup", "parameters": {"pickup_id": "$response.body#/id"}}
    visits = CONTRACT["paths"]["/v1/pickups/{pickup_id}/visits"]["get"]["responses"]["200"]["links"]
    known = {"pickup_id": "$request.path.pickup_id", "visit_id": "$response.body#/data/0/id"}
    assert visits["disputeVisit"]["parameters"] == known


def test_a_dry_run_links_to_nothing() -> None:
    answers = CONTRACT["paths"]["/v1/rate-cards"]["post"]["responses"]
    assert ("links" in answers["201"], "links" in answers["200"]) == (True, False)


def test_a_parameter_is_left_out_and_never_null() -> None:
    schemas = [parameter["schema"] for _, _, operation in operations() for parameter in operation.get("parameters", ())]
    assert [schema for schema in schemas if {"type": "null"} in schema.get("oneOf", ())] == []


def test_the_contract_is_served(shop: Shop) -> None:
    answer = shop.client.get("/openapi.json")
    assert (answer.json(), answer.json()["openapi"]) == (CONTRACT, "3.1.0")


def test_every_operation_has_its_name_its_summary_and_a_group() -> None:
    told = [(operation["operationId"], operation["summary"], operation["tags"]) for _, _, operation in operations()]
    assert len({name for name, _, _ in told}) == len(told)
    assert {tag for _, _, tags in told for tag in tags} == {tag["name"] for tag in CONTRACT["tags"]}


def test_every_refusal_is_a_problem_with_an_example_of_each_kind() -> None:
    for shared in CONTRACT["components"]["responses"].values():
        (media,) = shared["content"].values()
        assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
        for code, example in media["examples"].items():
            assert example["value"]["status"] == KINDS[code].status
            jsonschema.validate(example["value"], _schema("Problem"))


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in operations()])
def test_an_operation_tells_every_refusal_it_may_give(method: str, path: str) -> None:
    operation = CONTRACT["paths"][path][method.lower()]
    told = {status for status in operation["responses"] if int(status) >= 400}
    closed = operation.get("security") != [{}]
    expected = {"401", "403", "429"} if closed else set()
    expected |= {"404"} if "{" in path else set()
    expected |= {"413", "415", "422"} if closed and "requestBody" in operation else set()
    assert expected <= told


def test_every_path_the_api_serves_is_in_the_contract_and_nothing_else(shop: Shop) -> None:
    served = {re.sub(r":str", "", route.path) for route in shop.client.app.routes if route.path.startswith(("/v1", "/health"))}
    assert served == set(CONTRACT["paths"])


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_fits_its_schema(name: str) -> None:
    jsonschema.validate(EXAMPLES[name], _schema(name), format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("name", sorted(name for name in EXAMPLES if hasattr(views, name) and name not in ("PickupList",)))
def test_every_example_of_an_answer_is_one_the_api_could_give(name: str) -> None:
    shape = getattr(views, name)
    assert msgspec.to_builtins(msgspec.convert(EXAMPLES[name], shape), str_keys=True) == EXAMPLES[name]


def test_the_examples_of_pickups_and_quotes_are_accepted(running: Shop) -> None:
    assert running.ask_to_book(EXAMPLES["PickupRequest"]).status_code == 202
    assert running.call("POST", "/v1/quotes", json=EXAMPLES["QuoteRequest"]).status_code == 200


def test_the_examples_of_settings_are_accepted(shop: Shop) -> None:
    made = shop.post("/v1/carrier-accounts", EXAMPLES["AccountRequest"])
    assert shop.call("PATCH", f"/v1/carrier-accounts/{made['id']}", json=EXAMPLES["AccountPatch"]).status_code == 200
    assert shop.call("POST", "/v1/locations", json=EXAMPLES["LocationRequest"]).status_code == 201
    assert shop.call("POST", "/v1/api-keys", json=EXAMPLES["KeyRequest"]).status_code == 201
    assert shop.call("POST", "/v1/rate-cards", json=EXAMPLES["RateCardRequest"]).status_code == 201
    assert shop.call("PUT", "/v1/policies/current", json=EXAMPLES["PolicyRequest"]).status_code == 200


@pytest.mark.parametrize("shape", [shapes.PickupRequest, shapes.ContactRequest, shapes.ActionRequest, setup_shapes.AccountRequest])
def test_the_schema_and_the_reader_agree_on_what_is_too_much(shape: Any) -> None:
    """What the schema refuses for its form the reader refuses too: they are made of the same types."""
    schema = _schema(shape.__name__)
    wrong = {"surprise": 1}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)
    with pytest.raises(ProblemError):
        bodies.read(json.dumps(wrong).encode(), shape, _about(shape))


def test_answers_of_the_running_api_fit_their_schemas(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    asked = {
        "Pickup": f"/v1/pickups/{pickup_id}?expand=bookings,visits,decision,events,label",
        "PickupList": "/v1/pickups?expand=events",
        "EventList": f"/v1/pickups/{pickup_id}/events",
        "BookingList": f"/v1/pickups/{pickup_id}/bookings",
        "VisitList": f"/v1/pickups/{pickup_id}/visits",
        "Decision": f"/v1/pickups/{pickup_id}/decision",
        "CarrierList": "/v1/carriers",
        "AccountList": "/v1/carrier-accounts",
        "RateCardList": "/v1/rate-cards",
        "PolicyView": "/v1/policies/current",
        "KeyList": "/v1/api-keys",
        "ExceptionList": "/v1/exceptions",
        "Serviceability": "/v1/serviceability?from=560038&to=394101",
    }
    for name, path in asked.items():
        jsonschema.validate(running.get(path), _schema(name))
    jsonschema.validate(running.post("/v1/quotes", body()), _schema("Quotes"))
    jsonschema.validate(running.post("/v1/pickups/validate", body()), _schema("Validation"))


# --- pages -----------------------------------------------------------------------------------------


def test_the_documentation_tells_every_operation_and_every_shape(shop: Shop) -> None:
    page = shop.client.get("/docs").text
    names = [operation["operationId"] for _, _, operation in operations()] + list(CONTRACT["components"]["schemas"])
    assert [name for name in names if f'id="{name}"' not in page] == []


def test_no_link_of_the_documentation_leads_nowhere(shop: Shop) -> None:
    page = shop.client.get("/docs").text
    inside = set(re.findall(r'href="#([^"]+)"', page))
    outside = set(re.findall(r'(?:href|src)="(?!#)([^"]+)"', page))
    assert inside <= set(re.findall(r'id="([^"]+)"', page))
    assert {path: shop.client.get(path).status_code for path in outside} == dict.fromkeys(outside, 200)


def test_a_page_loads_nothing_from_elsewhere_and_runs_no_script(shop: Shop) -> None:
    answer = shop.client.get("/docs")
    assert "<script" not in answer.text and "http://" not in re.sub(r"<pre>.*?</pre>", "", answer.text, flags=re.S)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert shop.client.get("/docs/style.css").headers["content-type"].startswith("text/css")


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All that is no object and no list, under the name it stands by."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    else:
        yield name, value


def links() -> Iterator[dict[str, Any]]:
    for _, _, operation in operations():
        for response in operation["responses"].values():
            yield from response.get("links", {}).values()


def _schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}


def _about(shape: Any) -> Any:
    if shape is setup_shapes.AccountRequest:
        return AccountAbout(mode=Mode.TEST, egress_allow=frozenset())
    return about()
