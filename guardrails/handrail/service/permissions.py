"""What each operation asks of a person: one table, read by the service, the pages and the tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from handrail.errors import NotPermitted
from handrail.service.reviewer import Level, Reviewer, Scope
from handrail.tickets.lifecycle import TABLE, WITH_PEOPLE, State, Verb


class Operation(StrEnum):
    """One thing that a front end lets people do."""

    LIST = "list"
    VIEW = "view"
    CLAIM = "claim"
    RELEASE = "release"
    TAKE_OVER = "take_over"
    ASK = "ask"
    INFORM = "inform"
    REASSIGN = "reassign"
    LINK = "link"
    WITHDRAW = "withdraw"
    SNOOZE = "snooze"
    EXTEND = "extend"
    DECIDE = "decide"
    UNDO = "undo"
    OWN_ANSWER = "own_answer"
    UNMASK = "unmask"
    RECONCILE = "reconcile"
    QUEUES = "queues"
    PAUSE = "pause"
    DELIVERIES = "deliveries"
    SEED = "seed"
    POLICIES = "policies"
    AUDIT = "audit"
    TOKENS = "tokens"
    REVIEW = "review"
    CHANGE_POLICY = "change_policy"


class Membership(StrEnum):
    """Whose operation it is: anybody's, a manager's, that of a manager or the policy's owner, or a role's."""

    ANYBODY = "anybody"
    MANAGER = "manager"
    OWNER = "owner"
    ROLE = "role"
    ROUTE = "route"


class Claim(StrEnum):
    """Whose claim the operation asks for: none in particular, nobody else's, or one's own."""

    ANY = "any"
    NOT_OTHERS = "not_others"
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one operation asks for; `states` are those a ticket may be in, all of them if empty."""

    scope: Scope
    membership: Membership
    claim: Claim = Claim.ANY
    level: Level = Level.TOKEN
    states: frozenset[State] = frozenset()


def _on(verb: Verb, scope: Scope = Scope.DECIDE, claim: Claim = Claim.ANY) -> Need:
    return Need(scope=scope, membership=Membership.ROLE, claim=claim, states=TABLE[verb].sources)


