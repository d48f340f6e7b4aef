"""Durable home of tickets, resolutions, ledger and audit, in SQLite or PostgreSQL; import it on use only."""

from handrail.store.open import Trust, open_store
from handrail.store.reviewer import SqlStore
from handrail.store.spool import Spool
from handrail.store.tickets.actor import Actor
from handrail.store.tickets.listing import Filter

__all__ = ["Actor", "Filter", "Spool", "SqlStore", "Trust", "open_store"]
