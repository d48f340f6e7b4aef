"""Who uses a front end: their tenant and roles, what they may do from it, and how surely it is them."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from handrail.errors import RoleError
from handrail.store import Actor
from handrail.tickets.resolution import People, covers_roles, knows_absences, knows_identities


class Scope(StrEnum):
    """One kind of thing that a session or a token may do."""

    READ = "read"
    DECIDE = "decide"
    UNMASK = "unmask"
    MANAGE = "manage"


class Level(StrEnum):
    """How surely it is this person: a token, a sign-in, a fresh one, or one bound to an action's digest."""

    TOKEN = "token"  # noqa: S105 - the name of a level
    LOGIN = "login"
    FRESH = "fresh"
    BOUND = "bound"

    rank: int
    """0 for a token, 3 for a sign-in that is bound to one action."""


for _rank, _level in enumerate(Level):
    _level.rank = _rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """A person behind a session or a token.

    Args:
        person: their id, as the people file lists it.
        tenant: whose tickets they work on.
        roles: the roles they act in. Unless `by_claims`, those count that the people file gives them too.
        scopes: what they may do from here.
        is_manager: whether they see queues, policies and deliveries.
        level: how surely it is them.
        bound_to: what `Level.BOUND` was given for: a decision as it was shown, or to unmask a ticket, the
            digest of its action.
        signed_in_at: when they last proved who they are.
        by_claims: their roles come from an identity provider, which decides who fills them.
    """

    person: str
    tenant: str = "default"
    roles: frozenset[str] = frozenset()
    scopes: frozenset[Scope] = frozenset({Scope.READ, Scope.DECIDE})
    is_manager: bool = False
    level: Level = Level.LOGIN
    bound_to: str = ""
    signed_in_at: datetime | None = None
    by_claims: bool = False

    def actor(self, people: People, now: datetime) -> Actor:
        """Return who acts on the store, with the roles that count here."""
        return Actor(person=self.person, people=_Narrowed(of=people, who=self), now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Narrowed:
    """The people of a file, with one reviewer in those roles only in which they act here."""

    of: People
    who: Reviewer

    def members(self, role: str) -> frozenset[str]:
        """Return the people of a role; raises RoleError for a role that nobody fills."""
        person = frozenset({self.who.person})
        if role in self.who.roles and self.who.by_claims:
            try:
                return self.of.members(role) | person
            except RoleError:
                return person
        found = self.of.members(role)
        return found if role in self.who.roles else found - person

    def covering(self, role: str) -> tuple[str, ...]:
        """Return the roles that cover this one."""
        return self.of.covering(role) if covers_roles(self.of) else ()

    def identities(self, person: str) -> frozenset[str]:
        """Return the names that are the same person as this name."""
        return self.of.identities(person) if knows_identities(self.of) else frozenset()

    def away_until(self, person: str, now: datetime) -> date | None:
        """Return the last day of a person's present absence."""
        return self.of.away_until(person, now) if knows_absences(self.of) else None

    def acts_for(self, person: str, since: datetime, until: datetime) -> frozenset[str]:
        """Return those whose delegate a person was."""
        if not knows_absences(self.of):
            return frozenset()
        return self.of.acts_for(person, since, until)
