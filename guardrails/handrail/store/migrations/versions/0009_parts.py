"""Whoever decides several calls at once makes each a ticket of its own."""

from alembic import op

from handrail.store.migrate import run_script

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the script of this database."""
    run_script(op.get_bind(), revision)


def downgrade() -> None:
    """Refuse, as every revision does. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
