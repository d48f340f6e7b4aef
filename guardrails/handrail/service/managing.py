"""What a manager sees and switches: queues, load, conflicts, attention, holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from handrail.errors import RoleError
from handrail.service.batch import Batching
from handrail.service.permissions import Operation, require
from handrail.service.reviewer import Reviewer
from handrail.store.outbox import OutboxMessage
from handrail.store.tickets.health import Conflict, Load, Look, QueueHealth
from handrail.store.tickets.pauses import EVERYTHING, Pause
from handrail.tickets.ticket import Verdict

PERIOD = timedelta(days=7)
TIRED_FROM, TIRED_RATE, TIRED_SECONDS = 20, 0.98, 5.0
"""From how many decisions on a person seems tired who approves so many in so few seconds at the median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """How one person decides: how many, which share they approve as proposed, how many seconds they look.

    `seems_tired` says that nearly everything is approved at once, so that somebody should ask.
    """

    person: str
    decided: int
    approve_rate: float
    median_seconds: float | None
    seems_tired: bool


class Managing(Batching):
    """For managers; every method raises `NotPermitted` for anybody else."""

    def queues(self, who: Reviewer, *, period: timedelta = PERIOD) -> tuple[QueueHealth, ...]:
        """Return how each role's queue stands, roles with nothing to do included."""
        require(Operation.QUEUES, who)
        now = self.now
        found = {one.role: one for one in self._store.queues(who.tenant, now=now, since=now - period)}
        idle = (role for role in self._policies.current().roles if role not in found)
        return (*found.values(), *(_idle(role) for role in idle))

    def loads(self, who: Reviewer, *, period: timedelta = PERIOD) -> tuple[Load, ...]:
        """Return what each person has claimed now and decided of late."""
        require(Operation.QUEUES, who)
        return self._store.loads(who.tenant, since=self.now - period)

    def conflicts(self, who: Reviewer, *, period: timedelta = PERIOD) -> tuple[Conflict, ...]:
        """Return which rules disagreed of late, the most frequent first."""
        require(Operation.QUEUES, who)
        return self._store.conflicts(who.tenant, since=self.now - period)

    def attention(self, who: Reviewer, *, period: timedelta = PERIOD) -> tuple[Attention, ...]:
        """Return how people decide of late."""
        require(Operation.QUEUES, who)
        by_person: dict[str, list[Look]] = {}
        for look in self._store.looks(who.tenant, since=self.now - period):
            by_person.setdefault(look.person, []).append(look)
        return tuple(attention_of(person, found) for person, found in sorted(by_person.items()))

    def dead_letters(self, who: Reviewer) -> tuple[OutboxMessage, ...]:
        """Return the notices of this tenant that were given up, oldest first."""
        require(Operation.DELIVERIES, who)
        return tuple(one for one in self._store.dead_letters() if one.tenant == who.tenant)

    def replay(self, who: Reviewer, messages: Iterable[str]) -> int:
        """Send notices again that were given up; returns how many."""
        mine = {one.id for one in self.dead_letters(who)}
        return self._store.replay([name for name in messages if name in mine], now=self.now)

    def pauses(self, who: Reviewer) -> tuple[Pause, ...]:
        """Return what is on hold; everybody may know."""
        require(Operation.LIST, who)
        return self._store.pauses(who.tenant)

    def pause(self, who: Reviewer, role: str = EVERYTHING, *, why: str) -> None:
        """Put a role on hold, or everything: nothing is approved, takes effect or begins until `resume`.

        Raises:
            RoleError: the policy has no such role.
        """
        require(Operation.PAUSE, who)
        self._must_be_role(role)
        self._store.pause(who.tenant, role, why=why, actor=self._actor(who))

    def resume(self, who: Reviewer, role: str = EVERYTHING, *, why: str = "") -> None:
        """End a hold."""
        require(Operation.PAUSE, who)
        self._store.resume(who.tenant, role, why=why, actor=self._actor(who))

    def _must_be_role(self, role: str) -> None:
        if role != EVERYTHING and role not in self._policies.current().roles:
            raise RoleError(f"the policy has no role {role!r}")


def attention_of(person: str, looks: Iterable[Look]) -> Attention:
    """Return how one person decides, from their decisions; pure."""
    found = list(looks)
    seconds = [look.seconds for look in found if look.seconds is not None]
    rate = sum(look.verdict == Verdict.APPROVE.value for look in found) / len(found) if found else 0.0
    middle = median(seconds) if seconds else None
    is_quick = middle is not None and middle < TIRED_SECONDS
    return Attention(
        person=person,
        decided=len(found),
        approve_rate=round(rate, 4),
        median_seconds=None if middle is None else round(middle, 1),
        seems_tired=len(found) >= TIRED_FROM and rate > TIRED_RATE and is_quick,
    )


def _idle(role: str) -> QueueHealth:
    return QueueHealth(role=role, open=0, free=0, breached=0, next_due=None, decided=0, median_minutes=None)
