"""One period of one tenant, as its store tells of it: its tickets, what the log says, and proposals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from handrail.policy.runtime.log_row import LogRow
from handrail.review.log.cases import Collector, ReviewCase, ReviewPeriod, TicketReader
from handrail.review.log.log_rows import rows_of
from handrail.review.week.weekly import WeeklyReview, review
from handrail.scan import Scanner

if TYPE_CHECKING:
    from handrail.review.changes.proposal import Proposal
    from handrail.review.figures.log_figures import LogFigures

HISTORY = timedelta(weeks=26)
"""How far back the evidence reaches that is read of a store."""
TEXTS, MOST_TEXTS = timedelta(weeks=12), 2000
"""How far back tickets are read for their texts, and how many of them: each costs several queries."""


class ReviewSource(TicketReader, Protocol):
    """What a review needs of a store; reading only."""

    def entries(self, tenant: str, since: datetime, until: datetime) -> Iterator[Mapping[str, Any]]:
        """Yield one tenant's entries of the audit log of a period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReview:
    """A reviewed period. `figures` is None where the log holds no decisions, or numpy is not installed.

    `rows` is the log from as far back as evidence reaches, with what people said since.
    """

    report: WeeklyReview
    rows: Sequence[LogRow]
    figures: "LogFigures | None" = None
    patches: "Sequence[Proposal]" = ()


def review_of_store(
    store: ReviewSource, tenant: str, period: ReviewPeriod, *, scanner: Scanner, policy: str, now: datetime
) -> StoreReview:
    """Review a period of a store.

    Args:
        store: where tickets and log are.
        tenant: whose they are.
        period: what to look at.
        scanner: masks what people wrote.
        policy: file or name of the policy in force; without it nothing is proposed as a change of it.
        now: the present moment; tickets open past their deadline are overdue.

    Raises:
        PolicyError: the policy cannot be loaded.
        StoreUnavailable: the store is out of reach.
    """
    collector = Collector(source=store, tenant=tenant, scanner=scanner)
    report = review(collector.cases(period), period, now=now)
    rows = rows_of(store.entries(tenant, period.until - HISTORY, now), tenant)
    earlier = earlier_cases(collector, period, read=len(report.cases)) if policy else ()
    figures, patches = followed(rows, period, policy, cases=report.cases, earlier=earlier)
    return StoreReview(report=report, rows=rows, figures=figures, patches=patches)


def earlier_cases(collector: Collector, period: ReviewPeriod, *, read: int) -> tuple[ReviewCase, ...]:
    """Return the newest tickets of the weeks before a period, by which words and entities are chosen.

    Args:
        collector: reads them.
        period: what is reviewed.
        read: how many tickets of the period were read; with them there are `MOST_TEXTS` at most.
    """
    if not has_numbers():
        return ()
    before = ReviewPeriod(since=period.until - TEXTS, until=period.since)
    return tuple(collector.newest(before, MOST_TEXTS - read))


def followed(
    rows: Sequence[LogRow],
    period: ReviewPeriod,
    policy: str,
    *,
    cases: Sequence[ReviewCase] = (),
    earlier: Sequence[ReviewCase] = (),
) -> "tuple[LogFigures | None, Sequence[Proposal]]":
    """Return what a log says of a period; nothing where numpy or scipy is not installed."""
    if not has_numbers():
        return None, ()
    from handrail.review.week.weekly_log import follow

    return follow(rows, period, policy, cases=cases, earlier=earlier)


def has_numbers() -> bool:
    """Tell whether what computes the log's figures is installed: `pip install 'handrail[review]'`."""
    return find_spec("numpy") is not None and find_spec("scipy") is not None
