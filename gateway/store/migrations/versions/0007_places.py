"""places: an event's place in the feed is given once it is visible, instead of made of its transaction's number.

`feed` stays, with its default, for the version before while both run; what that one tells has its places below all new ones.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("events", sa.Column("place", sa.BigInteger()))
    op.execute(sa.text("UPDATE events SET place = feed"))
    op.create_table("feed_head", sa.Column("last", sa.BigInteger(), nullable=False))
    op.execute(sa.text("INSERT INTO feed_head (last) SELECT coalesce(max(feed), 0) FROM events"))
    op.drop_index("ix_events_feed", "events")
    _index("ix_events_place", ["merchant_id", "mode", "place", "sequence", "id"], "place IS NOT NULL")
    _index("ix_events_unplaced", ["id"], "place IS NULL")


def _index(name: str, columns: list[str], those: str) -> None:
    op.create_index(name, "events", columns, sqlite_where=sa.text(those), postgresql_where=sa.text(those))
