"""A new master key: every secret is sealed anew while all processes work, each of which opens with the new key and the old.

Where the keys stand in a file, the new one is put before the old one there and all processes read it at their next look. Where they
stand in the environment, the operator has started all processes with both keys before. The old key is dropped in a second step:
a backup of before needs it still.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import msgspec

from gateway.settings import BadSetting, Settings
from gateway.store import sealed, vault
from gateway.store.database import Database
from gateway.store.sealed import COLUMNS, Done
from gateway.store.vault import Vault, key_file, keyring

# A record may have been sealed with the old key just before and be committed just after a pass: so long a write may last.
SETTLED = 3.0
_MOST_PASSES = 5

Told = Callable[[str, Done], None]


class NotDone(RuntimeError):
    """Records are left that the new key does not open; the text says how many and why that may be."""


class Resealed(msgspec.Struct, frozen=True, kw_only=True):
    """Records sealed anew, by column."""

    columns: dict[str, int]

    @property
    def records(self) -> int:
        return sum(self.columns.values())


def introduce(settings: Settings) -> bool:
    """See that there are two keys, the new one first; whether one had to be made. Raises BadSetting with the cure."""
    if len(keyring(settings)()) > 1:
        return False
    if settings.master_key:
        raise BadSetting(
            "GATEWAY_MASTER_KEY holds one key: start all processes with GATEWAY_MASTER_KEY=OLD,NEW, then with NEW,OLD, "
            "then run this again (`openssl rand -base64 32` makes a key)"
        )
    vault.write(key_file(settings), [vault.fresh_key(), *keyring(settings)()])
    return True


def reseal(
    db: Database,
    settings: Settings,
    told: Told = lambda name, done: None,
    settle: float = SETTLED,
    wait: Callable[[float], None] = time.sleep,
) -> Resealed:
    """All records with the first key, and a look that none is left. Raises Tampered for a record no key opens, NotDone."""
    keys = Vault(keyring(settings))
    counts = dict.fromkeys((place.name for place in COLUMNS), 0)
    for _ in range(_MOST_PASSES):
        for place in COLUMNS:
            done = sealed.reseal(db, keys, place, told=functools.partial(told, place.name))
            counts[place.name] += done.resealed
        wait(settle)
        if not _left(db, keys):
            return Resealed(columns=counts)
    raise NotDone(
        f"{_left(db, keys)} records are sealed with the old key again and again: some process has not got the new one first; "
        "start all with both keys, the new one first"
    )


def drop_old(db: Database, settings: Settings) -> bool:
    """From now on the first key alone, once nothing needs another; whether the file was changed, or has to be by hand.

    Raises NotDone.
    """
    keys = keyring(settings)()
    left = _left(db, Vault(keys[0]))
    if left:
        raise NotDone(f"{left} records do not open with the new key: run `gateway keys rotate-master` first")
    if settings.master_key:
        return False
    try:
        vault.write(key_file(settings), keys[:1])
    except BadSetting:
        return False  # a file that is handed in read-only
    return True


def _left(db: Database, keys: Vault) -> int:
    return sum(sealed.left(db, keys, place) for place in COLUMNS)
