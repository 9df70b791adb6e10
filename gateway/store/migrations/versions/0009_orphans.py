"""orphans: exceptions about an AWB of no pickup, one each; since when a booking is called cancelled."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("bookings", sa.Column("cancelled_at", sa.DateTime(timezone=True)))
    with op.batch_alter_table("exceptions") as exceptions:
        exceptions.alter_column("pickup_id", existing_type=sa.String(40), nullable=True)
        exceptions.add_column(sa.Column("account_id", sa.String(40)))
        exceptions.add_column(sa.Column("awb", sa.String(60)))
    op.create_index("uq_exceptions_orphan", "exceptions", ["account_id", "awb"], unique=True)
