"""Carriers' quotas, kept on our side: a question that would be one too many is not put.

One token bucket per account and operation, in this process.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from adapters.contract.carrier import Quota


class Buckets:
    """`clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, account_id: str, operation: str, quota: Quota) -> dt.timedelta | None:
        """Take one token; None when there was one, else how long until there is."""
        rate = quota.calls / quota.seconds
        now = self._clock()
        level, since = self._levels.get((account_id, operation), (float(quota.calls), now))
        level = min(quota.calls, level + (now - since) * rate)
        if level < 1:
            self._levels[account_id, operation] = (level, now)
            return dt.timedelta(seconds=(1 - level) / rate)
        self._levels[account_id, operation] = (level - 1, now)
        return None
