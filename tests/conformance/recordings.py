"""Recorded exchanges of HTTP, in whatever way a recorder writes them down: VCR (Python, Ruby, Go, PHP), EasyVCR, HAR.

They differ in names and nesting only: a list of entries, each with a request and a response; a body is a text or holds one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import yaml

_ENDINGS = (".yaml", ".yml", ".json", ".har")


class _Loader(yaml.CSafeLoader):
    """YAML that knows Ruby's `!binary`."""


_Loader.add_constructor("!binary", lambda loader, node: base64.b64decode(str(node.value)).decode(errors="replace"))


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange. `sent` is the request's JSON, None where it sent none."""

    name: str
    method: str
    url: str
    sent: Any
    status: int
    content: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def reply(self) -> Any:
        return _parsed(self.content)

    def response(self) -> httpx.Response:
        return httpx.Response(self.status, content=self.content, headers={"content-type": "application/json"})


def every(folder: Path) -> list[Recorded]:
    """All exchanges in this folder and below."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in _ENDINGS) if folder.is_dir() else []
    return [one for path in files for one in exchanges(str(path.relative_to(folder)), path.read_text())]


def exchanges(name: str, text: str) -> Iterator[Recorded]:
    for number, entry in enumerate(_entries(yaml.load(text, _Loader))):
        entry = _lower(entry)
        request, response = _lower(entry["request"]), _lower(entry["response"])
        yield Recorded(
            name=f"{name}:{number}",
            method=str(request["method"]).upper(),
            url=str(request.get("uri") or request.get("url")),
            sent=_parsed(_text(request.get("body", request.get("postdata"))).encode()),
            status=_status(response),
            content=_text(response.get("body", response.get("content"))).encode(),
        )


def _entries(recording: Any) -> list[Any]:
    if isinstance(recording, list):
        return recording
    found = recording.get("interactions") or recording.get("http_interactions") or recording.get("log", {}).get("entries")
    return found if isinstance(found, list) else []


def _lower(fields: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in fields.items()}


def _text(body: Any) -> str:
    if isinstance(body, dict):
        body = body.get("string") or body.get("text")
    return body if isinstance(body, str) else ""


def _status(response: dict[str, Any]) -> int:
    status = response.get("code") or response["status"]
    return int(_lower(status)["code"] if isinstance(status, dict) else status)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
