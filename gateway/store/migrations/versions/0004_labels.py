"""labels: kept once per content, what ours say, and carriers' labels in other formats."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("labels", sa.Column("slip", sa.Text))
    labels = sa.table("labels", sa.column("id", sa.String), sa.column("booking_id", sa.String), sa.column("digest", sa.LargeBinary))
    other = labels.alias("other")
    same = (other.c.booking_id == labels.c.booking_id) & (other.c.digest == labels.c.digest) & (other.c.id < labels.c.id)
    op.execute(labels.delete().where(sa.exists().where(same)))  # the same label fetched twice
    op.create_index("uq_labels_content", "labels", ["booking_id", "digest"], unique=True)
    op.create_table(
        "label_copies",
        sa.Column("label_id", sa.String(40), nullable=False),
        sa.Column("recipe", sa.String(16), nullable=False),
        sa.Column("merchant_id", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("digest", sa.LargeBinary(32)),
        sa.Column("content", sa.LargeBinary),
        sa.Column("why", sa.String(24)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["label_id"], ["labels.id"], name=op.f("fk_label_copies_label_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_label_copies_merchant_id")),
        sa.PrimaryKeyConstraint("label_id", "recipe", name=op.f("pk_label_copies")),
    )
