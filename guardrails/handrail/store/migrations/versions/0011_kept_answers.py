"""Answers to steps that a program may send again under the same key."""

from alembic import op

from handrail.store.migrate import run_script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run the script of this database."""
    run_script(op.get_bind(), revision)


def downgrade() -> None:
    """Refuse, as every revision does. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
