"""volumes: a merchant's latest bookings with a carrier, for the caps of a day."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_index("ix_bookings_volume", "bookings", ["merchant_id", "mode", "carrier", "id"])
