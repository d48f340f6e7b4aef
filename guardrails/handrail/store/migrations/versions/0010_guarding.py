"""Seeded cases, and answers that people write before they see a draft."""

from alembic import op

from handrail.store.migrate import run_script

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the script of this database."""
    run_script(op.get_bind(), revision)


def downgrade() -> None:
    """Refuse, as every revision does. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
