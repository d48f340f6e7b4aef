"""Who a ticket is with and until when: deadlines, the chain of roles, the safe default. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Protocol

from handrail.records import Severity, Trigger
from handrail.tickets.calendar import ALWAYS, Calendar
from handrail.tickets.ticket import OnExpiry

START_SHARE: Final[Mapping[Severity, float]] = MappingProxyType(
    {Severity.LOW: 0.9, Severity.MEDIUM: 0.75, Severity.HIGH: 0.5}
)
WARN_SHARE: Final = 0.5


class RolePlan(Protocol):
    """What a policy says about a role."""

    @property
    def answer_within(self) -> timedelta | None:
        """Time to decide, None for no deadline."""

    @property
    def backup(self) -> str | None:
        """The role a ticket goes to when this one does not decide in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """When work must have begun, when half of the time is gone, when it is over; None without a deadline."""

    start_by: datetime | None = None
    warn_at: datetime | None = None
    decide_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeDefault:
    """What happens to a case that nobody decides: never an approval. `tells` is for the person who waits."""

    action: OnExpiry
    tells: str


_HOLD = SafeDefault(
    action=OnExpiry.HOLD,
    tells="Nobody could look at your request in time. Nothing was done, and it stays open with us.",
)
_DEFAULTS: Final[Mapping[Trigger, SafeDefault]] = MappingProxyType(
    {
        Trigger.LOW_CONFIDENCE: SafeDefault(
            action=OnExpiry.PARTIAL,
            tells="We could not check the answer in time, so we do not give one. A person will reply.",
        ),
        Trigger.HIGH_STAKES: SafeDefault(
            action=OnExpiry.DENY,
            tells="Nobody could approve your request in time, so it was not carried out.",
        ),
        Trigger.SENSITIVE_DATA: SafeDefault(
            action=OnExpiry.WITHHOLD,
            tells="Nobody who may read this could look at it in time. It stays with us, unread.",
        ),
        Trigger.POLICY_CONFLICT: _HOLD,
        Trigger.COMPLAINT: SafeDefault(
            action=OnExpiry.CALLBACK,
            tells="We have your complaint. Nobody could answer in time; a person will get back to you.",
        ),
        Trigger.ASKS_FOR_HUMAN: SafeDefault(
            action=OnExpiry.CALLBACK,
            tells="Nobody was free in time; a person will get back to you.",
        ),
    }
)


def deadlines(
    plan: RolePlan | None, severity: Severity, opened_at: datetime, calendar: Calendar = ALWAYS
) -> Deadlines:
    """Return the deadlines of a ticket that reaches a role at `opened_at`, in UTC; pure.

    Work must begin within half of the time for high severity, three quarters for medium, nine tenths for low:
    never before the warning. Time counts as the calendar says.
    """
    within = plan.answer_within if plan else None
    if within is None:
        return Deadlines()
    return Deadlines(
        start_by=calendar.after(opened_at, within * START_SHARE[severity]),
        warn_at=calendar.after(opened_at, within * WARN_SHARE),
        decide_by=calendar.after(opened_at, within),
    )


def chain(role: str, roles: Mapping[str, RolePlan]) -> tuple[str, ...]:
    """Return the roles a ticket goes to after `role`, in order, each once; pure, ends on any cycle."""
    found = [role]
    while (plan := roles.get(found[-1])) is not None and plan.backup and plan.backup not in found:
        found.append(plan.backup)
    return tuple(found[1:])


def safe_default(trigger: Trigger) -> SafeDefault:
    """Return what happens when nobody decides a ticket of this trigger; pure, total, never an approval."""
    return _DEFAULTS.get(trigger, _HOLD)
