"""Passed answers that people check; on PostgreSQL also grants and row-level security."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the script of this database."""
    name = op.get_bind().dialect.name
    script = Path(__file__).with_name(f"0002_{name}.sql").read_text()
    for statement in script.split(";;\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: going back would lose verdicts. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
