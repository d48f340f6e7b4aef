"""References that people can say, and what people who decide keep: holds, tokens and views."""

from alembic import op
from sqlalchemy import Connection, text

from handrail.store.migrate import run_script
from handrail.tickets.reference import reference_of

revision = "0007"
down_revision = "0006"

_ALL = text("SELECT tenant, id FROM tickets ORDER BY created_at, id")
_SET = text("UPDATE tickets SET reference = :reference WHERE tenant = :tenant AND id = :id")


def upgrade() -> None:
    """Run the script of this database, and give every ticket its reference."""
    run_script(op.get_bind(), revision)
    refer(op.get_bind())


def refer(conn: Connection) -> None:
    """Give every ticket the first of its references that no other ticket of its tenant has."""
    taken: set[tuple[str, str]] = set()
    for tenant, ticket in conn.execute(_ALL).all():
        attempt = 0
        while (tenant, reference := reference_of(tenant, ticket, attempt)) in taken:
            attempt += 1
        taken.add((tenant, reference))
        conn.execute(_SET, {"tenant": tenant, "id": ticket, "reference": reference})


def downgrade() -> None:
    """Refuse: going back would forget what was undone and paused. Restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
