"""The contract: Litestar's account of the operations, with every shape as msgspec has it.

`python -m gateway.web.openapi` writes it. Litestar knows paths, parameters and refusals; the shapes are described by the types
that read and write them, so that limits, closed objects and examples are those that hold.
"""

from __future__ import annotations

import enum
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Tag

from gateway.settings import Settings
from gateway.web import (
    addresses,
    admin_shapes,
    batch,
    card_shapes,
    labels,
    problems,
    quotes,
    scorecard_views,
    setup_shapes,
    setup_views,
    shapes,
    tracking,
    views,
    webhook_shapes,
)
from gateway.web.app import create_app
from gateway.web.examples import EXAMPLES

FILE = Path(__file__).with_name("openapi.json")

_TAGS = {
    "Prices": "What carriers would ask, and where they go.",
    "Pickups": "Reverse pickups: a customer's return, collected at the door and brought to a warehouse.",
    "Tracking": "Where parcels are, whoever booked them.",
    "Events": "What happened, to be pulled.",
    "Webhooks": "The same events, sent to your endpoints: signed, tried again, logged and replayed.",
    "Analytics": "Carriers beside each other by what they did, and other policies tried on it.",
    "Exceptions": "Pickups that do not go on by themselves as promised.",
    "Carriers": "The carriers there are, and your accounts with them.",
    "Settings": "Rate cards, the policy, warehouses, API keys.",
    "Administration": "Merchants, the audit log and erasure; with a key of the installation (`gw_admin_...`) or a merchant's own.",
    "Testing": "Time in test mode.",
    "Callbacks": "For carriers.",
    "Health": "For supervisors.",
}
_ABOUT = (
    "A carrier-agnostic gateway for shipping and reverse pickups: it picks the cheapest reliable carrier, books it exactly once "
    "and heals failed pickups. Keys that begin with `gw_test_` reach simulated carriers. Amounts are decimal texts with a "
    "currency, weights grams, lengths millimetres, instants UTC (RFC 3339). Texts hold no control characters but tabs and line "
    "breaks. Refusals are problem details (RFC 9457) and tell all "
    "errors at once."
)


def config() -> OpenAPIConfig:
    key = SecurityScheme(type="http", scheme="bearer", description="An API key: gw_test_... or gw_live_...")
    return OpenAPIConfig(
        title="Pickup gateway",
        version="1",
        description=_ABOUT,
        components=Components(security_schemes={"key": key}),
        security=[{"key": []}],
        tags=[Tag(name=name, description=text) for name, text in _TAGS.items()],
        use_handler_docstrings=True,
        path="/unused",
        render_plugins=[],
    )


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    app = create_app(Settings(data_dir=Path("unused")), openapi=config())
    found: dict[str, Any] = msgspec.to_builtins(app.openapi_schema.to_schema(), str_keys=True)
    used = set(found["components"]["schemas"])
    found["components"]["schemas"] = _schemas(used)
    found["paths"] = {path: item for path, item in sorted(found["paths"].items()) if path.startswith(("/v1", "/health"))}
    shared: dict[str, Any] = {}
    for path, item in found["paths"].items():
        for operation in item.values():
            _polish(path, operation)
            _link(operation, found["paths"])
            _tell_headers(operation)
            operation["responses"] = {status: _shared(one, shared) for status, one in operation["responses"].items()}
    found["components"]["responses"] = dict(sorted(shared.items()))
    found["components"]["headers"] = {name: _header(text) for name, text in _HEADERS.items()}
    return found


def text() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


_HEADERS = {
    "X-Request-Id": "Yours, if you sent one (1 to 128 visible ASCII characters), else ours: it stands in our logs.",
    "RateLimit-Policy": 'Your key\'s quota: `"key";q=6000;w=10` is a bucket of 6000 requests that fills up in 10 seconds.',
    "RateLimit": 'What is left of it: `"key";r=5999;t=1`, full again in `t` seconds.',
    "Retry-After": "Seconds to wait before asking again.",
}
_QUOTA = ("RateLimit-Policy", "RateLimit")


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


def _tell_headers(operation: dict[str, Any]) -> None:
    """What every answer brings along, and what those that say later do."""
    closed = operation.get("security") != [{}]
    for status, response in operation["responses"].items():
        names = ["X-Request-Id", *(_QUOTA if closed and (status[0] == "2" or status == "429") else ())]
        names += ["Retry-After"] if status in ("429", "503") else []
        refs = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = response.get("headers", {}) | refs


_TRIED = ("createRateCard", "200")  # a dry run: there is nothing to go on with

