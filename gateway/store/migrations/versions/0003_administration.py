"""administration: installation keys, the audit log, what erasure and retention need."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("merchants", sa.Column("retention_days", sa.Integer))
    op.create_index("uq_merchants_name", "merchants", ["name"], unique=True)
    op.add_column("pickups", sa.Column("erased_at", sa.DateTime(timezone=True)))
    ended = ("ended IS 1 AND erased_at IS NULL", "ended IS true AND erased_at IS NULL")
    _partial("ix_pickups_retention", "pickups", ["updated_at"], *ended)
    _partial("ix_pickups_open", "pickups", ["state", "mode"], "ended IS 0", "ended IS false")
    _partial("ix_exceptions_open", "exceptions", ["reason", "mode"], "state != 'resolved'")
    _partial("ix_bookings_doubt", "bookings", ["state", "mode"], "state IN ('unknown', 'cancel_unknown')")
    op.create_table(
        "admin_keys",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("hint", sa.String(8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_admin_keys_digest")),
    )
    op.create_table(
        "audit_heads",
        sa.Column("merchant_id", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "mode", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("merchant_id", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("actor", sa.String(60), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("object_id", sa.String(60), nullable=False),
        sa.Column("request_id", sa.String(80), nullable=False),
        sa.Column("change", sa.Text, nullable=False, server_default=""),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("merchant_id", "mode", "number", name=op.f("uq_audit_log_merchant_id_mode_number")),
    )
    op.create_index("ix_audit_log_object", "audit_log", ["merchant_id", "mode", "object_id"])


def _partial(name: str, table: str, columns: list[str], where: str, postgresql: str = "") -> None:
    """An index of the rows that matter only."""
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(postgresql or where))
