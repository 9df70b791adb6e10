"""Secrets at rest: AES-256-GCM, a random 96-bit nonce per record, bound to merchant and account.

A record is `version byte | nonce | ciphertext`. Another account's record does not decrypt here (associated data). There may be
several master keys: the first seals, each opens, so that records can be sealed anew while all processes work. Keys that stand in
a file are read again when it changes: rotation needs no restart.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.settings import BadSetting, Settings

_log = structlog.get_logger()
_VERSION = b"\x01"
_NONCE = 12


class Tampered(ValueError):
    """The record was not sealed for this account with this master key."""


Keys = Callable[[], tuple[bytes, ...]]


class Vault:
    """Seals and opens secrets, by one key or by those there are at the moment."""

    def __init__(self, keys: bytes | Keys) -> None:
        self._keys: Keys = (lambda: (keys,)) if isinstance(keys, bytes) else keys
        self._known: tuple[bytes, ...] = ()
        self._made: tuple[AESGCM, ...] = ()

    def _ciphers(self) -> tuple[AESGCM, ...]:
        keys = self._keys()
        if keys != self._known:
            self._known, self._made = keys, tuple(AESGCM(key) for key in keys)
        return self._made

    def seal(self, values: Mapping[str, str], merchant: str, account: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._ciphers()[0].encrypt(nonce, msgspec.json.encode(dict(values)), _bound(merchant, account))
        return _VERSION + nonce + sealed

    def open(self, record: bytes, merchant: str, account: str) -> dict[str, str]:
        """Raises Tampered when keys, merchant or account are not those it was sealed with, or the record is none."""
        return msgspec.json.decode(_opened(self._ciphers(), record, merchant, account), type=dict[str, str])

    def is_current(self, record: bytes, merchant: str, account: str) -> bool:
        """Whether the first key opens it."""
        try:
            _opened(self._ciphers()[:1], record, merchant, account)
        except Tampered:
            return False
        return True


def _opened(ciphers: Sequence[AESGCM], record: bytes, merchant: str, account: str) -> bytes:
    version, nonce, sealed = record[:1], record[1 : 1 + _NONCE], record[1 + _NONCE :]
    if version != _VERSION or not sealed:
        raise Tampered("the stored credentials are no record of this version")
    for cipher in ciphers:
        try:
            return cipher.decrypt(nonce, sealed, _bound(merchant, account))
        except InvalidTag:
            continue
    raise Tampered("the stored credentials do not open with this GATEWAY_MASTER_KEY")


def _bound(merchant: str, account: str) -> bytes:
    return f"{merchant}/{account}".encode()


# --- where the keys stand ----------------------------------------------------------------------------


def master_key(settings: Settings) -> bytes:
    """The key that seals. Raises BadSetting."""
    return keyring(settings)()[0]


def keyring(settings: Settings) -> Keys:
    """The master keys: of GATEWAY_MASTER_KEY, of GATEWAY_MASTER_KEY_FILE, else of a file in the data folder (made, mode 0600).

    Raises BadSetting: with DATABASE_URL a key must be given, for a key beside one process would be lost to the others.
    """
    if settings.master_key:
        given = parse(settings.master_key)
        return lambda: given
    if settings.database_url and not settings.master_key_file:
        raise BadSetting(
            "GATEWAY_MASTER_KEY is needed with DATABASE_URL, or GATEWAY_MASTER_KEY_FILE: 32 random bytes as base64 "
            "(`openssl rand -base64 32`)"
        )
    path = key_file(settings)
    if not settings.master_key_file:
        _make(path)
    return KeyFile(path)


def key_file(settings: Settings) -> Path:
    """The file the keys stand in, where they stand in one."""
    return settings.master_key_file or settings.data_dir / "master.key"


class KeyFile:
    """Keys in a file, read again when it changes; where that fails, those known go on. Raises BadSetting at the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._keys = _read(path)

    def __call__(self) -> tuple[bytes, ...]:
        stamp = self._look()
        if stamp != self._stamp:
            try:
                self._keys, self._stamp = _read(self._path), stamp
            except BadSetting as error:
                _log.error("master_key.unreadable", why=str(error))
        return self._keys

    def _look(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_ino


def _read(path: Path) -> tuple[bytes, ...]:
    try:
        return parse(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"the master key cannot be read: {getattr(error, 'strerror', None) or error}: {path}") from error


def write(path: Path, keys: Sequence[bytes]) -> None:
    """In one piece: readers see the old keys or the new ones. Raises BadSetting where that cannot be."""
    fresh = path.with_suffix(".new")
    try:
        fresh.unlink(missing_ok=True)
        _store(fresh, keys)
        fresh.replace(path)
    except OSError as error:
        raise BadSetting(f"{path} cannot be written ({error.strerror}): put the keys there yourself, the new one first") from error


def parse(text: str) -> tuple[bytes, ...]:
    """One or more keys, with blanks, commas or new lines between them. Raises BadSetting."""
    keys = tuple(_decode(part) for part in text.replace(",", " ").split())
    if not keys:
        raise BadSetting(_NO_KEY)
    return tuple(dict.fromkeys(keys))


def fresh_key() -> bytes:
    return secrets.token_bytes(32)


_NO_KEY = "GATEWAY_MASTER_KEY must be 32 bytes as base64 (`openssl rand -base64 32`), or several with commas between"


def _decode(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadSetting(_NO_KEY)
    return key


def _make(path: Path) -> None:
    """A key of its own for an embedded database, unless there is one; of two processes one makes it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        _store(path, [fresh_key()])
    except FileExistsError:
        return


def _store(path: Path, keys: Sequence[bytes]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(base64.b64encode(key).decode() for key in keys))
        file.flush()
        os.fsync(file.fileno())