# Whose answers hold ids that other operations have in their paths: the parameter, and where its value stands.
_IDS: Mapping[str, Mapping[str, str]] = {
    "createApiKey": {"key_id": "/id"},
    "createCarrierAccount": {"account_id": "/id"},
    "createLocation": {"location_id": "/id"},
    "createMerchant": {"merchant_id": "/id"},
    "createPickup": {"pickup_id": "/id"},
    "createRateCard": {"card_id": "/id"},
    "createWebhookEndpoint": {"endpoint_id": "/id"},
    "listCarriers": {"code": "/data/0/code"},
    "listExceptions": {"exception_id": "/data/0/id"},
    "listPickupBookings": {"carrier": "/data/0/carrier", "awb": "/data/0/awb"},
    "listPickupVisits": {"visit_id": "/data/0/id"},
    "listPickups": {"pickup_id": "/data/0/id"},
    "listRateCards": {"card_id": "/data/0/id"},
    "listWebhookDeliveries": {"delivery_id": "/data/0/id"},
}


def _link(operation: dict[str, Any], paths: dict[str, Any]) -> None:
    """Tell which operations can go on with what this one answers."""
    own = {one["name"]: f"$request.path.{one['name']}" for one in operation.get("parameters", ()) if one["in"] == "path"}
    given = {name: f"$response.body#{place}" for name, place in _IDS.get(operation["operationId"], {}).items()}
    for status, response in operation["responses"].items():
        tried = (operation["operationId"], status) == _TRIED
        links = dict(_links(own, given, paths)) if status[0] == "2" and not tried else {}
        response |= {"links": links} if links else {}


def _links(own: Mapping[str, str], given: Mapping[str, str], paths: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """To the operations whose path can be filled, with something of what is `given` in it."""
    for path, item in paths.items():
        names = set(re.findall(r"{(\w+)}", path))
        if names & given.keys() and names <= own.keys() | given.keys():
            parameters = {name: {**own, **given}[name] for name in sorted(names)}
            for other in item.values():
                yield other["operationId"], {"operationId": other["operationId"], "parameters": parameters}


def _schemas(used: set[str]) -> dict[str, Any]:
    """The shapes by name, as the types have them."""
    known = {name: kind for module in _MODULES for name, kind in vars(module).items() if _is_shape(kind, module)}
    _, found = msgspec.json.schema_components(
        [known[name] for name in sorted(used) if name in known], ref_template="#/components/schemas/{name}"
    )
    for name, schema in found.items():
        _tell_emptiness(schema)
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
    return dict(sorted(found.items()))


def _tell_emptiness(schema: Any) -> None:
    """A text that must not be empty must not be blank either."""
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _tell_emptiness(inner)
    if isinstance(schema, dict) and schema.get("type") == "string" and schema.get("minLength"):
        schema.setdefault("pattern", r"\S")


_MODULES = (
    addresses,
    admin_shapes,
    shapes,
    setup_shapes,
    views,
    setup_views,
    problems,
    batch,
    tracking,
    labels,
    webhook_shapes,
    scorecard_views,
    card_shapes,
    quotes,
)


def _shared(response: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """A refusal is written down once, under the codes it may have; headers in one order, for Litestar has them in a set."""
    response["headers"] = dict(sorted(response.get("headers", {}).items()))
    problem = (response.get("content") or {}).get(problems.MEDIA_TYPE)
    if problem is None:
        return response
    examples = {one["value"]["code"]: one for one in problem["examples"].values()}
    name = "_or_".join(sorted(examples))
    problem["examples"] = examples
    shared[name] = response
    return {"$ref": f"#/components/responses/{name}"}


def _is_shape(kind: object, module: ModuleType) -> bool:
    """Whether it is a shape of this module's own: others may import a row of the same name."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct | enum.Enum) and kind.__module__ == module.__name__


def _polish(path: str, operation: dict[str, Any]) -> None:
    """What Litestar cannot know of a few operations."""
    operation.pop("deprecated", None)
    for parameter in operation.get("parameters", ()):
        _drop_null(parameter["schema"])
    if operation["operationId"] in ("createPickup", "createPickups"):
        next(one for one in operation["parameters"] if one["name"] == "Idempotency-Key")["required"] = True
    if path == "/v1/rate-cards" and "requestBody" in operation:
        file = {"schema": {"type": "string", "description": "The file itself."}}
        operation["requestBody"]["content"] |= {"text/csv": file, "application/toml": file}
    if path == "/v1/pickups/{pickup_id}/label":
        binary = {"schema": {"type": "string", "format": "binary"}}
        operation["responses"]["200"]["content"] = dict.fromkeys(labels.MEDIA_TYPES, binary)
    if path == "/v1/callbacks/{carrier}/{token}":
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": {}}}}


def _drop_null(schema: dict[str, Any]) -> None:
    """A parameter that is not needed is left out; an address or a header has no null."""
    for one in schema.pop("oneOf", ()):
        schema |= one if one != {"type": "null"} else {}


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"{FILE}: {len(document()['paths'])} paths", file=sys.stderr)
