"""Whether the open tickets of a tenant have changed, without reading what they hold."""

from sqlalchemy import func, select

from handrail.store.tables import tickets
from handrail.store.transaction import Transaction

_STANDING = select(
    func.count(),
    func.coalesce(func.sum(tickets.c.version), 0),
    func.coalesce(func.max(tickets.c.updated_at), 0),
)


def standing(tx: Transaction) -> str:
    """Return a text that is another one whenever an open ticket came, went or moved on.

    Every step of a ticket counts its version up, so the same number of tickets with the same sum of versions
    and the same last moment is the same standing.
    """
    row = tx.conn.execute(_STANDING.where(tickets.c.tenant == tx.tenant, tickets.c.is_open.is_(True))).one()
    return "-".join(format(int(number), "x") for number in row)
