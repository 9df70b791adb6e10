"""Facts in blocks: the days, the window and the block of a fact; postal codes that name a few houses are cut.

The tables score_days and score_bins, which processes of the version before write, are read by nobody any more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_DAYS = ("requested_day", "visited_day", "collected_day", "delivered_day")
_WHOM = ("account_id", "carrier", "moved_by", "service")
# Where a whole postal code names a few houses, the zone's part of it is kept; of the USA's the first five digits.
_CUT = "UPDATE facts SET postal_code = substr(zone, 4) WHERE substr(zone, 1, 2) IN ('BR', 'CA', 'GB', 'IE', 'JP', 'NL', 'PT')"
_CUT_US = "UPDATE facts SET postal_code = substr(postal_code, 1, 5) WHERE substr(zone, 1, 2) = 'US'"


def upgrade() -> None:
    for name in _DAYS:
        op.add_column("facts", sa.Column(name, sa.Date()))
    op.add_column("facts", sa.Column("window", sa.String(11), nullable=False, server_default=""))
    for name in ("ix_facts_owner", "ix_facts_waiting"):
        op.drop_index(name, table_name="facts")
    op.create_index("ix_facts_owner", "facts", ["merchant_id", "mode", "booking_id"])
    for cut in (_CUT, _CUT_US):
        op.execute(sa.text(cut))
    _blocks()
    _loose()


def _blocks() -> None:
    op.create_table(
        "fact_blocks",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("merchant_id", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        *(sa.Column(name, sa.String(40), nullable=False) for name in _WHOM),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.String(40), nullable=False) for name in ("first_booking", "last_booking")),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("bookings", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact_blocks")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_fact_blocks_merchant_id")),
    )
    op.create_index("ix_fact_blocks_owner", "fact_blocks", ["merchant_id", "mode", *_WHOM])


def _loose() -> None:
    op.create_table(
        "loose_facts",
        sa.Column("merchant_id", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("booking_id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "mode", "booking_id", name=op.f("pk_loose_facts")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_loose_facts_merchant_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["facts.booking_id"], name=op.f("fk_loose_facts_booking_id")),
        sqlite_with_rowid=False,
    )
    op.execute(sa.text("INSERT INTO loose_facts (merchant_id, mode, booking_id) SELECT merchant_id, mode, booking_id FROM facts"))
