"""What duplicates are of, and which policies were put in force by whom."""

from alembic import op

from handrail.store.migrate import run_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the script of this database."""
    run_script(op.get_bind(), revision)


def downgrade() -> None:
    """Refuse: going back would forget what is in force. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
