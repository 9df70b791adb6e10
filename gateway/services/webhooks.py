"""Webhook endpoints: set up, rotated, paused, pinged, replayed; and events made into deliveries.

While an endpoint is paused its deliveries wait and go out when it is switched on again; one that said 410 gets none, and what it
missed can be replayed. A message keeps its event's id however often it is sent: receivers tell repeats by `webhook-id`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway import clock, ids
from gateway.services.commanding import WrongState
from gateway.services.kit import Kit
from gateway.store import feed
from gateway.store import webhooks as store
from gateway.store.ledger import EVENTS, Event
from gateway.store.rows import Owner
from gateway.store.vault import Vault
from gateway.store.webhooks import ENDPOINTS, Delivery, Endpoint, Secrets, Try
from gateway.webhooks import signing
from gateway.webhooks.schedule import Attempt, State
from gateway.webhooks.sender import Message, Sender

PING = "webhook_endpoint.ping"
MOST_ENDPOINTS = 50
MOST_REPLAYED = 10_000
KEPT = dt.timedelta(days=30)

_FRESH: dict[str, Any] = {"failing_since": None, "streak": 0, "slow": False, "hold_until": None}


# --- endpoints -------------------------------------------------------------------------------------


def create(
    tx: sa.Connection, vault: Vault, owner: Owner, url: str, event_types: Iterable[str], description: str, wall: dt.datetime
) -> tuple[Endpoint, str]:
    """The endpoint and its secret, which is shown once. Raises WrongState where there are too many."""
    if len(ENDPOINTS.of_owner(tx, owner)) >= MOST_ENDPOINTS:
        raise WrongState(f"there are {MOST_ENDPOINTS} endpoints already: remove one first")
    endpoint_id, secret = ids.new("whe"), signing.new_secret()
    row = Endpoint(
        id=endpoint_id,
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        url=url,
        description=description,
        event_types=tuple(dict.fromkeys(event_types)),
        secrets=store.seal(vault, Secrets(current=secret), owner.merchant_id, endpoint_id),
        state=State.ENABLED,
        created_at=wall,
        updated_at=wall,
    )
    return ENDPOINTS.insert(tx, row), secret


def change(tx: sa.Connection, endpoint: Endpoint, wall: dt.datetime, **changes: Any) -> Endpoint:
    """`enabled` True makes a paused or stopped endpoint as good as new; False pauses it."""
    enabled = changes.pop("enabled", None)
    if enabled is True and endpoint.state != State.ENABLED:
        first = store.next_due(tx, [endpoint.id]).get(endpoint.id)
        changes |= {"state": State.ENABLED, "reason": "", "due_at": first, **_FRESH}
    elif enabled is False and endpoint.state == State.ENABLED:
        changes |= {"state": State.PAUSED, "reason": "by the merchant"}
    return ENDPOINTS.replace(tx, endpoint, updated_at=wall, **changes)


def rotate(tx: sa.Connection, vault: Vault, endpoint: Endpoint, overlap: dt.timedelta, wall: dt.datetime) -> tuple[Endpoint, str]:
    """A new secret, shown once; the one before signs beside it for as long as `overlap`."""
    secrets = Secrets(current=signing.new_secret(), previous=store.unseal(vault, endpoint).current)
    sealed = store.seal(vault, secrets, endpoint.merchant_id, endpoint.id)
    changed = ENDPOINTS.replace(tx, endpoint, secrets=sealed, previous_until=wall + overlap, updated_at=wall)
    return changed, secrets.current


def valid_secrets(vault: Vault, endpoint: Endpoint, wall: dt.datetime) -> tuple[str, ...]:
    secrets = store.unseal(vault, endpoint)
    both = secrets.previous and endpoint.previous_until is not None and wall < endpoint.previous_until
    return (secrets.current, secrets.previous) if both else (secrets.current,)


# --- messages --------------------------------------------------------------------------------------


def body_of(event: Event) -> bytes:
    """The same bytes whenever it is sent."""
    data = {name: value for name, value in event.data.items() if name != "previous"}
    body: dict[str, Any] = {"type": event.type, "timestamp": event.at, "sequence": event.sequence, "data": data}
    if "previous" in event.data:
        body["previous"] = event.data["previous"]
    return msgspec.json.encode(body)


def log_of(attempt: Attempt) -> Try:
    return Try(**msgspec.structs.asdict(attempt))


async def ping(kit: Kit, sender: Sender, endpoint: Endpoint) -> Delivery:
    """One message now, whatever the endpoint's state; it stands in the log and is not tried again."""
    wall, delivery_id = clock.wall(), ids.new("whd")
    data = {"endpoint": endpoint.id, "description": endpoint.description}
    body = msgspec.json.encode({"type": PING, "timestamp": wall, "data": data})
    line = sender.line(endpoint.url, test=endpoint.mode == "test")
    try:
        attempt = await line.send(Message(id=delivery_id, body=body, secrets=valid_secrets(kit.vault, endpoint, wall)))
    finally:
        await line.close()
    return Delivery(
        id=delivery_id,
        merchant_id=endpoint.merchant_id,
        mode=endpoint.mode,
        endpoint_id=endpoint.id,
        type=PING,
        state="delivered" if attempt.taken else "failed",
        tries=1,
        attempts=(log_of(attempt),),
        created_at=wall,
        ended_at=clock.wall(),
    )


