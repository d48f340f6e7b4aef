"""What whoever runs the store's machine sees at its terminal, without a role: lists, and masked tickets."""

from dataclasses import dataclass
from datetime import datetime

from handrail.errors import AmbiguousReference
from handrail.store import Filter, SqlStore
from handrail.store.tickets.waiting import Waiting, waiting
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import Attempt
from handrail.tickets.reference import reference_prefix
from handrail.tickets.resolution import Page, TicketEvent, TicketRow
from handrail.tickets.ticket import TicketView


def named(store: SqlStore, tenant: str, said: str) -> str:
    """Return the id of a ticket that somebody names by its id or its reference.

    Raises:
        TicketNotFound: there is none of it.
        AmbiguousReference: several references begin so.
    """
    prefix = reference_prefix(said)
    found = store.by_reference(tenant, prefix) if prefix is not None else ()
    exact = [row for row in found if row.reference == prefix]
    if len(exact) == 1 or len(found) == 1:
        return (exact or list(found))[0].id
    if found:
        raise AmbiguousReference(said, " ".join(row.reference for row in found))
    store.get(tenant, said)
    return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a ticket stands, for the program that waits for it: nothing of its content."""

    state: State
    role: str
    due: datetime | None


def where_it_stands(store: SqlStore, tenant: str, ticket: str) -> Whereabouts:
    """Return where a ticket stands.

    Raises:
        TicketNotFound: there is none of this id.
    """
    view = store.get(tenant, ticket)
    return Whereabouts(state=view.state, role=view.role, due=view.decide_by)


def waiting_in(store: SqlStore, tenant: str, now: datetime) -> Waiting:
    """Return how much waits for people and for the desk: numbers, nothing of what they are about."""
    with store.read(tenant) as tx:
        return waiting(tx, now)


class Overseeing:
    """Lists, and tickets masked; that somebody looked is on record by who they are on the machine.

    Args:
        store: the store.
        tenant: whose tickets.
    """

    def __init__(self, store: SqlStore, tenant: str) -> None:
        self._store, self._tenant = store, tenant

    def page(self, wanted: Filter) -> Page:
        """Return one page of rows, without content."""
        return self._store.list(self._tenant, wanted)

    def look(self, ticket: str, *, by: str) -> TicketView:
        """Return a ticket, masked; that they looked is on record first."""
        self._store.look(self._tenant, ticket, by=by)
        return self._store.get(self._tenant, ticket)

    def attempts(self, ticket: str) -> tuple[Attempt, ...]:
        """Return what joined a ticket."""
        return self._store.attempts(self._tenant, ticket)

    def history(self, ticket: str) -> tuple[TicketEvent, ...]:
        """Return what was done to a ticket."""
        return self._store.history(self._tenant, ticket)

    def of_same_customer(self, ticket: str) -> tuple[TicketRow, ...]:
        """Return what else its customer waits for."""
        return self._store.of_same_customer(self._tenant, ticket)
