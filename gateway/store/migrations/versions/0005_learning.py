"""Learning: silence and confirmation, who pools, an offer's end, and the sums the scorecards are read from."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MEASURES = (
    "bookings", "first_known", "first_collected", "three_known", "three_collected", "visits", "by_customer", "by_carrier",
    "by_merchant", "by_nobody", "by_unknown", "not_attempted", "excused", "quality_failed", "collected", "on_time", "lost",
    "over", "cost", "cost_squared", "cost_of_collected", "all_in", "all_in_squared", "all_in_of_collected", "forecast",
    "forecast_known",
)  # fmt: skip
_WHOM = ("account_id", "carrier", "moved_by", "service")
_DAYS_KEY = ("merchant_id", "mode", "grain", "start", *_WHOM, "zone")
_BINS_KEY = ("merchant_id", "mode", "grain", "zone", "kind", "start", *_WHOM)


def upgrade() -> None:
    op.add_column("visits", sa.Column("confirmed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("bookings", sa.Column("quote_expires_at", sa.DateTime(timezone=True)))
    _silences()
    _pool_members()
    _facts()
    _score_days()
    _score_bins()


def _owner() -> list[sa.Column[Any]]:
    return [sa.Column("merchant_id", sa.String(40), nullable=False), sa.Column("mode", sa.String(4), nullable=False)]


def _of_merchant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f(f"fk_{table}_merchant_id"))


def _measures() -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in _MEASURES]


def _silences() -> None:
    op.create_table(
        "silences",
        sa.Column("booking_id", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *_owner(),
        sa.Column("scored", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("booking_id", "day", name=op.f("pk_silences")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_silences_booking_id")),
        _of_merchant("silences"),
    )


def _pool_members() -> None:
    op.create_table(
        "pool_members",
        *_owner(),
        sa.PrimaryKeyConstraint("merchant_id", "mode", name=op.f("pk_pool_members")),
        _of_merchant("pool_members"),
    )


def _facts() -> None:
    op.create_table(
        "facts",
        sa.Column("booking_id", sa.String(40), nullable=False),
        *_owner(),
        sa.Column("pickup_id", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(40), nullable=False) for name in ("account_id", "carrier", "moved_by", "service")),
        sa.Column("zone", sa.String(24), nullable=False),
        *(sa.Column(name, sa.String(16), nullable=False) for name in ("postal_code", "destination")),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("quality_check", sa.Boolean(), nullable=False),
        sa.Column("return_reason", sa.String(24), nullable=False),
        sa.Column("chosen_by", sa.String(12), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_hour", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("chance", sa.Integer(), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        *_measures(),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_facts")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_facts_booking_id")),
        sa.ForeignKeyConstraint(["pickup_id"], ["pickups.id"], name=op.f("fk_facts_pickup_id")),
        _of_merchant("facts"),
    )
    waiting = sa.text("waiting IS true")
    op.create_index(op.f("ix_facts_pickup_id"), "facts", ["pickup_id"])
    op.create_index("ix_facts_owner", "facts", ["merchant_id", "mode", "day"])
    op.create_index(
        "ix_facts_waiting", "facts", ["merchant_id", "mode", "day"], sqlite_where=sa.text("waiting IS 1"), postgresql_where=waiting
    )


def _score_key(*order: str) -> list[sa.Column[Any]]:
    kinds: dict[str, Any] = {
        "mode": sa.String(4),
        "grain": sa.String(9),
        "start": sa.Date(),
        "zone": sa.String(24),
        "kind": sa.String(9),
    }
    return [sa.Column(name, kinds.get(name, sa.String(40)), nullable=False) for name in order]


def _score_days() -> None:
    op.create_table(
        "score_days",
        *_score_key(*_DAYS_KEY),
        *_measures(),
        sa.PrimaryKeyConstraint(*_DAYS_KEY, name=op.f("pk_score_days")),
        _of_merchant("score_days"),
        sqlite_with_rowid=False,
    )


def _score_bins() -> None:
    op.create_table(
        "score_bins",
        *_score_key(*_BINS_KEY),
        sa.Column("bin", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in ("n", "won", "total")),
        sa.PrimaryKeyConstraint(*_BINS_KEY, "bin", name=op.f("pk_score_bins")),
        _of_merchant("score_bins"),
        sqlite_with_rowid=False,
    )
