"""What sources say of the inventory, with its history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of facts."""
    op.create_table(
        "inventory_facts",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("scope", sa.String(400), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("key", sa.String(900), nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("first_seen", sa.Double, nullable=False),
        sa.Column("valid_from", sa.Double, nullable=False),
        sa.Column("valid_to", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_inventory_facts"),
    )
    op.create_index("ix_inventory_facts_valid_to", "inventory_facts", ["valid_to"])
    op.create_index("ix_inventory_facts_kind_key", "inventory_facts", ["kind", "key"])
    op.create_index("ix_inventory_facts_valid_from", "inventory_facts", ["valid_from"])
    op.create_table(
        "inventory_scopes",
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("scope", sa.String(400), nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("origin", "scope", name="pk_inventory_scopes"),
    )
