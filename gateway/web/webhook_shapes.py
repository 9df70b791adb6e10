"""Webhook endpoints and their deliveries: what a merchant sends, and what it is answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.life.events import EVENT_TYPES
from gateway.store.webhooks import Delivery, Endpoint
from gateway.values import Mode
from gateway.web.addresses import Shape
from gateway.web.bodies import Fault, Parts
from gateway.web.views import PageInfo, View, pick
from gateway.webhooks.guard import Forbidden, place_of
from gateway.webhooks.schedule import State

Types = Annotated[
    tuple[Annotated[str, Meta(max_length=40)], ...],
    Meta(max_length=40, description="Empty: all.", examples=[["pickup.booked", "pickup.collected"]]),
]
_Url = Annotated[str, Meta(min_length=1, max_length=500, examples=["https://hooks.kestrel.example/returns"])]
_Words = Annotated[str, Meta(max_length=200)]


class EndpointAbout(msgspec.Struct, frozen=True, kw_only=True):
    """The mode, and the loopback places that test endpoints may name."""

    mode: Mode
    egress_allow: frozenset[str]


class EndpointRequest(Shape, frozen=True, kw_only=True):
    """Where events are sent: an https address that is public, at port 443 or 8443."""

    url: _Url
    event_types: Types = ()
    description: _Words = ""

    @staticmethod
    def check(parts: Parts, about: EndpointAbout) -> Iterator[Fault]:
        yield from _faults(parts, about)


class EndpointPatch(Shape, frozen=True, kw_only=True):
    """What is changed. `enabled` false pauses: messages wait until it is true again."""

    url: _Url | None = None
    event_types: Types | None = None
    description: _Words | None = None
    enabled: bool | None = None

    @staticmethod
    def check(parts: Parts, about: EndpointAbout) -> Iterator[Fault]:
        yield from _faults(parts, about)


def _faults(parts: Parts, about: EndpointAbout) -> Iterator[Fault]:
    try:
        place_of(parts.get("url") or "https://given.example", about.egress_allow if about.mode is Mode.TEST else frozenset())
    except Forbidden as error:
        yield Fault("/url", "not_allowed", str(error))
    for place, kind in enumerate(parts.get("event_types") or ()):
        if kind not in EVENT_TYPES:
            yield Fault(f"/event_types/{place}", "unknown_type", f"there are {', '.join(EVENT_TYPES)}")


class RotationRequest(Shape, frozen=True, kw_only=True):
    """How long the secret there is now signs beside the new one."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168, description="0: it is not valid any more from now on.")] = 24


# --- answers ---------------------------------------------------------------------------------------


class EndpointView(View, frozen=True, kw_only=True):
    """A webhook endpoint. `secret` is told once: when it is made, and when it is rotated. `state` is paused by you or after five
    days of failures, stopped by its own answer 410; `reason` says which. `previous_secret_until`: so long both secrets sign.
    """

    id: str
    mode: Mode
    url: str
    description: str
    event_types: list[str]
    state: State
    reason: str
    failing_since: dt.datetime | None
    previous_secret_until: dt.datetime | None
    created_at: dt.datetime
    updated_at: dt.datetime
    secret: str | UnsetType = UNSET


class EndpointList(View, frozen=True, kw_only=True):
    data: list[EndpointView]
    page: PageInfo


class AttemptView(View, frozen=True, kw_only=True):
    """One try. `status` null: no answer came, and `error` says why; `answer` is how the answer's body begins."""

    at: dt.datetime
    status: int | None
    milliseconds: int
    answer: str
    error: str


class DeliveryView(View, frozen=True, kw_only=True):
    """One message to one endpoint. `message_id` is its `webhook-id`, the same in every try and replay. `state` is pending,
    delivered or failed; `event` null: a ping.
    """

    id: str
    endpoint: str
    message_id: str
    event: str | None
    type: str
    state: str
    tries: int
    next_try_at: dt.datetime | None
    attempts: list[AttemptView]
    replay_of: str | None
    created_at: dt.datetime
    ended_at: dt.datetime | None


class DeliveryList(View, frozen=True, kw_only=True):
    data: list[DeliveryView]
    page: PageInfo


class Replayed(View, frozen=True, kw_only=True):
    """How many messages are on their way again."""

    deliveries: int


def endpoint(row: Endpoint, secret: str = "") -> EndpointView:
    return pick(
        EndpointView,
        row,
        event_types=list(row.event_types),
        state=State(row.state),
        previous_secret_until=row.previous_until,
        secret=secret or UNSET,
    )


def delivery(row: Delivery) -> DeliveryView:
    return pick(
        DeliveryView,
        row,
        endpoint=row.endpoint_id,
        message_id=row.event_id or row.id,
        event=row.event_id,
        attempts=[pick(AttemptView, one) for one in row.attempts],
    )
