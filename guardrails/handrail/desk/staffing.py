"""Proves that every hand-off ends somewhere: at a role with people at work, or at a safe default. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from handrail.policy import Policy
from handrail.records import Severity, Trigger
from handrail.tickets.routing import RolePlan, chain, deadlines, safe_default
from handrail.tickets.schedule import Schedule
from handrail.tickets.ticket import OnExpiry

HOUR: Final = timedelta(hours=1)
WEEK_HOURS: Final = 7 * 24

Members: TypeAlias = Callable[[str], frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way into the chain: which rule hands off, why, and to whom."""

    rule: str
    trigger: Trigger
    role: str
    severity: Severity = Severity.MEDIUM


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Where a ticket opened at one moment ends.

    `role` is the first one with somebody at work, from `at` on; None where nobody is before the safe default
    applies. `at` None means a dead end: `stuck` names the role it waits at, without people or deadline.
    """

    role: str | None = None
    at: datetime | None = None
    default: OnExpiry | None = None
    stuck: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staffing:
    """Who fills the roles, and how long they may take."""

    roles: Mapping[str, RolePlan]
    members: Members
    schedule: Schedule

    def ending(self, route: Route, opened_at: datetime) -> Ending:
        """Follow a ticket from role to role until somebody is at work or nothing is left; pure."""
        backups = chain(route.role, self.roles)
        now = opened_at
        for role, following in zip((route.role, *backups), (*backups, None), strict=True):
            found = deadlines(self.roles.get(role), route.severity, now, self.schedule.of(role))
            limit = found.start_by if following else found.decide_by
            opens = self.schedule.first_present(role, self.members(role), now, limit)
            if opens is not None:
                return Ending(role=role, at=opens)
            if limit is None:
                return Ending(stuck=role)
            now = limit
        return Ending(at=now, default=safe_default(route.trigger).action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What one route meets over a number of hours.

    `by_role` counts the hours that end at each role, `defaults` those that end at the safe default, `dead`
    those that end nowhere (with the first of them). `longest` is the longest time until somebody is at work.
    """

    route: Route
    hours: int
    by_role: Mapping[str, int]
    defaults: int
    default: OnExpiry
    dead: int
    first_dead: datetime | None
    stuck: str
    longest: timedelta
    longest_from: datetime | None


def hours_of(start: datetime, count: int = WEEK_HOURS) -> Iterator[datetime]:
    """Yield `count` moments, an hour apart."""
    return (start + HOUR * number for number in range(count))


def cover(staffing: Staffing, route: Route, hours: Iterable[datetime]) -> Coverage:
    """Follow a route from every given hour; pure."""
    by_role: dict[str, int] = {}
    defaults = dead = count = 0
    first_dead: datetime | None = None
    stuck = ""
    longest, longest_from = timedelta(), None
    for hour in hours:
        count += 1
        ending = staffing.ending(route, hour)
        if ending.at is None:
            dead, stuck, first_dead = dead + 1, ending.stuck, first_dead or hour
        elif ending.role is None:
            defaults += 1
        else:
            by_role[ending.role] = by_role.get(ending.role, 0) + 1
            if ending.at - hour > longest:
                longest, longest_from = ending.at - hour, hour
    return Coverage(
        route=route,
        hours=count,
        by_role=by_role,
        defaults=defaults,
        default=safe_default(route.trigger).action,
        dead=dead,
        first_dead=first_dead,
        stuck=stuck,
        longest=longest,
        longest_from=longest_from,
    )


def empty_roles(staffing: Staffing, routes: Sequence[Route]) -> tuple[str, ...]:
    """Return the roles on some route that nobody fills, in order; pure."""
    reached: dict[str, None] = {}
    for route in routes:
        reached |= dict.fromkeys((route.role, *chain(route.role, staffing.roles)))
    return tuple(role for role in reached if not staffing.members(role))


def routes_of(policy: Policy) -> tuple[Route, ...]:
    """Return every way in which a policy hands off: rules, conflicts, gaps, what it is unsure of; pure."""
    reasons = [reason for rule in policy.hand_offs for reason in rule.reasons]
    for decision in policy.decisions.values():
        for rule in decision.rules:
            reasons += rule.reasons
        reasons += [one for owner in decision.owners for one in owner.reasons_for(decision.rules)]
        reasons.append(decision.gap)
    reasons += [statement.broken for statement in policy.statements]
    found = [
        Route(rule=reason.rule, trigger=reason.trigger, role=reason.role, severity=reason.severity)
        for reason in reasons
        if reason.role is not None
    ]
    found.append(Route(rule="if_unsure", trigger=Trigger.UNSURE, role=policy.if_unsure))
    return tuple(dict.fromkeys(found))
