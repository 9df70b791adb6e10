"""Values that the ledger and the carriers' client share."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec


class Mode(enum.StrEnum):
    """Test keys reach the lab's simulated carriers (or an account's own test address), live keys the carriers."""

    TEST = "test"
    LIVE = "live"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier account with its credentials opened; never logged, never stored like this."""

    id: str
    merchant_id: str
    mode: Mode
    carrier: str
    base_url: str = ""
    settings: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    services: tuple[str, ...] = ()
    enabled: bool = True
    disabled_reason: str = ""

    def __repr__(self) -> str:
        return f"Account({self.id}, {self.carrier}, {self.mode})"


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it went over the wire, scrubbed of secrets and people. `status` is None when no answer came."""

    id: str
    operation: str
    request: str
    response: str
    status: int | None
    milliseconds: int
