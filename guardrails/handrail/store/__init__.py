"""Durable home of tickets, decisions, ledger and audit, in SQLite or PostgreSQL; import it on use only."""

from handrail.store.deciding import Hand
from handrail.store.listing import Filter
from handrail.store.open import Trust, open_store
from handrail.store.reviewerstore import SqlStore
from handrail.store.spool import Spool

__all__ = ["Filter", "Hand", "Spool", "SqlStore", "Trust", "open_store"]
