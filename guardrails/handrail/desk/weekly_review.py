"""Reviews each week once, at its time, and tells the owner's role; several desks share the work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote

from handrail.review.log.calendar_week import WeeklySchedule, week_of
from handrail.review.store_review import ReviewSource, review_of_store

if TYPE_CHECKING:
    from handrail.policy import Policy

LEASE: Final = timedelta(minutes=15)
"""For how long a desk has a week to itself; if it ends in the middle, another one takes it then."""
EVERY: Final = timedelta(minutes=1)
"""How often it is looked for weeks that are due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSettings:
    """When a week is reviewed, where the files go, and who is told.

    Without a folder nothing is written and only the notice goes out. `role` is by default the one that owns
    the policy. `link` holds `{week}` and `{tenant}`. Without `tenants` it is all that had tickets that week.
    """

    schedule: WeeklySchedule = field(default_factory=WeeklySchedule)
    folder: Path | None = None
    role: str = ""
    link: str = ""
    tenants: tuple[str, ...] = ()


class ReviewedStore(ReviewSource, Protocol):
    """What reviewing by the week needs of a store."""

    def tenants_between(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Return the tenants of whom a ticket was opened in a period."""

    def take_review(self, tenant: str, week: str, *, role: str, now: datetime, lease: timedelta) -> bool:
        """Take a week to review it; False where it is done, or another desk has it."""

    def finish_review(self, tenant: str, week: str, *, tickets: int, proposals: int, now: datetime) -> None:
        """Put on record that a week was reviewed, and tell the role."""


class WeeklyReviews:
    """Reviews the weeks that are due; called with the present moment it returns how many it did.

    Args:
        store: where tickets and log are.
        settings: when, where to, and for whom.
        policy: returns the policy in force.
        file: file or name of the policy, whose text proposals change.
    """

    def __init__(
        self, store: ReviewedStore, settings: ReviewSettings, policy: "Callable[[], Policy]", file: str
    ) -> None:
        self._store, self._settings, self._policy, self._file = store, settings, policy, file
        self._looked_at: datetime | None = None

    def __call__(self, now: datetime) -> int:
        """Review what is due, each week of each tenant once over all desks.

        A week is done when its files are written: a desk that ends before has done nothing that counts.

        Raises:
            ConfigError: the policy, or a row of the log, cannot be used.
            StoreUnavailable: the store is out of reach; a later call does it.
        """
        if self._looked_at is not None and abs(now - self._looked_at) < EVERY:
            return 0
        self._looked_at = now
        due = self._settings.schedule.due(now)
        return sum(
            self._review(tenant, week, now)
            for place, week in enumerate(due)
            for tenant in self._tenants(week, is_latest=place == 0)
        )

    def _tenants(self, week: str, *, is_latest: bool) -> Sequence[str]:
        """Return whose week it is; one long ago, in which nothing happened, is not made good."""
        wanted = self._settings.tenants
        if wanted and is_latest:
            return wanted
        period = week_of(week, self._settings.schedule.zone)
        found = self._store.tenants_between(period.since, period.until)
        return [tenant for tenant in found if not wanted or tenant in wanted]

    def _review(self, tenant: str, week: str, now: datetime) -> int:
        policy = self._policy()
        role = self._settings.role or policy.owner or policy.enforced_by or policy.if_unsure
        if not self._store.take_review(tenant, week, role=role, now=now, lease=LEASE):
            return 0
        from handrail.guard.opening import scanner_of
        from handrail.review.page.report import write
        from handrail.review.week.first_steps import hints

        found = review_of_store(
            self._store,
            tenant,
            week_of(week, self._settings.schedule.zone),
            scanner=scanner_of(policy),
            policy=self._file,
            now=now,
        )
        if self._settings.folder is not None:
            # A tenant's name may hold what a folder's may not.
            folder = self._settings.folder / quote(tenant, safe="").replace(".", "%2E") / week
            write(found.report, folder, found.figures, found.patches)
        proposals = len(hints(found.report, found.patches)) + len(found.patches)
        self._store.finish_review(
            tenant, week, tickets=found.report.measures.total.size, proposals=proposals, now=now
        )
        return 1
