"""The documentation page: the contract told in HTML, one section per operation and per shape."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Node = Mapping[str, Any]


def documentation(document: Node) -> str:
    """The body of the page."""
    operations = list(_operations(document))
    shared = document["components"].get("responses", {})
    return "".join(
        (
            f"<h1>{escape(document['info']['title'])}</h1><p>{prose(document['info']['description'])}</p>",
            _first_steps(),
            *(_group(tag, operations, shared) for tag in document["tags"]),
            "<h2>Shapes</h2>",
            *(_shape(name, shape) for name, shape in document["components"]["schemas"].items()),
        )
    )


def prose(text: str) -> str:
    """Plain words as HTML; what stands in backquotes is code."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def _operations(document: Node) -> Iterator[tuple[str, str, Node]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def _first_steps() -> str:
    return (
        "<h2>First steps</h2><p>Every call but health and callbacks carries a key:</p>"
        "<pre>curl -H 'Authorization: Bearer gw_test_...' http://127.0.0.1:8080/v1/carriers</pre>"
        "<p>Asked again with the same header <code>Idempotency-Key</code>, a POST gives its first answer and does nothing twice. "
        'What can go wrong is listed under <a href="/problems">problems</a>.</p>'
    )


def _group(tag: Node, operations: list[tuple[str, str, Node]], shared: Node) -> str:
    mine = [one for one in operations if tag["name"] in one[2].get("tags", ())]
    listed = "".join(
        f'<li><a href="#{operation["operationId"]}"><b>{method}</b> {escape(path)}</a> {escape(operation["summary"])}</li>'
        for method, path, operation in mine
    )
    details = "".join(_operation(*one, shared) for one in mine)
    return f'<h2 id="{escape(tag["name"])}">{escape(tag["name"])}</h2><p>{prose(tag["description"])}</p><ul>{listed}</ul>{details}'


def _operation(method: str, path: str, operation: Node, shared: Node) -> str:
    return (
        f'<section id="{operation["operationId"]}"><h3>{escape(operation["summary"])}</h3>'
        f'<p class="address"><b>{method}</b> <code>{escape(path)}</code></p><p>{prose(operation.get("description", ""))}</p>'
        f"{_parameters(operation)}{_request(operation)}{_responses(operation, shared)}</section>"
    )


def _parameters(operation: Node) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{one['in']}{', needed' if one.get('required') else ''}</td>"
        f"<td>{_kind(one.get('schema', {}))}</td><td>{prose(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", ())
    )
    return f"<div class=wide><table><tr><th>Parameter<th>Where<th>Type<th>Meaning</tr>{rows}</table></div>" if rows else ""


def _request(operation: Node) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    forms = ", ".join(f"{_kind(one['schema'])} as <code>{escape(form)}</code>" for form, one in content.items())
    return f"<p>Body: {forms}</p>" if forms else ""


def _responses(operation: Node, shared: Node) -> str:
    found = {
        status: shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for status, one in operation["responses"].items()
    }
    rows = "".join(
        f"<tr><td>{status}</td><td>{_answer(one)}</td><td>{escape(one['description'])}</td></tr>"
        for status, one in sorted(found.items())
    )
    return f"<div class=wide><table><tr><th>Status<th>Answer<th>Meaning</tr>{rows}</table></div>"


def _answer(response: Node) -> str:
    kinds = [f"{_kind(one['schema'])}{_codes(one)}" for one in (response.get("content") or {}).values()]
    return " or ".join(dict.fromkeys(kinds))


def _codes(media: Node) -> str:
    """The kinds of problems among the examples, each with its page."""
    codes = [example["value"]["code"] for example in media.get("examples", {}).values() if "code" in example.get("value", {})]
    return "".join(f' <a href="/problems/{code}"><code>{code}</code></a>' for code in codes)


def _shape(name: str, shape: Node) -> str:
    rows = "".join(_field(field, kind, field in shape.get("required", ())) for field, kind in shape.get("properties", {}).items())
    table = f"<div class=wide><table><tr><th>Field<th>Type<th>Meaning</tr>{rows}</table></div>" if rows else _values(shape)
    examples = "".join(f"<pre>{escape(json.dumps(one, indent=2))}</pre>" for one in shape.get("examples", ()))
    told = f"<details><summary>Example</summary>{examples}</details>" if examples else ""
    return (
        f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{prose(shape.get("description", ""))}</p>{table}{told}</section>'
    )


def _field(name: str, kind: Node, needed: bool) -> str:
    return (
        f"<tr><td><code>{escape(name)}</code>{' *' if needed else ''}</td><td>{_kind(kind)}</td>"
        f"<td>{prose(kind.get('description', ''))} {_limits(kind)}</td></tr>"
    )


def _values(shape: Node) -> str:
    return "<p>" + ", ".join(f"<code>{escape(str(value))}</code>" for value in shape.get("enum", ())) + "</p>"


def _kind(kind: Node) -> str:
    """A type in a word or two."""
    if "$ref" in kind:
        name = escape(kind["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    options = kind.get("anyOf") or kind.get("oneOf")
    if options:
        return " or ".join(_kind(option) for option in options)
    if kind.get("type") == "array":
        return f"list of {_kind(kind.get('items', {}))}"
    if "enum" in kind:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in kind["enum"])
    if isinstance(kind.get("additionalProperties"), Mapping):
        return f"text to {_kind(kind['additionalProperties'])}"
    return escape(str(kind.get("format") or kind.get("type") or "anything"))


_LIMITS = {
    "minimum": "from {}", "maximum": "to {}", "minLength": "{} characters at least", "maxLength": "{} at most",
    "minItems": "{} entries at least", "maxItems": "{} at most", "pattern": "like {}", "default": "default {}",
}  # fmt: skip


def _limits(kind: Node) -> str:
    told = [words.format(_value(kind[name])) for name, words in _LIMITS.items() if kind.get(name) not in (None, "", [], {})]
    examples = [f"e.g. {_value(one)}" for one in kind.get("examples", ())]
    return f"<small>{'; '.join(told + examples)}</small>" if told or examples else ""


def _value(value: object) -> str:
    return f"<code>{escape(json.dumps(value) if not isinstance(value, str) else value)}</code>"
