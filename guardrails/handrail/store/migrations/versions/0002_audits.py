"""Passed answers that people check; on PostgreSQL also grants and row-level security."""

from alembic import op

from handrail.store.migrate import run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the script of this database."""
    run_script(op.get_bind(), revision)


def downgrade() -> None:
    """Refuse: going back would lose verdicts. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
