"""What past actions come to, kept by triggers as they are written."""

from alembic import op

from handrail.store.migrate import run_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the script of this database."""
    run_script(op.get_bind(), revision)


def downgrade() -> None:
    """Refuse, as every revision does. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
