"""That something changed, and nothing else: what changed is read by whoever may see it."""

from handrail.store import SqlStore
from handrail.store.tickets.change import standing


class Events:
    """Says how the open tickets of a tenant stand, as a text that says nothing of them.

    Args:
        store: a store as an inbox opens it.
    """

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def standing(self, tenant: str) -> str:
        """Return a text that is another one after every change; raises StoreUnavailable."""
        with self._store.read(tenant) as tx:
            return standing(tx)