# --- events made into deliveries -------------------------------------------------------------------


def fan_out(tx: sa.Connection, wall: dt.datetime, limit: int = 500) -> int:
    """Make the deliveries of events that have none yet; how many events those were."""
    feed.give_places(tx, wall)
    events = store.untold(tx, limit)
    if not events:
        return 0
    listening = store.listening(tx, {_owner(event) for event in events})
    made = [
        new_delivery(endpoint, event, wall, first_at=min(event.created_at, wall))
        for event in events
        for endpoint in listening.get(_owner(event), ())
        if wants(endpoint, event.type)
    ]
    store.add(tx, made, wall)
    store.note_told(tx, events)
    return len(events)


def wants(endpoint: Endpoint, kind: str) -> bool:
    return not endpoint.event_types or kind in endpoint.event_types


def new_delivery(
    endpoint: Endpoint, event: Event, wall: dt.datetime, *, first_at: dt.datetime | None = None, replay_of: str | None = None
) -> Delivery:
    """`first_at` is when it is tried first, and so its place in the endpoint's queue."""
    return Delivery(
        id=ids.new("whd"),
        merchant_id=endpoint.merchant_id,
        mode=endpoint.mode,
        endpoint_id=endpoint.id,
        event_id=event.id,
        type=event.type,
        state="pending",
        next_try_at=first_at or wall,
        replay_of=replay_of,
        created_at=wall,
    )


def _owner(event: Event) -> Owner:
    return Owner(event.merchant_id, event.mode)


def tell_paused(tx: sa.Connection, endpoint: Endpoint, reason: str, wall: dt.datetime) -> None:
    """An event of its own: other endpoints are told, and whoever pulls events sees it."""
    event = Event(
        id=ids.new("evt"),
        merchant_id=endpoint.merchant_id,
        mode=endpoint.mode,
        pickup_id=None,
        sequence=0,
        type="webhook_endpoint.paused",
        data={"endpoint": endpoint.id, "url": endpoint.url, "reason": reason},
        at=wall,
        created_at=wall,
    )
    EVENTS.insert(tx, event)


# --- replays ---------------------------------------------------------------------------------------


def replay(tx: sa.Connection, endpoint: Endpoint, delivery: Delivery, wall: dt.datetime) -> Delivery:
    """The same message once more, with all its tries. Raises WrongState."""
    _check_listening(endpoint)
    event = EVENTS.first(tx, EVENTS.table.c.id == delivery.event_id) if delivery.event_id else None
    if event is None:
        raise WrongState("a ping has no event: ping again")
    made = new_delivery(endpoint, event, wall, replay_of=delivery.id)
    store.add(tx, [made], wall)
    return made


def replay_range(tx: sa.Connection, endpoint: Endpoint, since: dt.datetime, until: dt.datetime, wall: dt.datetime) -> int:
    """All events of that time which the endpoint asks for, delivered or not; how many. Raises WrongState for too many."""
    _check_listening(endpoint)
    events = store.events_between(tx, endpoint.owner, since, until, MOST_REPLAYED + 1)
    if len(events) > MOST_REPLAYED:
        raise WrongState(f"there are more than {MOST_REPLAYED} events in that time: replay a part of it")
    wanted = [event for event in events if wants(endpoint, event.type)]
    moment = dt.timedelta(microseconds=1)  # keeps them in their order
    made = [new_delivery(endpoint, event, wall, first_at=wall + place * moment) for place, event in enumerate(wanted)]
    store.add(tx, made, wall)
    return len(made)


def _check_listening(endpoint: Endpoint) -> None:
    if endpoint.state == State.STOPPED:
        raise WrongState('it said 410 Gone: switch it on first (PATCH {"enabled": true})')


def tidy(tx: sa.Connection, wall: dt.datetime) -> int:
    """Strike out what the log need not keep; how many deliveries."""
    return store.forget(tx, wall - KEPT)
