"""Problem details (RFC 9457): every refusal of the API is one of the kinds in this table, each with a page of its own.

`type` is that page's address, relative to the API unless GATEWAY_PUBLIC_URL is set. An unexpected error is told as `internal`
with the request's id and nothing of its insides.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from gateway import ids
from gateway.carriers.client import NoLab
from gateway.services.accepting import DuplicateReference
from gateway.services.commanding import WrongState
from gateway.store.accounts import NoPolicy

_log = structlog.get_logger()
_REQUEST_ID = re.compile(r"[!-~]{1,128}")
MEDIA_TYPE = "application/problem+json"


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of problem: its page says what it means and what to do."""

    code: str
    status: int
    title: str
    cure: str


def _kinds(*rows: tuple[str, int, str, str]) -> dict[str, Kind]:
    return {code: Kind(code=code, status=status, title=title, cure=cure) for code, status, title, cure in rows}


KINDS = _kinds(
    ("malformed", 400, "The body cannot be read",
     "Send one JSON object in UTF-8; `detail` says where reading stopped."),
    ("invalid_parameter", 400, "A parameter of the address or a header is wrong",
     "`errors` names each parameter and what it may be. Parameters we do not know are refused, so that a typing error is seen."),
    ("missing_idempotency_key", 400, "An Idempotency-Key is needed",
     "Send the header Idempotency-Key with a fresh random value for each new pickup, and the same value when you ask again."),
    ("unauthorized", 401, "No valid API key",
     "Send `Authorization: Bearer gw_test_...` or `gw_live_...`; a revoked or expired key must be replaced."),
    ("forbidden", 403, "The key may not do this",
     "Use a key with the scope named in `detail`, or have one made by a key with the scope `admin`."),
    ("test_only", 403, "Only for test keys", "Use a key that begins with gw_test_."),
    ("not_found", 404, "There is no such thing",
     "Check the id, and that the key belongs to the same merchant and mode: what is another's is not found."),
    ("method_not_allowed", 405, "The address does not take this method", "The header Allow lists the methods it takes."),
    ("not_acceptable", 406, "Not in this format", "`detail` lists the formats there are."),
    ("wrong_state", 409, "Not now",
     "`detail` says in which state the thing is and what can be done in it."),
    ("duplicate_reference", 409, "The reference is in use",
     "`existing` is the id of the pickup with this reference, which has not ended. Follow that one, or use another reference."),
    ("name_taken", 409, "The name is in use",
     "`existing` is the id of the one that has it. Go on with that one, or choose another name."),
    ("stale_version", 409, "Somebody was faster", "Read it again, look at what changed, and decide anew with the new version."),
    ("in_flight", 409, "The first request with this key is still at work",
     "Wait as long as Retry-After says and send the same request with the same key again."),
    ("carrier_refused", 409, "The carrier says no",
     "`carrier` tells in the carrier's own code and words. Where it speaks of credentials, correct those of the carrier account."),
    ("too_large", 413, "The body is too large", "Send at most 256 KiB."),
    ("unsupported_media_type", 415, "Not a content type we read",
     "Send `Content-Type: application/json`; `detail` lists what else is read here."),
    ("invalid", 422, "The body has errors",
     "`errors` lists all of them: where (a JSON pointer, or a line), which rule, and what would be right."),
    ("unconvertible", 422, "The label cannot be had in this format",
     "`detail` says why, and in which format it is; it will be the same next time."),
    ("key_reused", 422, "The Idempotency-Key was used for another request",
     "Use a fresh key for a new request; a key stands for one body at one address for 72 hours."),
    ("too_many_requests", 429, "Too many requests",
     "Wait as long as Retry-After says; the header RateLimit-Policy states the limit."),
    ("internal", 500, "Our mistake", "Nothing half-done is left. Tell us the request_id."),
    ("lab_not_running", 503, "The lab is not running",
     "Test keys ask simulated carriers: start them with `gateway lab` (`gateway serve` does), or give the account a base_url."),
    ("carrier_unavailable", 503, "The carrier does not answer",
     "Nothing was changed. Ask again as Retry-After says; `carrier` tells what came instead of an answer."),
    ("no_policy", 503, "No policy can be used", "Set one in your currency with PUT /v1/policies/current."),
    ("unavailable", 503, "Busy", "Try again as Retry-After says; with an Idempotency-Key that is always safe."),
)  # fmt: skip


class ErrorItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong: in the body (`pointer`), in the address or a header (`parameter`), or on a `line` of a file."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None
    line: int | None = None


class CarrierPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the carrier had to do with it. `code` is the kind of its no or its silence in our words, the raw ones are its own.

    `retryable`: the same question may be answered later, not before `retry_after` seconds where that is known.
    """

    code: str
    raw_code: str
    raw_message: str
    retryable: bool
    retry_after: int | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457). `type` is a page that explains it, `code` its last part; `errors` lists all that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: tuple[ErrorItem, ...] = ()
    existing: str = ""
    carrier: CarrierPart | None = None


class ProblemError(Exception):
    """A request is refused as one of KINDS."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Iterable[ErrorItem] = (),
        existing: str = "",
        carrier: CarrierPart | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = KINDS[code]
        self.errors = tuple(errors)
        self.detail = detail or _first(self.errors) or self.kind.cure
        self.existing = existing
        self.carrier = carrier
        self.headers = dict(headers or {})
        super().__init__(f"{code}: {self.detail}")


def _first(errors: tuple[ErrorItem, ...]) -> str:
    """The first error in a sentence, and how many more there are."""
    if not errors:
        return ""
    one = errors[0]
    place = one.parameter or one.pointer or ("" if one.line is None else f"line {one.line}")
    more = f" (and {len(errors) - 1} more, in `errors`)" if len(errors) > 1 else ""
    return f"{place}: {one.detail}{more}" if place else f"{one.detail}{more}"


def request_id(scope: Any) -> str:
    """The caller's X-Request-Id if it is 1 to 128 visible ASCII characters, else one of ours; the same for all of a request."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
        state["request_id"] = given if _REQUEST_ID.fullmatch(given) else ids.new("req")
    found: str = state["request_id"]
    return found


def document(request: Request[Any, Any, Any], problem: ProblemError) -> Problem:
    """The problem as this request's answer tells it."""
    kind = problem.kind
    return Problem(
        type=f"{request.app.state.settings.public_url}/problems/{kind.code}",
        title=kind.title,
        status=kind.status,
        detail=problem.detail,
        instance=request.scope["path"],
        code=kind.code,
        request_id=request_id(request.scope),
        errors=problem.errors,
        existing=problem.existing,
        carrier=problem.carrier,
    )


def answer(request: Request[Any, Any, Any], problem: ProblemError) -> Response[bytes]:
    """The problem as an answer to this request."""
    content = msgspec.json.encode(document(request, problem))
    return Response(content, status_code=problem.kind.status, headers=problem.headers, media_type=MEDIA_TYPE)


# --- what is raised below and inside Litestar -------------------------------------------------------


def _from_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own refusals: unknown paths and methods, sizes, parameters."""
    if isinstance(error, ValidationException):
        return answer(request, _from_parameters(error))
    code = _BY_STATUS.get(error.status_code)
    if code is None:
        return _unexpected(request, error)
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return answer(request, ProblemError(code, headers=headers))


def _from_parameters(error: ValidationException) -> ProblemError:
    found: list[dict[str, str]] = error.extra if isinstance(error.extra, list) else []
    if any(item.get("source") == "body" for item in found):
        return ProblemError("malformed", "the body is empty: send a JSON object")
    errors = [ErrorItem(parameter=item.get("key", ""), code="invalid", detail=item["message"]) for item in found]
    missing = re.match(r"Missing required \w+ parameter '([^']+)'", error.detail)
    if missing:
        errors.append(ErrorItem(parameter=missing[1], code="missing", detail="is missing"))
    return ProblemError("invalid_parameter", errors=errors)


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Kind and place are logged; not the error's words nor any values, for they may be a person's or a key."""
    route, named = request.scope.get("path_template", ""), request_id(request.scope)
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames if "/litestar/" not in frame.filename]
    _log.error("request.failed", route=route, request=named, error=type(error).__qualname__, at=places[-8:])
    return answer(request, ProblemError("internal"))


_BY_STATUS = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_SOON = {"Retry-After": "1"}


def _as(code: str, headers: Mapping[str, str] | None = None) -> Any:
    """A handler that tells an error of the floors below, in its own words, as this kind."""
    return lambda request, error: answer(request, ProblemError(code, str(error), headers=headers))


def _duplicate(request: Request[Any, Any, Any], error: DuplicateReference) -> Response[bytes]:
    return answer(request, ProblemError("duplicate_reference", str(error), existing=error.pickup_id))


HANDLERS: dict[Any, Any] = {
    ProblemError: answer,
    HTTPException: _from_http,
    WrongState: _as("wrong_state"),
    DuplicateReference: _duplicate,
    NoLab: _as("lab_not_running", {"Retry-After": "5"}),
    NoPolicy: _as("no_policy", {"Retry-After": "60"}),
    sa.exc.OperationalError: lambda request, error: answer(request, ProblemError("unavailable", headers=_SOON)),
    sa.exc.TimeoutError: lambda request, error: answer(request, ProblemError("unavailable", headers=_SOON)),
    Exception: _unexpected,
}
