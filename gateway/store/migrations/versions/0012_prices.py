"""prices: what was quoted for a booking, beside what it was booked at."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("bookings", sa.Column("quoted_price", sa.Text()))
