"""Webhooks in the lab: where an account's events go. The one made last is pushed to."""

from __future__ import annotations

from typing import Any

from adapters.easypost.lab.replies import answer, body, new_id, not_found, refusing, stamp
from adapters.easypost.lab.shapes import WebhookBody
from adapters.lab.side import Call, Desk, Reply

_KEY = "webhooks"


def show(call: Call, desk: Desk) -> Reply:
    return answer({"webhooks": list(_kept(desk).values())})


@refusing
def create(call: Call, desk: Desk) -> Reply:
    asked = body(call, WebhookBody).webhook
    webhook = {
        "id": new_id(desk, "hook"),
        "object": "Webhook",
        "mode": "test",
        "url": asked.url,
        "created_at": stamp(desk.now),
        "disabled_at": None,
        "custom_headers": asked.custom_headers,
    }
    headers = {one["name"]: one["value"] for one in asked.custom_headers}
    desk.remember(_KEY, {**_kept(desk), webhook["id"]: webhook})
    desk.remember("push", {"url": asked.url, "secret": asked.webhook_secret, "headers": headers})
    return answer(webhook, 201)


@refusing
def delete(call: Call, desk: Desk) -> Reply:
    kept = _kept(desk)
    if kept.pop(call.params["id"], None) is None:
        raise not_found()
    desk.remember(_KEY, kept)
    desk.remember("push", {"url": ""})
    return answer({})


def _kept(desk: Desk) -> dict[str, Any]:
    return desk.recall(_KEY) or {}
