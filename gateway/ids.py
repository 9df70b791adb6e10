"""Ids: a prefix that names the kind, then 20 characters of Crockford base 32 that sort by the time of making.

Kinds: pck pickup, bkg booking, vis visit, dec decision, quo quote, lbl label, exc exception, evt event, cac carrier
account, mer merchant, key API key, loc location, pol policy, rcd rate card, ins instruction, xch exchange,
adm key of the installation, aud entry of the audit log, whe webhook endpoint, whd delivery to one, fbl block of facts.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new(kind: str) -> str:
    """`pck_` + 20 characters: 48 bits of milliseconds, 52 random bits; sorts by time of making."""
    number = (time.time_ns() // 1_000_000 << 52) | secrets.randbits(52)
    return f"{kind}_{_base32(number)}"


def oldest(kind: str, age: dt.timedelta) -> str:
    """The lowest id that can have been made so long ago or later."""
    return f"{kind}_{_base32((time.time_ns() // 1_000_000 - int(age.total_seconds() * 1000)) << 52)}"


def _base32(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(95, -1, -5))


def carrier_reference(booking_id: str) -> str:
    """The reference a carrier sees: the booking's id in 22 capitals and digits, within every carrier's limit."""
    return booking_id.replace("bkg_", "GW").upper()
