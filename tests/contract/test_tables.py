from __future__ import annotations

import pytest

from adapters.contract.errors import RefusalKind
from adapters.contract.scans import NEEDS_REASON, Milestone
from gateway.carriers import registry
from tests.contract.codes import tables_of, told, written
from tests.contract.examples import UNREPORTED

CODES = registry.codes()


@pytest.mark.parametrize("code", CODES)
def test_every_carrier_has_its_codes_in_tables(code):
    meanings = {one for rows in tables_of(code).values() for meaning in rows.values() for one in meaning}
    everybodys = {Milestone.OUT_FOR_PICKUP, Milestone.PICKED_UP, Milestone.DELIVERED, RefusalKind.INVALID_REQUEST}
    assert everybodys - UNREPORTED.get(code, {}).keys() <= meanings


@pytest.mark.parametrize("code", CODES)
def test_every_code_in_a_table_means_what_was_written_down(code):
    assert told(tables_of(code)) == written(code)


@pytest.mark.parametrize("code", CODES)
def test_a_meaning_has_a_reason_exactly_where_one_is_needed(code):
    pairs = [meaning for rows in tables_of(code).values() for meaning in rows.values() if isinstance(meaning[0], Milestone)]
    assert pairs
    assert [pair for pair in pairs if (pair[0] in NEEDS_REASON) != (pair[1] is not None)] == []


@pytest.mark.parametrize("code", CODES)
def test_no_code_in_a_table_is_unknown(code):
    """What is not known is not written down: it is UNKNOWN because it is nowhere."""
    unknown = [meaning for rows in tables_of(code).values() for meaning in rows.values() if meaning[0] is Milestone.UNKNOWN]
    assert unknown == []
