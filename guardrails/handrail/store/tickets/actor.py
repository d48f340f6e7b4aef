"""Who acts on a ticket: in which role, and never on a case of their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from handrail.errors import NotAllowed
from handrail.store.tickets.rows import agreements, names
from handrail.text.identity import identity
from handrail.tickets.resolution import CoversRoles, KnowsIdentities, People


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts on a ticket, and when; `people` says which roles they fill."""

    person: str
    people: People
    now: datetime

    def acting_role(self, role: str) -> str | None:
        """Return the role in which this person may act on what `role` is asked; None if in none.

        It is `role` itself if they fill it, otherwise one that covers it.

        Raises:
            RoleError: nobody fills the role.
        """
        if self.person in self.people.members(role):
            return role
        covering = self.people.covering(role) if isinstance(self.people, CoversRoles) else ()
        return next((name for name in covering if self.person in self.people.members(name)), None)

    def is_one_of(self, names: Iterable[str]) -> bool:
        """Return whether one of these identities is this person, under any of the names they go by."""
        mine = self._identities(self.person)
        return any(not mine.isdisjoint(self._identities(name)) for name in names)

    def _identities(self, person: str) -> frozenset[str]:
        known = self.people.identities(person) if isinstance(self.people, KnowsIdentities) else frozenset()
        return known | {identity(person)}


def may_act(row: Row[Any], actor: Actor) -> str:
    """Accept a member of the ticket's present role, or of one that covers it; returns the role they act in.

    Raises:
        NotAllowed: somebody else.
    """
    role = actor.acting_role(row.role)
    if role is None:
        raise NotAllowed(row.id, f"only a member of {row.role}, or of a role that covers it, may do this")
    return role


def route_role(row: Row[Any], actor: Actor, *, may: str) -> str:
    """Accept a member of any role that the ticket is with, waits for or was agreed to by; returns theirs.

    Raises:
        NotAllowed: somebody else; `may` says what they may not do.
    """
    roles = {row.role, *names(row.waiting_for), *(agreed.role for agreed in agreements(row.agreed))}
    role = next((found for name in sorted(roles) if (found := actor.acting_role(name))), None)
    if role is None:
        raise NotAllowed(row.id, f"only a member of its roles may {may}")
    return role


def refuse_second_seat(ticket: str, agreed: Iterable[str], actor: Actor) -> None:
    """Accept whoever is none of those who have agreed.

    Raises:
        NotAllowed: they have, under this name or another.
    """
    if actor.is_one_of(agreed):
        raise NotAllowed(ticket, "this person has agreed already; a second one is needed")


def refuse_own_case(ticket: str, excluded: Iterable[str], actor: Actor) -> None:
    """Accept whoever the case is not about.

    Raises:
        NotAllowed: the case is their own.
    """
    if actor.is_one_of(excluded):
        raise NotAllowed(ticket, "nobody decides their own case")
