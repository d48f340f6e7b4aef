"""Tickets, decisions, ledger, outbox and audit; on PostgreSQL also roles, grants and row-level security."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the script of this database."""
    name = op.get_bind().dialect.name
    script = Path(__file__).with_name(f"0001_{name}.sql").read_text()
    for statement in script.split(";;\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: going back would lose tickets. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
