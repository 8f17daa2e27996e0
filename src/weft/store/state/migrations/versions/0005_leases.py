"""Which process does what only one may do; whether an event was suppressed as it ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_AT_A_TIME = 500


def upgrade() -> None:
    """Make the table of leases, and the column by which suppressed events are found once they are over."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.add_column("events", sa.Column("suppressed", sa.Boolean, nullable=False, server_default=sa.false()))
    _mark_suppressed()


def _mark_suppressed() -> None:
    """By what their bodies say, read here: PostgreSQL looks into no document in which a text holds NUL."""
    columns = (sa.column("id", sa.String), sa.column("suppressed", sa.Boolean), sa.column("body", sa.JSON))
    events, connection, last = sa.table("events", *columns), op.get_bind(), ""
    rows = sa.select(events.c.id, events.c.body).order_by(events.c.id).limit(_AT_A_TIME)
    while found := connection.execute(rows.where(events.c.id > last)).all():
        last = found[-1][0]
        if quiet := [name for name, body in found if isinstance(body, dict) and body.get("suppressed_by")]:
            connection.execute(sa.update(events).where(events.c.id.in_(quiet)).values(suppressed=True))
