"""tracking: lists by time, reference, order number and AWB; events in the order of commits, and without a pickup."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INDEXES = (
    ("ix_pickups_created", "pickups", ["merchant_id", "mode", "created_at", "id"]),
    ("ix_pickups_updated", "pickups", ["merchant_id", "mode", "updated_at", "id"]),
    ("ix_pickups_state", "pickups", ["merchant_id", "mode", "state", "created_at", "id"]),
    ("ix_pickups_reference", "pickups", ["merchant_id", "mode", "reference"]),
    ("ix_pickups_order_number", "pickups", ["merchant_id", "mode", "order_number"]),
    ("ix_bookings_owner_awb", "bookings", ["merchant_id", "mode", "awb"]),
    ("ix_bookings_carrier_awb", "bookings", ["carrier", "awb"]),
    ("ix_exceptions_opened", "exceptions", ["merchant_id", "mode", "opened_at", "id"]),
    ("ix_events_feed", "events", ["merchant_id", "mode", "feed", "sequence", "id"]),
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    searched = sa.String(120, collation="C") if postgresql else sa.String(120)
    op.add_column("pickups", sa.Column("order_number", searched, server_default="", nullable=False))
    _know_order_numbers("body::json->>'order_number'" if postgresql else "json_extract(body, '$.order_number')")
    if postgresql:  # SQLite compares byte by byte anyway
        op.alter_column("pickups", "reference", type_=searched, existing_nullable=False)
        op.alter_column("bookings", "awb", type_=sa.String(60, collation="C"), existing_nullable=True)
    with op.batch_alter_table("events") as events:
        events.alter_column("pickup_id", existing_type=sa.String(40), nullable=True)
        events.add_column(sa.Column("feed", sa.BigInteger(), server_default="0", nullable=False))
    if postgresql:  # events of the program's version before, while it still runs, are in the feed too
        op.alter_column("events", "feed", server_default=sa.text("((pg_current_xact_id())::text)::bigint"))
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)


def _know_order_numbers(theirs: str) -> None:
    """Of the pickups that are there already: it stands in the request."""
    pickups = sa.table("pickups", sa.column("order_number"))
    op.execute(pickups.update().values(order_number=sa.func.coalesce(sa.literal_column(theirs), "")))
