"""Requests and replies held against an OpenAPI 3.1 file, strictly: what a schema does not declare is an error."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator

Schema = Mapping[str, Any]


class OpenApi:
    def __init__(self, path: Path) -> None:
        self._file: dict[str, Any] = yaml.safe_load(path.read_text())

    def operation(self, method: str, path: str) -> "DocumentedCall":
        """The call that a request's method and path reach. Raises LookupError for an undocumented one."""
        for pattern, calls in self._file["paths"].items():
            if method.lower() in calls and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
                return DocumentedCall(self, pattern, calls[method.lower()])
        raise LookupError(f"{method} {path} is not documented")

    def schema(self, name: str) -> Schema:
        found: Schema = self._file["components"]["schemas"][name]
        return found

    def secured(self, call: Schema) -> bool:
        return bool(call.get("security", self._file.get("security")))

    def resolved(self, schema: Schema) -> dict[str, Any]:
        """Without references and `allOf`; a required name that is declared nowhere takes any value, an empty one is dropped."""
        if "$ref" in schema:
            return self.resolved(self.schema(schema["$ref"].rpartition("/")[2]))
        merged = dict(schema)
        for part in map(self.resolved, merged.pop("allOf", ())):
            merged["properties"] = merged.get("properties", {}) | part.get("properties", {})
            merged["required"] = [*merged.get("required", ()), *part.get("required", ())]
            merged.setdefault("type", part.get("type"))
        if "items" in merged:
            merged["items"] = self.resolved(merged["items"])
        if merged.get("type") == "object" or "properties" in merged:
            merged |= self._strict(merged)
        return merged

    def sample(self, schema: Schema) -> Any:
        """The example a schema gives of itself, else the plainest value it allows, all optional fields included."""
        schema = self.resolved(schema)
        if "example" in schema:
            return schema["example"]
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                return {name: self.sample(part) for name, part in schema["properties"].items()}
            case "array":
                return [self.sample(schema["items"])]
            case plain:
                return {"string": "string", "integer": 1, "number": 1.0, "boolean": True}[str(plain)]

    def _strict(self, schema: Schema) -> dict[str, Any]:
        declared = {name: self.resolved(part) for name, part in schema.get("properties", {}).items()}
        required = [name for name in schema.get("required", ()) if name]
        free: dict[str, Any] = {name: {} for name in required if name not in declared}
        return {"properties": declared | free, "required": required, "additionalProperties": False}


class DocumentedCall:
    def __init__(self, file: OpenApi, pattern: str, call: Schema) -> None:
        self._file, self.pattern, self._call = file, pattern, call

    @property
    def description(self) -> str:
        return str(self._call.get("description", ""))

    def faults(self, request: httpx.Request) -> list[str]:
        """Where a request breaks the file: its body, its query, its credentials."""
        return [*self._body_faults(request), *self._query_faults(request), *self._credential_faults(request)]

    def reply_faults(self, response: httpx.Response) -> list[str]:
        """Where a JSON reply breaks the schema of its status, or the one for errors."""
        documented = self._call["responses"].get(str(response.status_code)) or self._call["responses"]["default"]
        content = documented["content"].get("application/json")
        if content is None:
            return [] if response.headers["content-type"] in documented["content"] else ["another content type"]
        return [*self._schema_faults(content["schema"], response.content)]

    def reply(self) -> Any:
        """A documented 200, drawn from its schema."""
        return self._file.sample(self._call["responses"]["200"]["content"]["application/json"]["schema"])

    def examples(self) -> list[Any]:
        """The JSON blocks of the description, their comments taken off."""
        blocks = re.findall(r"```json\n(.*?)```", self.description, re.DOTALL)
        plain = [re.sub(r"\s//.*", "", block) for block in blocks]
        return [json.loads(text) for text in plain if text.strip().startswith("{")]

    def named_example(self, name: str) -> Any:
        return self._call["responses"]["200"]["content"]["application/json"]["examples"][name]["value"]

    def _body_faults(self, request: httpx.Request) -> Iterator[str]:
        content = self._call.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            if request.content:
                yield "a body where none is documented"
            return
        yield from self._schema_faults(content["schema"], request.content)

    def _schema_faults(self, schema: Schema, content: bytes) -> Iterator[str]:
        validator = Draft202012Validator(self._file.resolved(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)
        for error in validator.iter_errors(json.loads(content)):
            yield f"{error.json_path}: {error.message}"

    def _query_faults(self, request: httpx.Request) -> Iterator[str]:
        declared = {p["name"]: p for p in self._call.get("parameters", ()) if p["in"] == "query"}
        for name in request.url.params:
            if name not in declared:
                yield f"query {name} is not documented"
        for name, parameter in declared.items():
            if parameter.get("required") and name not in request.url.params:
                yield f"query {name} is missing"
            yield from self._value_faults(parameter["schema"], name, request.url.params.get(name))

    @staticmethod
    def _value_faults(schema: Schema, name: str, value: str | None) -> Iterator[str]:
        if value is not None and schema.get("type") == "boolean" and value not in ("true", "false"):
            yield f"query {name} is no boolean"

    def _credential_faults(self, request: httpx.Request) -> Iterator[str]:
        bearer = request.headers.get("authorization", "").startswith("Bearer ")
        if bearer != self._file.secured(self._call):
            yield "a bearer token where none is documented" if bearer else "no bearer token"
