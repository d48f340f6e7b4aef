"""What a log says of a period: it is followed from its beginning to the period's end, week by week."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from handrail.policy import Policy, load
from handrail.policy.file.read import read_source
from handrail.policy.runtime.log_row import LogRow
from handrail.review.changes.accept import stricter_changes
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Proposal
from handrail.review.evidence.certified import Certified
from handrail.review.evidence.log_review import LogReview, LogSettings
from handrail.review.figures.log_figures import LogFigures, log_figures
from handrail.review.log.cases import ReviewCase, ReviewPeriod
from handrail.review.log.log_rows import by_time
from handrail.review.log.review_log import ReviewLog, review_log
from handrail.review.proposals.proposing import propose_changes, propose_notes


def follow(
    rows: Sequence[LogRow],
    period: ReviewPeriod,
    policy: str = "",
    *,
    cases: Sequence[ReviewCase] = (),
    earlier: Sequence[ReviewCase] = (),
) -> tuple[LogFigures | None, tuple[Proposal, ...]]:
    """Return a period's figures, None without decisions, and what log and tickets propose.

    Args:
        rows: the log, from as far back as there is.
        period: what the figures are of.
        policy: file or name of the policy in force; without it nothing is proposed.
        cases: the period's tickets, their texts masked; without them no note is of texts.
        earlier: tickets from before the period, by which words and entities are chosen.

    Raises:
        PolicyError: the policy cannot be loaded.
    """
    loaded = load(policy) if policy else None
    whole = _until(rows, period.until, loaded, period.since.tzinfo)
    if not len(whole):
        return None, ()
    review = _reviewed(whole, policy, loaded)
    inside = whole.taken(whole.at >= period.since.timestamp())
    figures = log_figures(inside, review, policy=loaded)
    if loaded is None:
        return figures, ()
    path, text = read_source(policy)
    now = PolicyInForce.with_log(
        [row for moment, row in by_time(rows) if moment < period.until],
        policy=loaded,
        text=text,
        file=str(path),
        weeks=len(review.weeks),
        certified=review.certificate.under(loaded.ref.sha256),
    )
    notes = propose_notes(inside, review, loaded, history=whole, cases=cases)
    return figures, (*propose_changes(whole, review, now, cases=(*earlier, *cases)), *notes)


def certified_now(rows: Sequence[LogRow], policy: str, now: datetime) -> Certified:
    """Return which thresholds a log certifies for the policy in force, at a moment.

    Args:
        rows: the log, from as far back as there is.
        policy: file of the policy in force.
        now: the moment; what was decided later says nothing.

    Raises:
        PolicyError: the policy cannot be loaded.
    """
    loaded = load(policy)
    return _reviewed(_until(rows, now, loaded, None), policy, loaded).certificate.under(loaded.ref.sha256)


def _until(rows: Sequence[LogRow], until: datetime, loaded: Policy | None, zone: tzinfo | None) -> ReviewLog:
    place = ZoneInfo(loaded.time_zone) if loaded is not None else zone
    whole = review_log(rows, place or UTC)
    return whole.taken(whole.at < until.timestamp())


def _reviewed(whole: ReviewLog, policy: str, loaded: Policy | None) -> LogReview:
    """Follow a log to its end, week by week."""
    review = LogReview(LogSettings.of(loaded) if loaded is not None else None)
    if loaded is not None:
        for base, result in stricter_changes(Path(policy)):
            review.certificate.goes_on(result, after=base)
    for week in sorted(set(whole.week.tolist())):
        review.take(whole.of_week(week))
    return review
