"""A service over a store, with the people and the policy of the shop that the tickets are of."""

from datetime import datetime, timedelta

from handrail.policy import Policy, loads
from handrail.policy.runtime.roles import covering
from handrail.records import Severity
from handrail.service import GivenPolicy, Level, Reviewer, Scope, TicketService
from handrail.service.settings import ServiceSettings
from handrail.store import SqlStore
from support.stores import NOW, Staff

SHOP: Policy = loads(
    """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  finance_lead: {answer_within: 30 minutes, backup: process_owner, sees: [financial]}
  legal_lead: {answer_within: 30 minutes}
  queue_manager: {}
  process_owner: {covers: [finance_lead]}
"""
)
EVERYTHING = frozenset(Scope)
_ROLES = {
    person: frozenset(role for role, members in Staff.names.items() if person in members)
    for members in Staff.names.values()
    for person in members
}


class Shop(Staff):
    """Who fills which role, and which roles cover others."""

    def covering(self, role: str) -> tuple[str, ...]:
        """The roles that cover a role."""
        return covering(role, SHOP.roles)


class Hands:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOW + timedelta(minutes=1)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def go_on(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


def reviewer(
    person: str = "fay",
    *,
    tenant: str = "default",
    level: Level = Level.FRESH,
    scopes: frozenset[Scope] = EVERYTHING,
    is_manager: bool = False,
) -> Reviewer:
    """A person of the shop who has just signed in."""
    return Reviewer(
        person=person,
        tenant=tenant,
        roles=_ROLES.get(person, frozenset()),
        scopes=scopes,
        level=level,
        is_manager=is_manager,
    )


def service_over(
    store: SqlStore, clock: Hands | None = None, *, step_up_from: Severity | None = Severity.HIGH
) -> TicketService:
    """The service over a store as an inbox opens it."""
    settings = ServiceSettings(step_up_from=step_up_from)
    return TicketService(store, GivenPolicy(policy=SHOP), Shop(), clock or Hands(), settings)