NEEDS: Final[Mapping[Operation, Need]] = MappingProxyType(
    {
        Operation.LIST: Need(scope=Scope.READ, membership=Membership.ANYBODY),
        Operation.VIEW: Need(scope=Scope.READ, membership=Membership.ROUTE),
        Operation.CLAIM: Need(
            scope=Scope.DECIDE,
            membership=Membership.ROLE,
            claim=Claim.NOT_OTHERS,
            states=TABLE[Verb.CLAIM].sources | TABLE[Verb.RENEW].sources,
        ),
        Operation.RELEASE: _on(Verb.RELEASE, claim=Claim.OWN),
        Operation.TAKE_OVER: _on(Verb.TAKE_OVER, claim=Claim.NOT_OTHERS),
        Operation.ASK: _on(Verb.ASK, claim=Claim.OWN),
        Operation.INFORM: _on(Verb.INFORM),
        Operation.REASSIGN: _on(Verb.REASSIGN),
        Operation.LINK: _on(Verb.LINK, claim=Claim.NOT_OTHERS),
        Operation.SNOOZE: _on(Verb.SNOOZE, claim=Claim.NOT_OTHERS),
        Operation.EXTEND: _on(Verb.EXTEND),
        Operation.UNDO: _on(Verb.UNDO, claim=Claim.OWN),
        Operation.WITHDRAW: Need(
            scope=Scope.DECIDE, membership=Membership.ROUTE, states=TABLE[Verb.WITHDRAW].sources
        ),
        Operation.DECIDE: Need(
            scope=Scope.DECIDE,
            membership=Membership.ROLE,
            claim=Claim.NOT_OTHERS,
            states=WITH_PEOPLE - {State.WAITING_INFO},
        ),
        Operation.OWN_ANSWER: Need(
            scope=Scope.DECIDE,
            membership=Membership.ROLE,
            claim=Claim.OWN,
            states=frozenset({State.CLAIMED}),
        ),
        Operation.UNMASK: Need(scope=Scope.UNMASK, membership=Membership.ROUTE, level=Level.FRESH),
        Operation.RECONCILE: Need(
            scope=Scope.DECIDE, membership=Membership.ROLE, states=frozenset({State.OUTCOME_UNKNOWN})
        ),
        Operation.QUEUES: Need(scope=Scope.MANAGE, membership=Membership.MANAGER),
        Operation.PAUSE: Need(scope=Scope.MANAGE, membership=Membership.MANAGER),
        Operation.DELIVERIES: Need(scope=Scope.MANAGE, membership=Membership.MANAGER),
        Operation.SEED: Need(scope=Scope.MANAGE, membership=Membership.MANAGER),
        Operation.POLICIES: Need(scope=Scope.MANAGE, membership=Membership.MANAGER),
        Operation.AUDIT: Need(scope=Scope.MANAGE, membership=Membership.MANAGER),
        Operation.TOKENS: Need(scope=Scope.READ, membership=Membership.ANYBODY, level=Level.FRESH),
        Operation.REVIEW: Need(scope=Scope.READ, membership=Membership.OWNER),
        Operation.CHANGE_POLICY: Need(scope=Scope.DECIDE, membership=Membership.OWNER, level=Level.FRESH),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a ticket stands towards one person: whether its turn is theirs, or was or will be."""

    state: State
    is_member: bool
    is_on_route: bool
    claimed_by: str | None = None


def allowed(
    operation: Operation, who: Reviewer, ticket: Standing | None = None, *, is_owner: bool = False
) -> str:
    """Return what a person lacks for an operation, empty if nothing; pure.

    The answer is one of `scope`, `manager`, `owner`, `role`, `claim`, `state` and `level`. A ticket's
    operation is asked about with the ticket; `is_owner` says whether they fill the role that owns the policy.
    """
    need = NEEDS[operation]
    if need.scope not in who.scopes:
        return "scope"
    if need.membership is Membership.MANAGER and not who.is_manager:
        return "manager"
    if need.membership is Membership.OWNER and not (who.is_manager or is_owner):
        return "owner"
    if ticket is not None and need.membership in (Membership.ROLE, Membership.ROUTE):
        lacks = _of_ticket(need, who, ticket)
        if lacks:
            return lacks
    return "level" if who.level.rank < need.level.rank else ""


def _of_ticket(need: Need, who: Reviewer, ticket: Standing) -> str:
    is_theirs = ticket.is_member if need.membership is Membership.ROLE else ticket.is_on_route
    if not is_theirs:
        return "role"
    if need.states and ticket.state not in need.states:
        return "state"
    is_others = ticket.claimed_by not in (None, who.person)
    if need.claim is Claim.OWN and ticket.claimed_by != who.person:
        return "claim"
    return "claim" if need.claim is Claim.NOT_OTHERS and is_others else ""


def require(
    operation: Operation, who: Reviewer, ticket: Standing | None = None, *, is_owner: bool = False
) -> None:
    """Accept an operation that a person may do as far as scopes, roles and level say.

    Claims and states are left to the step itself, which sees them under a lock and says what became of them.

    Raises:
        NotPermitted: they may not.
    """
    lacks = allowed(operation, who, ticket, is_owner=is_owner)
    if lacks not in ("", "claim", "state"):
        raise NotPermitted(operation.value, lacks)


def offered(who: Reviewer, ticket: Standing) -> frozenset[Operation]:
    """Return what a person may do to a ticket now, or could after proving anew who they are; pure."""
    of_tickets = (op for op, need in NEEDS.items() if need.membership in (Membership.ROLE, Membership.ROUTE))
    return frozenset(op for op in of_tickets if allowed(op, who, ticket) in ("", "level"))
