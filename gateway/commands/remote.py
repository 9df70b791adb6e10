"""The API as the command line asks it: one key, one address, every problem told in one line with its fields and cure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import msgspec
import rich_click as click

from gateway.commands.ledger import Failed
from gateway.settings import from_environment

_PATIENCE = 60.0
_PAGE = 200

KEY = click.option("--key", envvar="GATEWAY_KEY", help="An API key; GATEWAY_KEY if left out.")
URL = click.option("--url", envvar="GATEWAY_URL", help="Where the API is; GATEWAY_URL, else this machine's.")


def over_api(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--key` and `--url` as one `Remote`, the command's first argument."""

    @KEY
    @URL
    @functools.wraps(command)
    def with_remote(*arguments: Any, key: str | None, url: str | None, **more: Any) -> Any:
        if not key:
            raise click.UsageError("an API key is needed: --key, or GATEWAY_KEY; `gateway keys create` makes one")
        with Remote(url or from_environment().api_url, key) as remote:
            return command(remote, *arguments, **more)

    return with_remote


class Remote:
    """Raises Failed for every answer that is none of the 2xx, and where nobody answers."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(base_url=f"{url.rstrip('/')}/v1", headers={"authorization": f"Bearer {key}"}, timeout=_PATIENCE)

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **parameters: Any) -> Any:
        return msgspec.json.decode(self.ask("GET", path, params=_given(parameters)).content)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Any:
        return msgspec.json.decode(self.ask("POST", path, json=body, headers=headers).content)

    def pages(self, path: str, most: int, **parameters: Any) -> Iterator[dict[str, Any]]:
        """The entries of a list, page after page, up to so many."""
        after: str | None = None
        while most > 0:
            page = self.get(path, limit=min(most, _PAGE), after=after, **parameters)
            yield from page["data"]
            after = page["page"]["next"]
            if after is None:
                return
            most -= len(page["data"])

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **more)
        except httpx.InvalidURL as error:
            raise Failed(f"{self._http.base_url}: {error}") from error
        except httpx.TransportError as error:
            why = "start `gateway serve`, or name another with --url"
            raise Failed(f"no gateway answers at {self._http.base_url.copy_with(path='')}: {why}") from error
        if not response.is_success:
            raise Failed(_told(response))
        return response


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value not in (None, "", ())}


def _told(response: httpx.Response) -> str:
    """A problem document in one line: its detail, then each field."""
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        return f"HTTP {response.status_code}"
    fields = "".join(f"; {one.get('pointer') or 'body'} {one.get('detail', '')}" for one in problem.get("errors") or ())
    return f"{problem.get('title', 'refused')}: {problem.get('detail', '')}{fields}".rstrip(": ")
