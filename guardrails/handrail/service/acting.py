"""What every part of the service stands on: who acts, in which role, and what that role sees."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from handrail.clock import Clock, now_utc
from handrail.errors import RoleError
from handrail.service.permissions import Operation, Standing, require
from handrail.service.policies import Policies
from handrail.service.policy_standing import PolicyRemark
from handrail.service.reviewer import Reviewer
from handrail.service.settings import ServiceSettings
from handrail.store import Actor, SqlStore
from handrail.tickets.lifecycle import State
from handrail.tickets.resolution import People
from handrail.tickets.ticket import TicketView

if TYPE_CHECKING:
    from handrail.pipeline.pipeline import Pipeline


class Acting:
    """The store with the people and policies by which a person acts on it.

    Args:
        store: a store as an inbox opens it.
        policies: the policy in force, and earlier ones.
        people: who fills which role; a `PeopleFile` is read at each act.
        clock: gives the time.
        settings: how the deployment's people work.
    """

    def __init__(
        self,
        store: SqlStore,
        policies: Policies,
        people: People | Callable[[], People],
        clock: Clock = now_utc,
        settings: ServiceSettings | None = None,
    ) -> None:
        self._store, self._policies, self._clock = store, policies, clock
        self._people = people
        self.settings = settings or ServiceSettings()
        self._pipelines: dict[str, Pipeline] = {}
        self._remarks: dict[str, tuple[PolicyRemark, ...]] = {}

    @property
    def now(self) -> datetime:
        """The time by the service's clock."""
        return self._clock()

    def _pipeline(self) -> "Pipeline":
        """Return what reads texts under the policy in force."""
        from handrail.guard.opening import pipeline_of, scanner_of

        policy = self._policies.current()
        sha = policy.ref.sha256
        if sha not in self._pipelines:
            self._pipelines[sha] = pipeline_of(policy, scanner_of(policy), {})
        return self._pipelines[sha]

    def _masked(self, words: str) -> str:
        """Return what somebody said of a case as every role of its ticket may read it."""
        from handrail.pipeline.decoded import masked_words

        return masked_words(words, self._pipeline().scanner)

    def roles_of(self, who: Reviewer) -> tuple[str, ...]:
        """Return the roles whose tickets a person may act on: their own, then those that these cover."""
        actor = self._actor(who)
        found = {role: _acting(actor, role) for role in self._policies.current().roles}
        own = [role for role, acting in found.items() if acting == role]
        return (*own, *(role for role, acting in found.items() if acting not in (None, role)))

    def _actor(self, who: Reviewer) -> Actor:
        people = self._people
        return who.actor(people() if callable(people) else people, self._clock())

    def _standing(self, who: Reviewer, view: TicketView) -> Standing:
        actor = self._actor(who)
        return Standing(
            state=view.state,
            is_member=_acting(actor, view.role) is not None,
            is_on_route=self._role_on(actor, view) != "",
            claimed_by=view.claimed_by,
        )

    def _role_on(self, actor: Actor, view: TicketView) -> str:
        """Return the role in which a person sees a ticket, empty if in none."""
        for role in (view.role, *view.waiting_for, *view.agreed):
            acting = _acting(actor, role)
            if acting is not None:
                return acting
        return ""

    def _sees(self, role: str) -> frozenset[str]:
        """Return the finding types and categories that a role sees unmasked."""
        plan = self._policies.current().roles.get(role)
        return (plan.sees if plan is not None else None) or frozenset()

    def _permit(self, operation: Operation, who: Reviewer, ticket: str) -> TicketView:
        """Accept an operation on a ticket; returns the ticket as it stands.

        Raises:
            NotPermitted: the person may not.
            TicketNotFound: none of this id for their tenant.
        """
        view = self._store.get(who.tenant, ticket)
        if view.state is State.RESOLVED and view.lease_until is not None and view.lease_until <= self.now:
            self._store.take_effect(who.tenant, ticket, now=self.now)
            view = self._store.get(who.tenant, ticket)
        require(operation, who, self._standing(who, view))
        return view


def _acting(actor: Actor, role: str) -> str | None:
    try:
        return actor.acting_role(role)
    except RoleError:
        return None
