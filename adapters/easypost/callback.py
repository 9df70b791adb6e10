"""EasyPost's pushes.

Vendor documentation, webhooks and events (A): HMAC-SHA256 over the raw body, keyed with the secret in Unicode's NFKD, as the
vendor's clients check it. A newer header signs time, method and path as well: documented (A), what is joined how is told by
receivers (B); either will do. When a push was sent is not judged here: an old one said again tells nothing new. Only trackers are
read.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping

import msgspec

from adapters.contract.carrier import Pushed
from adapters.contract.errors import Misread
from adapters.easypost import track
from adapters.wire import json

SIGNATURE, SIGNATURE_V2, TIMESTAMP, PATH = "x-hmac-signature", "x-hmac-signature-v2", "x-timestamp", "x-path"
_PREFIX = "hmac-sha256-hex="


class _Kind(msgspec.Struct, frozen=True):
    object: str


class Event(msgspec.Struct, frozen=True):
    object: str
    description: str
    result: msgspec.Raw


def read_callback(headers: Mapping[str, str], body: bytes, secrets: Mapping[str, str]) -> Pushed:
    """Raises Misread for what is no event. An event about something else than a tracker tells of no parcel."""
    event = json.decode(body, Event)
    if event.object != "Event" or not event.description:
        raise Misread("not an event")
    result = bytes(event.result)
    tracked = (track.tracked(track.tracker_of(json.decode(result, track.Tracker))),) if _is_tracker(event, result) else ()
    return Pushed(verified=verified(headers, body, secrets.get("webhook_secret", "")), tracked=tracked)


def _is_tracker(event: Event, result: bytes) -> bool:
    return event.description.startswith("tracker.") or json.decode(result, _Kind).object == "Tracker"


def verified(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """False where no secret is set: the push is then a hint to poll and nothing more."""
    given = {name.casefold(): value for name, value in headers.items()}
    newer = f"{given.get(TIMESTAMP, '')}POST{given.get(PATH, '')}".encode() + body
    signed = ((SIGNATURE, body), (SIGNATURE_V2, newer))
    return bool(secret) and any(
        hmac.compare_digest(given.get(name, "").encode(), sign(text, secret).encode()) for name, text in signed
    )


def sign(text: bytes, secret: str) -> str:
    key = unicodedata.normalize("NFKD", secret).encode()
    return _PREFIX + hmac.digest(key, text, hashlib.sha256).hex()
