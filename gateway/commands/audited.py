"""Changes from the command line, recorded in the audit log as those of the API are; the actor is the system's user by number."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from gateway import clock
from gateway.services.recording import Author, Change, recorded
from gateway.store.audit import INSTALLATION, Chain


@contextmanager
def audited(tx: sa.Connection, action: str, object_id: str = "", chain: Chain = INSTALLATION) -> Iterator[Change]:
    """Around a change; `action` is the API's name for it where it has one. What it makes may be named as `object_id` within."""
    author = Author(chain=chain, actor=f"command line/{os.getuid()}", action=action)
    with recorded(tx, author, object_id, clock.wall()) as change:
        yield change
