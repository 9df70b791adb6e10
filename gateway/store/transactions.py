"""Numbers of transactions, as SQL that each database has its own words for.

PostgreSQL counts transactions that write; SQLite's writers come one after another and need no numbers.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles


class Writing(sa.ColumnElement[int]):
    """The number of the transaction that asks; 0 on SQLite."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(Writing, "postgresql")
def _writing(element: Writing, compiler: Any, **options: Any) -> str:
    return "((pg_current_xact_id())::text)::bigint"


@compiles(Writing, "sqlite")
def _taking_turns(element: Writing, compiler: Any, **options: Any) -> str:
    return "0"
