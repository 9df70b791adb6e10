"""reconciling: the last day on which a carrier account was held against its carrier's own list."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("carrier_accounts", sa.Column("reconciled_on", sa.Date()))
