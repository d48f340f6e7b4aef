"""Who acts on a ticket: in which role, and never on a case of their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from handrail.errors import NotAllowed
from handrail.store.tables import moment
from handrail.store.tickets.rows import agreements, names
from handrail.text.identity import identity
from handrail.tickets.resolution import People, covers_roles, knows_absences, knows_identities


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
        covering = self.people.covering(role) if covers_roles(self.people) else ()
        return next((name for name in covering if self.person in self.people.members(name)), None)

    def is_one_of(self, names: Iterable[str]) -> bool:
        """Return whether one of these identities is this person, under any of the names they go by."""
        named = tuple(names)
        mine = self._identities(self.person) if named else frozenset[str]()
        return any(not mine.isdisjoint(self._identities(name)) for name in named)

    def away_until(self) -> date | None:
        """Return the last day of this person's present absence, None while they are there."""
        return self.people.away_until(self.person, self.now) if knows_absences(self.people) else None

    def stands_in_for(self, names: Iterable[str], since: datetime) -> bool:
        """Return whether this person was the delegate of one of these, or one of these theirs, since then."""
        if not knows_absences(self.people):
            return False
        mine = self.people.acts_for(self.person, since, self.now)
        named = tuple(names)
        known = frozenset[str]().union(*map(self._identities, named))
        return any(not known.isdisjoint(self._identities(absent)) for absent in mine) or any(
            self.person in self.people.acts_for(name, since, self.now) for name in named
        )

    def _identities(self, person: str) -> frozenset[str]:
        known = self.people.identities(person) if knows_identities(self.people) else frozenset()
        return known | {identity(person)}


def may_act(row: Row[Any], actor: Actor) -> str:
    """Accept a member of the ticket's present role, or of one that covers it; returns the role they act in.

    Raises:
        NotAllowed: somebody else.
    """
    role = actor.acting_role(row.role)
    if role is None:
        raise NotAllowed(row.id, f"only a member of {row.role}, or of a role that covers it, may do this")
    until = actor.away_until()
    if until is not None:
        raise NotAllowed(row.id, f"this person is away until {until}")
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


def refuse_second_seat(row: Row[Any], actor: Actor) -> None:
    """Accept whoever is none of those who have agreed, nor acted for one of them since the ticket was opened.

    Raises:
        NotAllowed: they have, under this name or another, or by a delegate.
    """
    agreed = [agreement.person for agreement in agreements(row.agreed)]
    if actor.is_one_of(agreed):
        raise NotAllowed(row.id, "this person has agreed already; a second one is needed")
    if actor.stands_in_for(agreed, moment(row.created_at)):
        raise NotAllowed(row.id, "a person and their delegate count as one; a second one is needed")


def refuse_own_case(row: Row[Any], excluded: Iterable[str], actor: Actor) -> None:
    """Accept whoever the case is not about, nor about somebody for whom they act.

    Raises:
        NotAllowed: the case is their own, or that of the person they stand in for.
    """
    names = tuple(excluded)
    if actor.is_one_of(names):
        raise NotAllowed(row.id, "nobody decides their own case")
    if actor.stands_in_for(names, moment(row.created_at)):
        raise NotAllowed(row.id, "nobody decides the case of whom they act for")
