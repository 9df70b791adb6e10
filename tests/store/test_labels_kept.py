"""Labels in the ledger: one content once per booking, nothing overwritten, copies beside them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.store import labels, tables
from gateway.store.labels import Copy
from gateway.store.ledger import LABELS, StoredLabel
from tests.web.shop import Shop

NOON = dt.datetime(2026, 3, 9, 12, tzinfo=dt.UTC)


@pytest.fixture
def first(tmp_path: Path) -> Iterator[tuple[Shop, StoredLabel]]:
    shop = Shop(tmp_path, ("delhivery",))
    shop.book()
    shop.drive()
    with shop.db.read() as tx:
        (label,) = LABELS.all(tx)
    yield shop, label
    shop.close()


def version(label: StoredLabel, number: str, content: bytes) -> StoredLabel:
    return msgspec.structs.replace(label, id=number, content=content, digest=hashlib.sha256(content).digest())


def test_the_same_content_is_the_same_version_and_another_is_a_new_one(first):
    shop, label = first
    with shop.db.write() as tx:
        again = labels.keep(tx, version(label, "lbl_zz1", label.content))
        other = labels.keep(tx, version(label, "lbl_zz2", b"%PDF-other"))
        found = labels.of_pickup(tx, shop.owner, label.pickup_id)
    assert (again.id, other.id) == (label.id, "lbl_zz2")
    assert [(one.id, one.content) for one in found] == [("lbl_zz2", b"%PDF-other"), (label.id, label.content)]


def test_the_first_copy_of_a_recipe_stays(first):
    shop, label = first
    copy = Copy(
        label_id=label.id,
        recipe="png.1",
        merchant_id=label.merchant_id,
        mode=label.mode,
        digest=bytes(32),
        content=b"first",
        why=None,
        created_at=NOON,
    )
    with shop.db.write() as tx:
        labels.keep_copy(tx, copy)
        labels.keep_copy(tx, msgspec.structs.replace(copy, content=b"second"))
        labels.keep_copy(tx, msgspec.structs.replace(copy, label_id="lbl_gone"))
        assert (labels.copy(tx, label.id, "png.1"), labels.copy(tx, label.id, "zpl.1")) == (copy, None)
    assert shop.count(tables.label_copies) == 1
