"""What the owner of a policy sees of a week, and decides on: its review, and changes that it proposes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from handrail.clock import Clock, now_utc
from handrail.errors import CheckFailed, ConfigError
from handrail.policy import Policy
from handrail.policy.file.read import read_source
from handrail.service.keeping import Keeping
from handrail.service.permissions import Operation, require
from handrail.service.policies import Policies
from handrail.service.reviewer import Reviewer
from handrail.service.settings import ServiceSettings
from handrail.store import SqlStore
from handrail.tickets.resolution import People

if TYPE_CHECKING:
    from handrail.review.changes.accept import Accepted
    from handrail.review.changes.proposal import Proposal
    from handrail.review.store_review import StoreReview

FRESH_FOR: Final = timedelta(minutes=5)
MOST_KEPT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedWeek:
    """A week as its owner sees it; what somebody declined is no longer among the proposals.

    `is_elsewhere`: another version than the file's is in force, so that nothing can be proposed as a change
    of the file.
    """

    week: str
    review: "StoreReview"
    is_elsewhere: bool = False


class Reviewing(Keeping):
    """For managers, and for those who fill the role that owns the policy."""

    def __init__(
        self,
        store: SqlStore,
        policies: Policies,
        people: People | Callable[[], People],
        clock: Clock = now_utc,
        settings: ServiceSettings | None = None,
    ) -> None:
        super().__init__(store, policies, people, clock, settings)
        # The second half of an acceptance reads what the first has written.
        self._accepting = threading.Lock()
        # One review at a time: it takes a processor for a second or more.
        self._making = threading.Lock()
        self._reviews: dict[tuple[str, str, str], tuple[datetime, ReviewedWeek]] = {}

    def policy_in_force(self) -> Policy:
        """Return the policy in force now."""
        return self._policies.current()

    def latest_week(self) -> str:
        """Return the last week that has ended, as `2026-W47`."""
        from handrail.review.log.calendar_week import name_of_week

        today = self.now.astimezone(self._zone()).date()
        return name_of_week(today - timedelta(days=7))

    def review(self, who: Reviewer, week: str) -> ReviewedWeek:
        """Return a week's review; it is made at most once in some minutes.

        Raises:
            NotPermitted: the person may not.
            CheckFailed: it is no week, or it has not begun.
        """
        from handrail.review.log.calendar_week import week_of

        require(Operation.REVIEW, who, is_owner=self._owns(who))
        try:
            period = week_of(week, self._zone())
        except ConfigError:
            raise CheckFailed("week", why="write a week as 2026-W47") from None
        if period.since > self.now:
            raise CheckFailed("week", why="this week has not begun")
        found = self._made(who.tenant, week)
        declined = self._store.declined_proposals(who.tenant)
        patches = tuple(one for one in found.review.patches if one.id not in declined)
        return replace(found, review=replace(found.review, patches=patches))

    def proposed(self, who: Reviewer, week: str, proposal: str) -> "Proposal":
        """Return one proposal of a week.

        Raises:
            NotPermitted: the person may not.
            CheckFailed: it is no week, or it has not begun.
            ProposalRefused: there is no such proposal, or somebody accepted or declined it.
        """
        from handrail.review.changes.accept import is_in_force
        from handrail.review.changes.proposal import ProposalRefused, WhyRefused

        found = [one for one in self.review(who, week).review.patches if one.id == proposal]
        if len(found) == 1:
            return found[0]
        if self.settings.policy and is_in_force(Path(self.settings.policy), proposal):
            raise ProposalRefused(WhyRefused.ACCEPTED, "it was accepted, and the policy has it")
        raise ProposalRefused(WhyRefused.UNKNOWN, "this week has no such proposal any more")

    def accepted_by(self, who: Reviewer, proposal: str) -> tuple[str, ...]:
        """Return who has accepted a proposal so far."""
        from handrail.review.changes.accept import accepted_so_far

        require(Operation.REVIEW, who, is_owner=self._owns(who))
        return accepted_so_far(Path(self.settings.policy), proposal)[0] if self.settings.policy else ()

    def accept_proposal(
        self, who: Reviewer, week: str, proposal: str, *, result: str, effective: date | None = None
    ) -> "Accepted":
        """Accept a proposal as it was shown; where the policy asks for two people it waits for the second.

        Args:
            who: who accepts.
            week: the week that proposes it.
            proposal: its id.
            result: SHA-256 of the policy's text after the change, as it was shown.
            effective: the day from which it counts; by default today.

        Raises:
            NotPermitted: the person may not, or must prove anew who they are.
            CheckFailed: it is no week, or it has not begun.
            ProposalRefused: it is not what was shown, or cannot be accepted, and why.
        """
        from handrail.review.changes.accept_in_force import accept_in_force
        from handrail.review.changes.proposal import ProposalRefused, WhyRefused

        require(Operation.CHANGE_POLICY, who, is_owner=self._owns(who))
        wanted = self.proposed(who, week, proposal)
        if wanted.result != result:
            raise ProposalRefused(WhyRefused.STALE, "it is no longer what was shown; look at it again")
        path = Path(self.settings.policy)
        if not self.settings.policy or not path.is_file():
            raise ProposalRefused(WhyRefused.NO_FILE, "the policy is no file that can be changed here")
        try:
            with self._accepting:
                done = accept_in_force(
                    self._store, wanted, path, self._actor(who), effective=effective, tenant=who.tenant
                )
        except ConfigError as error:
            # Where files lie is nothing that a front end tells.
            why = error.code if isinstance(error, ProposalRefused) else WhyRefused.NOT_READY
            raise ProposalRefused(why, str(error).replace(str(path), path.name)) from None
        self._reviews.clear()
        return done

    def decline_proposal(self, who: Reviewer, week: str, proposal: str) -> None:
        """Put on record that a proposal is not wanted; no later review shows it.

        Raises:
            NotPermitted: the person may not, or must prove anew who they are.
            CheckFailed: it is no week, or it has not begun.
            ProposalRefused: there is no such proposal, or somebody accepted or declined it.
        """
        require(Operation.CHANGE_POLICY, who, is_owner=self._owns(who))
        self._store.decline_proposal(who.tenant, self.proposed(who, week, proposal).id, self._actor(who))

    def _owns(self, who: Reviewer) -> bool:
        policy = self._policies.current()
        owners = {policy.owner, policy.enforced_by} - {None}
        return not owners.isdisjoint(self.roles_of(who))

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._policies.current().time_zone)

    def _made(self, tenant: str, week: str) -> ReviewedWeek:
        policy, now = self._policies.current(), self.now
        key = (tenant, week, policy.ref.sha256)
        with self._making:
            at, found = self._reviews.get(key, (None, None))
            if at is None or found is None or abs(now - at) > FRESH_FOR:
                found = self._make(tenant, week, policy, now)
                while len(self._reviews) >= MOST_KEPT:
                    del self._reviews[next(iter(self._reviews))]
                self._reviews[key] = (now, found)
        return found

    def _make(self, tenant: str, week: str, policy: Policy, now: datetime) -> ReviewedWeek:
        from handrail.guard.opening import scanner_of
        from handrail.review.changes.accept_in_force import held_text
        from handrail.review.log.calendar_week import week_of
        from handrail.review.store_review import review_of_store

        held = held_text(self._store, policy.ref.name, now)
        file = self.settings.policy
        is_elsewhere = bool(file) and held is not None and read_source(file)[1] != held
        found = review_of_store(
            self._store,
            tenant,
            week_of(week, self._zone()),
            scanner=scanner_of(policy),
            policy="" if is_elsewhere else file,
            now=now,
        )
        return ReviewedWeek(week=week, review=found, is_elsewhere=is_elsewhere)
