"""What only the desk does with a store's outbox."""

from datetime import datetime
from typing import Protocol

from handrail.store import outbox
from handrail.store.database import Database


class Housed(Protocol):
    """A store, by its database."""

    @property
    def database(self) -> Database:
        """The database beneath."""


def prune_notices(store: Housed, *, before: datetime) -> int:
    """Delete notices that were delivered and are older than a moment; returns how many.

    Notices that wait, and dead letters, stay.

    Raises:
        StoreUnavailable: the database cannot be reached.
    """
    with store.database.write() as conn:
        return outbox.prune(conn, before=before)
