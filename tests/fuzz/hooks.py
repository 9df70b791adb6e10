"""What Schemathesis is told beyond its settings: loaded by schemathesis.toml."""

from __future__ import annotations

import re
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

# What a body or parameter is refused for by its own form, and a schema can tell.
_FORM = frozenset({"wrong_type", "too_short", "too_long", "too_small", "too_large", "unknown_field", "not_one_of"})
# What stands in these is each carrier's own: no schema can tell their names and limits.
_CARRIERS_OWN = re.compile("/(extra|settings|credentials)(/|$)")
_HOST = re.compile(r"(?<=://)[^/?#]*")


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Nobody out there hears of this: endpoints that fit the contract lie in a domain that never is (RFC 2606)."""
    body = case.body
    url = body.get("url") if "webhook-endpoints" in case.path and isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(url, str):
        case.body = {**body, "url": _HOST.sub("hooks.invalid", url)}


@schemathesis.check
def refused_for_its_form(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """What fits the contract is never refused for its form: else the contract keeps a limit to itself."""
    made_to_fit = case.meta is not None and case.meta.generation.mode.is_positive
    if made_to_fit and response.status_code in (400, 422):
        errors = response.json().get("errors", ())
        kept_back = [error for error in errors if error["code"] in _FORM and not _CARRIERS_OWN.search(error.get("pointer", ""))]
        assert not kept_back, f"refused for a limit that the contract does not tell: {kept_back}"


@schemathesis.check
class EveryOperationWasReached:
    """A run in which an operation was only ever refused shows nothing about it."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._reached: set[str] = set()

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> None:
        self._asked.add(case.operation.label)
        if response.status_code < 300:
            self._reached.add(case.operation.label)

    def after_run(self, ctx: CheckContext) -> None:
        never = sorted(self._asked - self._reached)
        assert not never, f"never answered with a 2xx: {', '.join(never)}"
