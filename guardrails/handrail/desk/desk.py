"""The desk: fires timers, delivers notices and drains the spool, beside the app or inside it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from handrail.desk.delivery import Delivery, Outbox
from handrail.desk.settings import Settings, load_settings
from handrail.desk.timers import Escalation
from handrail.errors import StoreUnavailable
from handrail.policy import Policy
from handrail.store.spool import Drained, TicketOpener
from handrail.tickets.lifecycle import Verb
from handrail.tickets.policy_change import Change, Standing, on_change
from handrail.tickets.resolution import People
from handrail.tickets.routing import RolePlan
from handrail.tickets.schedule import schedule_of
from handrail.tickets.ticket import Ticket
from handrail.tickets.timers import DueTicket, TimerStep

EVERY_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
BATCH: Final = 100
STEP_S: Final = 60.0
PRUNE_EVERY: Final = timedelta(hours=1)
KEEP_NOTICES: Final = timedelta(days=30)
"""How long a notice is kept that was delivered, or that no desk took."""
NO_CHANNELS: Final = (
    "no channels are named here, so notices wait for a desk that has some: "
    "name its file by --desk, or as desk_file in handrail.toml"
)

log = logging.getLogger("handrail.desk")


class DeskStore(Outbox, TicketOpener, Protocol):
    """What the desk needs of the store."""

    def sweep(
        self, now: datetime, *, limit: int, step: Callable[[DueTicket, datetime], TimerStep | None]
    ) -> Mapping[Verb, int]:
        """Fire due timers, one transaction each; returns how often each step was taken."""

    def drop_claims(self, people: People, *, now: datetime, by: str) -> tuple[str, ...]:
        """Give back what people have claimed who left or are away; returns those tickets."""

    def open_roles(self) -> frozenset[str]:
        """Return the roles that open tickets are with."""

    def follow_policy(
        self, judge: Callable[[Ticket, Standing], Change], *, name: str, sha256: str, now: datetime
    ) -> Mapping[str, int]:
        """Do with the open tickets of earlier versions of a policy what `judge` says."""

    def prune_messages(self, *, before: datetime) -> int:
        """Delete messages that were delivered before a moment; returns how many."""


class Spooled(Protocol):
    """Tickets that wait on disk since the store was out of reach."""

    def drain(self, store: TicketOpener) -> Drained:
        """Open what waits in the store, in order, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one round of the desk did."""

    drained: int = 0
    timers: Mapping[str, int] = field(default_factory=dict)
    delivered: int = 0
    postponed: int = 0
    died: int = 0
    reviewed: int = 0

    @property
    def is_idle(self) -> bool:
        """True if there was nothing to do."""
        told = self.delivered or self.postponed or self.died
        return not (self.drained or self.timers or told or self.reviewed)


class Desk:
    """Runs the timers and the delivery of one store; several desks share the work.

    Args:
        store: the store, opened for the desk.
        roles: the policy's roles, or a function that returns those of the policy now in force.
        settings: who works when, where notices go.
        spool: what waits on disk, if this machine has a spool.
        now: the present moment.
        people: who fills which role; claims of those who left or are away are then given back.
    """

    def __init__(
        self,
        store: DeskStore,
        roles: Mapping[str, RolePlan] | Callable[[], Mapping[str, RolePlan]],
        *,
        settings: Settings | None = None,
        spool: Spooled | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        people: People | None = None,
    ) -> None:
        self._store, self._spool, self._now, self._people = store, spool, now, people
        self._roles = roles if callable(roles) else lambda: roles
        self._settings = settings or Settings()
        self._policy: Callable[[], Policy] | None = None
        self._review: Callable[[datetime], int] = lambda _: 0
        self._followed = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._pruned_at: datetime | None = None
        self.failures = 0
        self.last_done: datetime | None = None

    @classmethod
    def of_policy(
        cls,
        store: DeskStore,
        policy: Policy | Callable[[], Policy],
        *,
        file: str | Path | None = None,
        spool: Spooled | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        people: People | None = None,
    ) -> "Desk":
        """Build a desk from a policy, or what returns the one in force, and the desk's file if there is one.

        Raises:
            ConfigError: the file, or hours in the policy, cannot be used.
        """
        current = policy if callable(policy) else lambda: policy
        now_held = current()
        settings = load_settings(file, roles=now_held.roles) if file is not None else Settings()
        schedule = schedule_of(now_held.roles, zone=now_held.time_zone, over=settings.schedule)
        settings = replace(settings, schedule=schedule)
        made = cls(store, lambda: current().roles, settings=settings, spool=spool, now=now, people=people)
        made._policy = current
        return made

    @property
    def tells_nobody(self) -> bool:
        """True where no channels were named, so that notices are left to another desk."""
        return self._settings.channels is None

    @property
    def settings(self) -> Settings:
        """What this desk works by."""
        return self._settings

    def review_by(self, review: Callable[[datetime], int]) -> None:
        """Have weeks reviewed: `review` does what is due at a moment and returns how many weeks that were."""
        self._review = review

    def step(self) -> Step:
        """Do everything that is due now.

        Raises:
            StoreUnavailable: the store is out of reach; nothing is lost, a later step does it.
        """
        roles = self._roles()
        drained = self._spool.drain(self._store).opened if self._spool else 0
        timers = self._sweep(Escalation(roles=roles, schedule=self._settings.schedule))
        if self._people is not None:
            dropped = self._store.drop_claims(self._people, now=self._now(), by="desk")
            timers |= {Verb.RELEASE.value: len(dropped)} if dropped else {}
        timers |= self._follow()
        counts = self._deliver(roles)
        self._prune()
        self.last_done = self._now()
        # It takes longer than all else, so it comes last; what it tells goes out with the next step.
        reviewed = 0 if self._stop.is_set() else self._review(self._now())
        return Step(drained=drained, timers=timers, reviewed=reviewed, **counts)

    def _deliver(self, roles: Mapping[str, RolePlan]) -> dict[str, int]:
        """Deliver what is due; a desk without channels takes nothing that another one could deliver."""
        counts = {"delivered": 0, "postponed": 0, "died": 0}
        delivery = Delivery(
            outbox=self._store,
            channels=self._settings.channels or (),
            link=self._settings.link,
            now=self._now,
            sleep=self._sleep,
            backup_of=lambda role: plan.backup if (plan := roles.get(role)) else None,
            review_link=self._settings.review.link if self._settings.review else "",
        )
        if self.tells_nobody:
            untaken = delivery.settle_untaken(self._now() - KEEP_NOTICES)
            if untaken:
                log.warning("%d notices of long ago were given up: %s", untaken, NO_CHANNELS)
            return counts
        while not self._stop.is_set():
            done = delivery.round(should_stop=self._stop.is_set)
            if not done.count:
                break
            for name in counts:
                counts[name] += getattr(done, name)
        return counts

    def run(self, *, every_s: float = EVERY_S, told: Callable[[Step], None] = lambda _: None) -> None:
        """Do what is due, every `every_s` seconds, until `stop` is called.

        Failures are logged by kind and tried again at growing distances: a desk that gives up is worse than
        one that is late.

        Args:
            every_s: seconds between two looks.
            told: is called with every round that was not idle.
        """
        pause, clock = every_s, _Clock(now=self._now)
        while not self._stop.wait(pause):
            clock.check()
            try:
                done = self.step()
            except StoreUnavailable as error:
                self.failures += 1
                pause = min(max(pause, every_s) * 2, LONGEST_PAUSE_S)
                log.warning("the store is out of reach (%s), next try in %.0f s", error.why, pause)
            except Exception as error:  # noqa: BLE001 - the boundary of the desk: one bad round must not end it
                self.failures += 1
                pause = min(max(pause, every_s) * 2, LONGEST_PAUSE_S)
                log.error("a round failed with %s, next try in %.0f s", type(error).__name__, pause)
            else:
                self.failures, pause = 0, every_s
                if not done.is_idle:
                    told(done)

    def start(self, *, every_s: float = EVERY_S) -> None:
        """Run in a thread of this process until `stop`; in a forked child call it again."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._stop.clear()
        self._thread = threading.Thread(
            target=self.run, kwargs={"every_s": every_s}, name="handrail-desk", daemon=True
        )
        self._thread.start()

    def stop(self, *, timeout_s: float = 30.0) -> bool:
        """End after the letter in hand; returns False if that took longer than `timeout_s`.

        What was taken but not delivered comes again when its lease is over.
        """
        self._stop.set()
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def is_late(self, *, by: timedelta) -> bool:
        """Tell whether no round has ended for so long; for health checks."""
        return self.last_done is None or self._now() - self.last_done > by

    def _sweep(self, step: Escalation) -> dict[str, int]:
        counts: dict[str, int] = {}
        while not self._stop.is_set():
            taken = self._store.sweep(self._now(), limit=BATCH, step=step)
            for verb, count in taken.items():
                counts[verb.value] = counts.get(verb.value, 0) + count
            if sum(taken.values()) < BATCH:
                break
        return counts

    def _follow(self) -> dict[str, int]:
        """Do with the tickets of earlier versions of the policy what it says, once for each version."""
        policy = self._policy() if self._policy is not None else None
        if policy is None or policy.ref.sha256 == self._followed:
            return {}
        self._followed = policy.ref.sha256
        if policy.on_change == "keep" and self._store.open_roles() <= policy.roles.keys():
            return {}
        judge, ref = partial(on_change, policy), policy.ref
        return dict(self._store.follow_policy(judge, name=ref.name, sha256=ref.sha256, now=self._now()))

    def _prune(self) -> None:
        """Delete what was delivered long ago; what the audit log holds of it stays."""
        now = self._now()
        if self._pruned_at is None or abs(now - self._pruned_at) >= PRUNE_EVERY:
            self._store.prune_messages(before=now - KEEP_NOTICES)
            self._pruned_at = now

    def _sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)


@dataclass(slots=True)
class _Clock:
    """Notices when the wall clock is stepped, because deadlines then come early or late."""

    now: Callable[[], datetime]
    _wall: datetime | None = None
    _steady: float = 0.0

    def check(self) -> None:
        wall, steady = self.now(), time.monotonic()
        if self._wall is not None:
            step = (wall - self._wall).total_seconds() - (steady - self._steady)
            if abs(step) > STEP_S:
                log.warning("the clock was stepped by %+.0f s: deadlines come early or late by that", step)
        self._wall, self._steady = wall, steady
