"""How often an address tried to sign in, over all processes of an inbox."""

from alembic import op

from handrail.store.migrate import run_script

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run the script of this database."""
    run_script(op.get_bind(), revision)


def downgrade() -> None:
    """Refuse, as every revision does. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
