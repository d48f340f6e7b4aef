"""Tickets, decisions, ledger, outbox and audit; on PostgreSQL also roles, grants and row-level security."""

from alembic import op

from handrail.store.migrate import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the script of this database."""
    run_script(op.get_bind(), revision)


def downgrade() -> None:
    """Refuse: going back would lose tickets. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
