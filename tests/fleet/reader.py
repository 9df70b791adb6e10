"""A merchant that pulls events: from wherever it stopped, at whichever API is there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import sqlalchemy as sa

from gateway.store import tables
from gateway.store.database import Database


class Reader:
    """`seen`: the ids of events, in the order in which they were told."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._after: dict[str, str] = {}

    def read(self, url: str, key: str) -> None:
        """All that came since the last time."""
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=30) as api:
            while page := self._page(api):
                self.seen += page

    def _page(self, api: httpx.Client) -> list[str]:
        found: dict[str, Any] = api.get("/v1/events", params={"limit": 200, **self._after}).raise_for_status().json()
        if found["page"]["next"]:
            self._after = {"after": found["page"]["next"]}
        return [one["id"] for one in found["data"]]

    def left_out(self, database: Database) -> list[str]:
        """In a sentence, if there are any."""
        return _sentence(_there(database) - set(self.seen), "events that the feed left out")

    def doubled(self, database: Database) -> list[str]:
        """The same of those it told twice, or that are not there."""
        times, there = Counter(self.seen), _there(database)
        return _sentence({one for one in times if times[one] > 1 or one not in there}, "events told twice, or of nothing")


def _there(database: Database) -> set[str]:
    with database.read() as tx:
        return set(tx.scalars(sa.select(tables.events.c.id)))


def _sentence(those: set[str], words: str) -> list[str]:
    return [f"{words}: {len(those)}, as {min(those)}"] if those else []
