"""Carrier accounts, rate cards, locations and policies: what a merchant sets up before the first pickup."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.places import Party
from gateway import ids
from gateway.store import scores, tables
from gateway.store.merchants import MERCHANTS
from gateway.store.rows import Owner, Rows, whose
from gateway.store.vault import Vault
from gateway.values import Account, Mode
from rates.cards import RateCard
from rates.currency import NoRate, RateTable
from rates.policy import DEFAULT, Policy, default, default_at


class CarrierAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The row; `secrets` is sealed."""

    id: str
    merchant_id: str
    mode: Mode
    carrier: str
    name: str
    settings: dict[str, str]
    secrets: bytes
    callback_digest: bytes
    created_at: dt.datetime
    updated_at: dt.datetime
    base_url: str = ""
    services: tuple[str, ...] = ()
    enabled: bool = True
    disabled_reason: str = ""


class StoredCard(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    merchant_id: str
    mode: Mode
    carrier: str
    service: str
    body: RateCard
    created_at: dt.datetime


class Location(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    merchant_id: str
    mode: Mode
    name: str
    party: Party
    created_at: dt.datetime
    updated_at: dt.datetime


class StoredPolicy(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    merchant_id: str
    mode: Mode
    version: int
    body: Policy
    created_at: dt.datetime


ACCOUNTS = Rows(tables.carrier_accounts, CarrierAccount)
CARDS = Rows(tables.rate_cards, StoredCard)
LOCATIONS = Rows(tables.locations, Location)
POLICIES = Rows(tables.policies, StoredPolicy)

_NEWEST_POLICY = POLICIES.select.where(whose(tables.policies)).order_by(tables.policies.c.version.desc()).limit(1)


def callback_digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def add(
    tx: sa.Connection,
    vault: Vault,
    owner: Owner,
    *,
    carrier: str,
    name: str,
    secrets: Mapping[str, str],
    settings: Mapping[str, str],
    callback_token: str,
    now: dt.datetime,
    base_url: str = "",
    services: tuple[str, ...] = (),
) -> CarrierAccount:
    account_id = ids.new("cac")
    row = CarrierAccount(
        id=account_id,
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        carrier=carrier,
        name=name,
        settings=dict(settings),
        secrets=vault.seal(secrets, owner.merchant_id, account_id),
        callback_digest=callback_digest(callback_token),
        created_at=now,
        updated_at=now,
        base_url=base_url,
        services=services,
    )
    return ACCOUNTS.insert(tx, row)


def opened(vault: Vault, row: CarrierAccount) -> Account:
    """The account with its secrets in the clear, for asking the carrier."""
    return Account(
        id=row.id,
        merchant_id=row.merchant_id,
        mode=row.mode,
        carrier=row.carrier,
        base_url=row.base_url,
        settings=row.settings,
        secrets=vault.open(row.secrets, row.merchant_id, row.id),
        services=row.services,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
    )


def of_owner(tx: sa.Connection, owner: Owner) -> list[CarrierAccount]:
    return ACCOUNTS.of_owner(tx, owner)


def by_callback(tx: sa.Connection, carrier: str, token: str) -> CarrierAccount | None:
    table = tables.carrier_accounts.c
    return ACCOUNTS.first(tx, table.callback_digest == callback_digest(token), table.carrier == carrier)


def cards_of(tx: sa.Connection, owner: Owner) -> list[RateCard]:
    return [stored.body for stored in CARDS.of_owner(tx, owner)]


def policy_of(tx: sa.Connection, owner: Owner) -> StoredPolicy | None:
    """The newest version, or None where the merchant has set none: then the default rules."""
    found = POLICIES.found(tx, _NEWEST_POLICY, **msgspec.structs.asdict(owner))
    return found[0] if found else None


class NoPolicy(RuntimeError):
    """No policy is set, and there is no rate to convert the default's amounts into the merchant's currency."""


def policy_or_default(tx: sa.Connection, owner: Owner, currency: str) -> Policy:
    """The merchant's policy. Raises NoPolicy."""
    stored = policy_of(tx, owner)
    policy = stored.body if stored else default(currency, (), dt.datetime.now(dt.UTC).date())
    if isinstance(policy, NoRate):
        raise NoPolicy(f"{policy}: set a policy in {currency}")
    return policy


def start_of_policy(tx: sa.Connection, owner: Owner, currency: str, rates: Iterable[RateTable], on: dt.date) -> Policy:
    """What a new policy has where nothing is said: the default, at the rate it was converted at before, else at that of `on`.

    Where there is no rate its amounts stay in INR: those that are not given are then wrong, as `rates.policy.validate` says.
    """
    stored = policy_of(tx, owner)
    if stored and stored.body.converted_by:
        return default_at(stored.body.converted_by)
    found = default(currency, rates, on)
    return msgspec.structs.replace(DEFAULT, currency=currency) if isinstance(found, NoRate) else found


def store_policy(tx: sa.Connection, owner: Owner, policy: Policy, now: dt.datetime) -> StoredPolicy:
    """A new version; the old ones stay, decisions refer to them. Two at once get two numbers."""
    MERCHANTS.held(tx, owner.merchant_id)
    version = _newest(tx, owner) + 1
    row: Any = StoredPolicy(
        id=ids.new("pol"),
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        version=version,
        body=msgspec.structs.replace(policy, version=version),
        created_at=now,
    )
    scores.join_pool(tx, owner, member=policy.pooled_prior)
    return POLICIES.insert(tx, row)


def _newest(tx: sa.Connection, owner: Owner) -> int:
    newest = sa.select(sa.func.max(tables.policies.c.version)).where(POLICIES.owned(owner))
    return tx.execute(newest).scalar() or 0
