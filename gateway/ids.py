"""Ids: a prefix that names the kind, then 20 characters of Crockford base 32 that sort by the time of making.

Kinds: pck pickup, bkg booking, vis visit, dec decision, quo quote, lbl label, exc exception, evt event, cac carrier
account, mer merchant, key API key, loc location, pol policy, rcd rate card, ins instruction, xch exchange,
adm key of the installation, aud entry of the audit log, whe webhook endpoint, whd delivery to one, fbl block of facts.
"""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new(kind: str) -> str:
    """`pck_` + 20 characters: 48 bits of milliseconds, 52 random bits; sorts by time of making.

    Those of one process do so also where its clock is set back, or two are made within a millisecond.
    """
    return f"{kind}_{_base32(_numbers.following())}"


class _Numbers:
    """Ever rising."""

    def __init__(self) -> None:
        self._last = 0
        self._turn = threading.Lock()

    def following(self) -> int:
        fresh = (time.time_ns() // 1_000_000 << 52) | secrets.randbits(52)
        with self._turn:
            self._last = fresh if fresh > self._last else self._last + 1 + secrets.randbits(40)
            return self._last


_numbers = _Numbers()


def oldest(kind: str, age: dt.timedelta) -> str:
    """The lowest id that can have been made so long ago or later."""
    return f"{kind}_{_base32((time.time_ns() // 1_000_000 - int(age.total_seconds() * 1000)) << 52)}"


def _base32(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(95, -1, -5))


def carrier_reference(booking_id: str) -> str:
    """The reference a carrier sees: the booking's id in 22 capitals and digits, within every carrier's limit."""
    return booking_id.replace("bkg_", "GW").upper()
