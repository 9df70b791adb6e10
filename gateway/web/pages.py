"""Pages for people: what each kind of problem means, and the API's documentation. No script, nothing from elsewhere."""

from __future__ import annotations

import functools
import importlib.resources
from html import escape
from typing import Any

import msgspec
from litestar import Controller, MediaType, Response, get
from litestar.params import FromPath

from gateway.web.docs import documentation, prose
from gateway.web.problems import KINDS, Kind, ProblemError

_CSP = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}
_KEPT = {"Cache-Control": "public, max-age=300"}


class Pages(Controller):
    include_in_schema = False

    @get(["/", "/docs"], sync_to_thread=False)
    def docs(self) -> Response[str]:
        return _html(_docs())

    @get("/docs/style.css", sync_to_thread=False)
    def style(self) -> Response[bytes]:
        return Response(_file("style.css"), headers=_KEPT, media_type="text/css")

    @get("/openapi.json", sync_to_thread=False)
    def contract(self) -> Response[bytes]:
        return Response(_file("openapi.json"), headers=_KEPT, media_type="application/json")

    @get("/problems", sync_to_thread=False)
    def problems(self) -> Response[str]:
        rows = "".join(_row(kind) for kind in KINDS.values())
        return _html(page("Problems", f"<h1>Problems</h1><dl>{rows}</dl>"))

    @get("/problems/{code:str}", sync_to_thread=False)
    def problem(self, code: FromPath[str]) -> Response[str]:
        if code not in KINDS:
            raise ProblemError("not_found", "there is no such kind of problem; /problems lists all")
        kind = KINDS[code]
        body = f"<h1>{escape(kind.title)}</h1><p><code>{code}</code>, HTTP {kind.status}</p><p>{prose(kind.cure)}</p>"
        return _html(page(kind.title, body + '<p><a href="/problems">All problems</a></p>'))


@functools.cache
def _file(name: str) -> bytes:
    return importlib.resources.files("gateway.web").joinpath(name).read_bytes()


@functools.cache
def _docs() -> str:
    document: dict[str, Any] = msgspec.json.decode(_file("openapi.json"))
    return page("API", documentation(document))


def _html(text: str) -> Response[str]:
    return Response(text, headers={**_CSP, **_KEPT}, media_type=MediaType.HTML)


def _row(kind: Kind) -> str:
    name = f'<a href="/problems/{kind.code}"><code>{kind.code}</code></a> {kind.status}'
    return f"<dt>{name}</dt><dd>{escape(kind.title)}. {prose(kind.cure)}</dd>"


def page(title: str, body: str) -> str:
    """A whole page around a body of HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)} - pickup gateway</title><link rel="stylesheet" href="/docs/style.css"></head>'
        f'<body><header><a href="/docs">Pickup gateway API</a> <a href="/problems">Problems</a> '
        f'<a href="/openapi.json">openapi.json</a></header><main>{body}</main></body></html>'
    )
