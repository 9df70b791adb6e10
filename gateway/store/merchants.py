"""Merchants, their API keys, and the keys of the installation. A key is 256 random bits; the database holds its SHA-256 only."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import zlib

import msgspec
import sqlalchemy as sa

from gateway import ids
from gateway.store import tables
from gateway.store.rows import Owner, Rows
from gateway.values import Mode

SCOPES = ("pickups:write", "pickups:read", "exceptions:write", "analytics:read", "admin")


class Merchant(msgspec.Struct, frozen=True, kw_only=True):
    """`clock_offset` (seconds) is how far the test clock runs ahead of wall time; `retention_days` None: the installation's."""

    id: str
    name: str
    currency: str
    country: str
    created_at: dt.datetime
    clock_offset: int = 0
    retention_days: int | None = None

    def now(self, mode: Mode, wall: dt.datetime) -> dt.datetime:
        """The merchant's business time."""
        return wall + dt.timedelta(seconds=self.clock_offset) if mode is Mode.TEST else wall


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """`hint` is the key's last four characters before its checksum: enough to recognise, not to use."""

    id: str
    merchant_id: str
    mode: Mode
    name: str
    digest: bytes
    hint: str
    scopes: tuple[str, ...]
    created_at: dt.datetime
    expires_at: dt.datetime | None = None
    last_used_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None


class AdminKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the installation itself: it makes merchants, and belongs to none."""

    id: str
    name: str
    digest: bytes
    hint: str
    created_at: dt.datetime
    expires_at: dt.datetime | None = None
    last_used_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None


MERCHANTS = Rows(tables.merchants, Merchant)
KEYS = Rows(tables.api_keys, ApiKey)
ADMIN_KEYS = Rows(tables.admin_keys, AdminKey)

ADMIN = "admin"  # in place of a mode, in the text of an installation's key
_PREFIXES = ("gw_test_", "gw_live_", f"gw_{ADMIN}_")

_KEY_AND_MERCHANT = (
    sa.select(*KEYS.select.selected_columns, *MERCHANTS.select.selected_columns)
    .join_from(tables.api_keys, tables.merchants)
    .where(tables.api_keys.c.digest == sa.bindparam("digest"), tables.api_keys.c.revoked_at.is_(None))
)


def create(
    tx: sa.Connection, name: str, currency: str, country: str, now: dt.datetime, retention_days: int | None = None
) -> Merchant:
    """The row alone: `enrolling.enrol` gives it its first policy, too."""
    row = Merchant(id=ids.new("mer"), name=name, currency=currency, country=country, created_at=now, retention_days=retention_days)
    return MERCHANTS.insert(tx, row)


def by_name(tx: sa.Connection, name: str) -> Merchant | None:
    return MERCHANTS.first(tx, tables.merchants.c.name == name)


def advance_clock(tx: sa.Connection, merchant: Merchant, seconds: int) -> Merchant:
    return MERCHANTS.replace(tx, merchant, clock_offset=merchant.clock_offset + seconds)


def create_key(
    tx: sa.Connection, owner: Owner, name: str, scopes: tuple[str, ...], now: dt.datetime, expires_at: dt.datetime | None = None
) -> tuple[ApiKey, str]:
    """The row and the key itself, which is shown once and kept nowhere."""
    text = _new_key(owner.mode)
    key = ApiKey(
        id=ids.new("key"),
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        name=name,
        digest=_digest(text),
        hint=text[-10:-6],
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
    )
    return KEYS.insert(tx, key), text


def create_admin_key(tx: sa.Connection, name: str, now: dt.datetime, expires_at: dt.datetime | None = None) -> tuple[AdminKey, str]:
    """A key of the installation: the row, and the key itself, which is shown once and kept nowhere."""
    text = _new_key(ADMIN)
    row = AdminKey(id=ids.new("adm"), name=name, digest=_digest(text), hint=text[-10:-6], created_at=now, expires_at=expires_at)
    return ADMIN_KEYS.insert(tx, row), text


def is_admin_key(text: str) -> bool:
    """Whether it is written as a key of the installation."""
    return text.startswith(f"gw_{ADMIN}_")


def find_admin_key(tx: sa.Connection, text: str, now: dt.datetime) -> AdminKey | None:
    """The installation's key, if it is one, not revoked and not expired."""
    if not is_admin_key(text) or not well_formed(text):
        return None
    table = tables.admin_keys.c
    key = ADMIN_KEYS.first(tx, table.digest == _digest(text), table.revoked_at.is_(None))
    return key if key and (key.expires_at is None or key.expires_at > now) else None


def find_key(tx: sa.Connection, text: str, now: dt.datetime) -> tuple[ApiKey, Merchant] | None:
    """The key and whose it is, if it is one of ours, not revoked and not expired."""
    row = tx.execute(_KEY_AND_MERCHANT, {"digest": _digest(text)}).first() if well_formed(text) else None
    if row is None:
        return None
    fields = len(ApiKey.__struct_fields__)
    key, merchant = KEYS.read(row[:fields]), MERCHANTS.read(row[fields:])
    return (key, merchant) if key.expires_at is None or key.expires_at > now else None


def well_formed(text: str) -> bool:
    """Whether prefix and checksum are those of a key: a mistyped one is told without asking the database."""
    return text.startswith(_PREFIXES) and _checksum(text[:-6]) == text[-6:]


def _new_key(mode: str) -> str:
    body = f"gw_{mode}_{secrets.token_hex(32)}"
    return body + _checksum(body)


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()) & 0xFFFFFF:06x}"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
