"""What a due ticket needs, by the policy's roles and the schedule: the store asks, once per ticket. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from handrail.records import Severity
from handrail.tickets.lifecycle import IN_HAND, State, Verb
from handrail.tickets.routing import RolePlan, chain, deadlines
from handrail.tickets.schedule import ALWAYS_STAFFED, Schedule
from handrail.tickets.timers import DueTicket, TimerStep, next_step

_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Chooses as `handrail.tickets.timers.next_step` does, but escalates by the policy that is in force now.

    A ticket goes to the backup of the role it is with (which may be a co-approver), and that role gets its
    own time by its own calendar. From a role that the policy no longer knows it goes on along its old chain.
    """

    roles: Mapping[str, RolePlan]
    schedule: Schedule = ALWAYS_STAFFED

    def __call__(self, due: DueTicket, now: datetime) -> TimerStep | None:
        """Return what a due ticket needs now, None for nothing; pure, and never an approval."""
        choice = next_step(due, now)
        if due.state not in IN_HAND or due.role not in self.roles:
            return choice
        if choice is not None and choice.verb not in (Verb.ESCALATE, Verb.EXPIRE):
            return choice
        is_over = _past(due.decide_by, now)
        if not is_over and not (due.state is State.READY and _past(due.start_by, now)):
            return choice
        role = self._next_role(due)
        if role is None:
            return TimerStep(verb=Verb.EXPIRE) if is_over else None
        found = deadlines(self.roles.get(role), _SEVERITIES[due.severity], now, self.schedule.of(role))
        return TimerStep(
            verb=Verb.ESCALATE,
            role=role,
            start_by=found.start_by,
            warn_at=found.warn_at,
            decide_by=found.decide_by,
        )

    def _next_role(self, due: DueTicket) -> str | None:
        """The present role's backup; the level bounds the way, so roles that back each other up end too."""
        own = chain(due.role, self.roles) if due.level == 0 else ()
        if due.level >= max(len(due.chain), len(own)):
            return None
        return self.roles[due.role].backup


def _past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
