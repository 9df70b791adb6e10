"""Carriers' times, made UTC."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from adapters.contract.errors import Misread


def local(text: str, timezone: str) -> dt.datetime:
    """An ISO time, in `timezone` where it names no offset of its own; UTC out. Raises Misread."""
    try:
        time = dt.datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=ZoneInfo(timezone))).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise Misread(f"not a time: {text[:40]!r}") from error


def epoch_milliseconds(value: int) -> dt.datetime:
    """Milliseconds since 1970, UTC. Raises Misread outside the calendar."""
    try:
        return dt.datetime.fromtimestamp(value / 1000, dt.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Misread(f"not a time: {value}") from error
