"""What a manager sees and switches: queues, load, conflicts, attention, holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from handrail.errors import NotAllowed, RoleError
from handrail.service.batch import Batching
from handrail.service.permissions import Operation, require
from handrail.service.policy_standing import PolicyStanding, remarks_on, standings
from handrail.service.reviewer import Reviewer
from handrail.store.audit.chain import Event
from handrail.store.audit.verify import Report
from handrail.store.outbox import OutboxMessage
from handrail.store.tickets.health import Conflict, Load, Look, QueueHealth
from handrail.store.tickets.pauses import EVERYTHING, Pause
from handrail.store.tickets.seeded import SeededOutcome
from handrail.tickets.ticket import Verdict

PERIOD = timedelta(days=7)
TIRED_FROM, TIRED_RATE, TIRED_SECONDS = 20, 0.98, 5.0
"""From how many decisions on a person seems tired who approves so many in so few seconds at the median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """How one person decides: how many, which share they approve as proposed, how many seconds they look.

    `seems_tired` says that nearly everything is approved at once, so that somebody should ask. Of `seeded`
    cases they decided `seeded_right` as these had been decided before; no other figure counts these.
    """

    person: str
    decided: int
    approve_rate: float
    median_seconds: float | None
    seems_tired: bool
    seeded: int = 0
    seeded_right: int = 0


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
        seeded: dict[str, list[SeededOutcome]] = {}
        for one in self._store.seeded_outcomes(who.tenant, since=self.now - period):
            seeded.setdefault(one.person, []).append(one)
        return tuple(
            attention_of(person, by_person.get(person, ()), seeded.get(person, ()))
            for person in sorted({*by_person, *seeded})
        )

    def seed(self, who: Reviewer, said: str) -> str:
        """Put a decided ticket into the queue of its role once more, as a seeded case; returns its reference.

        Nothing shows that it is one until it is decided, and it has no effect.

        Raises:
            NotAllowed: the role takes no seeded cases, or nobody has decided the ticket.
        """
        require(Operation.SEED, who)
        ticket = self.find(who, said)
        held = self._store.get(who.tenant, ticket).ticket
        plan = self._policies.current().roles.get(held.role) if held is not None else None
        if plan is None or not plan.seeded_cases:
            raise NotAllowed(ticket, "its role takes no seeded cases; say `seeded_cases: true` in the policy")
        placed = self._store.seed(who.tenant, ticket, self._actor(who))
        return self._store.get(who.tenant, placed).reference

    def dead_letters(self, who: Reviewer) -> tuple[OutboxMessage, ...]:
        """Return the notices of this tenant that were given up, oldest first."""
        require(Operation.DELIVERIES, who)
        return self._store.dead_letters(tenant=who.tenant)

    def replay(self, who: Reviewer, messages: Iterable[str]) -> int:
        """Send notices again that were given up; returns how many."""
        mine = {one.id for one in self.dead_letters(who)}
        chosen = [name for name in messages if name in mine]
        count = self._store.replay(chosen, now=self.now, tenant=who.tenant)
        if count:
            data = {"messages": chosen}
            self._store.note(
                Event(tenant=who.tenant, kind="outbox.replay", at=self.now, actor=who.person, data=data)
            )
        return count

    def policies(self, who: Reviewer) -> tuple[PolicyStanding, ...]:
        """Return the policy in force with what a check of it says, then its other versions."""
        require(Operation.POLICIES, who)
        current = self._policies.current()
        sha = current.ref.sha256
        if sha not in self._remarks:
            # A check takes time, and says the same of the same policy.
            self._remarks = {sha: remarks_on(current)}
        return standings(current, self._remarks[sha], self._store.policy_changes())

    def audit_check(self, who: Reviewer) -> Report:
        """Walk the audit log and compare it with the store, as `handrail audit verify` does.

        On PostgreSQL the inbox sees one tenant alone, whose own entries are checked; the report is then not
        whole, and `handrail.store.audit.tenant_check` says what it finds.
        """
        require(Operation.AUDIT, who)
        if self._store.database.is_postgres:
            return self._store.verify_tenant(who.tenant)
        return self._store.verify()

    def pauses(self, who: Reviewer) -> tuple[Pause, ...]:
        """Return what is on hold; everybody may know."""
        require(Operation.LIST, who)
        return self._store.pauses(who.tenant)

    def pause(self, who: Reviewer, role: str = EVERYTHING, *, why: str) -> None:
        """Put a role on hold, or everything: nothing is approved, takes effect or begins until `resume`.

        `why` is for everybody to read, so what is found in it is masked.

        Raises:
            RoleError: the policy has no such role.
        """
        require(Operation.PAUSE, who)
        self._must_be_role(role)
        self._store.pause(who.tenant, role, why=self._masked(why), actor=self._actor(who))

    def resume(self, who: Reviewer, role: str = EVERYTHING, *, why: str = "") -> None:
        """End a hold."""
        require(Operation.PAUSE, who)
        self._store.resume(who.tenant, role, why=self._masked(why), actor=self._actor(who))

    def _must_be_role(self, role: str) -> None:
        if role != EVERYTHING and role not in self._policies.current().roles:
            raise RoleError(f"the policy has no role {role!r}")


def attention_of(person: str, looks: Iterable[Look], seeded: Sequence[SeededOutcome] = ()) -> Attention:
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
        seeded=len(seeded),
        seeded_right=sum(one.is_right for one in seeded),
    )


def _idle(role: str) -> QueueHealth:
    return QueueHealth(role=role, open=0, free=0, breached=0, next_due=None, decided=0, median_minutes=None)
