"""overlaps: until when the lost answer to a cancel is waited for."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("bookings", sa.Column("cancel_wait_until", sa.DateTime(timezone=True)))
