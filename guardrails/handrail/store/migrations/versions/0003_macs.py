"""Keyed hashes of the rows that say what may run."""

from alembic import op

from handrail.store.migrate import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the script of this database."""
    run_script(op.get_bind(), revision)


def downgrade() -> None:
    """Refuse: going back would lose what shows an alteration. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
