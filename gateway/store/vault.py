"""Carrier credentials at rest: AES-256-GCM, a random 96-bit nonce per record, bound to merchant and account.

A record is `version byte | nonce | ciphertext`. Another account's record does not decrypt here (associated data).
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.settings import BadSetting, Settings

_VERSION = b"\x01"
_NONCE = 12


class Tampered(ValueError):
    """The record was not sealed for this account with this master key."""


class Vault:
    """Seals and opens the secrets of carrier accounts."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, values: Mapping[str, str], merchant: str, account: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, msgspec.json.encode(dict(values)), _bound(merchant, account))

    def open(self, record: bytes, merchant: str, account: str) -> dict[str, str]:
        """Raises Tampered when key, merchant or account are not those it was sealed with, or the record is none."""
        version, nonce, sealed = record[:1], record[1 : 1 + _NONCE], record[1 + _NONCE :]
        if version != _VERSION or not sealed:
            raise Tampered("the stored credentials are no record of this version")
        try:
            clear = self._cipher.decrypt(nonce, sealed, _bound(merchant, account))
        except InvalidTag as error:
            raise Tampered("the stored credentials do not open with this GATEWAY_MASTER_KEY") from error
        return msgspec.json.decode(clear, type=dict[str, str])


def _bound(merchant: str, account: str) -> bytes:
    return f"{merchant}/{account}".encode()


def master_key(settings: Settings) -> bytes:
    """The 32-byte key from GATEWAY_MASTER_KEY (base64), else from the data folder, made there (mode 0600) for an embedded database.

    Raises BadSetting: with DATABASE_URL the key must be given, for a key beside one process would be lost to the others.
    """
    if settings.master_key:
        return _decode(settings.master_key)
    if settings.database_url:
        raise BadSetting("GATEWAY_MASTER_KEY is needed with DATABASE_URL: 32 random bytes as base64 (`openssl rand -base64 32`)")
    return _own_key(settings.data_dir / "master.key")


def _decode(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadSetting("GATEWAY_MASTER_KEY must be 32 bytes as base64 (`openssl rand -base64 32`)")
    return key


def _own_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _decode(path.read_text())
    with os.fdopen(handle, "w") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)).decode())
        file.flush()
        os.fsync(file.fileno())
    return _decode(path.read_text())
