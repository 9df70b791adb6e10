"""Who and where: a party with its address, a lane, a pickup window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import msgspec

_SOON = dt.timedelta(minutes=5)


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A person or company at an address. `country` is ISO 3166-1 alpha-2, `timezone` IANA, `phone` as given."""

    name: str
    phone: str
    line1: str
    city: str
    postal_code: str
    country: str
    state: str = ""
    line2: str = ""
    landmark: str = ""
    company: str = ""
    alternate_phone: str = ""
    email: str = ""
    timezone: str = ""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """The ordered pair of postal codes a parcel travels between, with their countries; and the cities, where they are known."""

    origin: str
    destination: str
    origin_country: str = "IN"
    destination_country: str = "IN"
    origin_city: str = ""
    destination_city: str = ""


class Window(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """When the rider may come: a local date, from, to, and the IANA zone they are meant in."""

    date: dt.date
    start: dt.time
    end: dt.time
    timezone: str

    @property
    def opens(self) -> dt.datetime:
        """The first instant of the window, in UTC."""
        return min(self._instants(self.start))

    @property
    def closes(self) -> dt.datetime:
        """The last instant of the window, in UTC."""
        return max(self._instants(self.end))

    def to_come(self, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """The instants between which somebody can still come who is asked `now`; the whole window where it is over."""
        opens, closes, soon = self.opens, self.closes, now.replace(second=0, microsecond=0) + _SOON
        return (max(opens, soon) if soon < closes else opens), closes

    def _instants(self, time: dt.time) -> Iterator[dt.datetime]:
        """Two where clocks show that time twice, or skip it: by the offset before the change, and by that after it."""
        for fold in (0, 1):
            yield dt.datetime.combine(self.date, time.replace(fold=fold), ZoneInfo(self.timezone)).astimezone(dt.UTC)
