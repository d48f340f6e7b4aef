"""Counts a period's tickets: by trigger, role and rule, how they ended, and how long people took. Pure."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from handrail.review.log.cases import ReviewCase, ReviewPeriod, TicketEnding
from handrail.review.log.questions import asked_for_held

Z_95 = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`count` of `total`, with the bounds of its 95 % Wilson interval; of nothing it is 0..1."""

    count: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share itself, None of nothing."""
        return self.count / self.total if self.total else None

    def __str__(self) -> str:
        """Count, total and, unless the total is 0, the interval: `3 of 4 (75 %, 30–95 %)`."""
        if self.value is None:
            return "–"
        bounds = f"{self.low:.0%}–{self.high:.0%}".replace("%", " %")
        return f"{self.count} of {self.total} ({self.value:.0%}, {bounds})".replace("%,", " %,")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A share with a name, and the tickets that it counts."""

    name: str
    share: Share
    tickets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketGroup:
    """Tickets that belong together: how they ended, whether in time, and how long they took.

    `unchanged` is of the verdicts that count: on something that was proposed, by somebody who had the time to
    read it. `median` and `slowest_tenth` (90th percentile) are of the decided ones, None if there are none.
    `late` counts those that were decided after their deadline, or expired; `overdue` those that are open past
    it.
    """

    name: str
    cases: tuple[ReviewCase, ...]
    endings: Mapping[TicketEnding, int]
    unchanged: Share
    median: timedelta | None
    slowest_tenth: timedelta | None
    late: Share
    overdue: int

    @property
    def size(self) -> int:
        """Number of tickets."""
        return len(self.cases)

    @property
    def tickets(self) -> tuple[str, ...]:
        """Their ids, the oldest first."""
        return tuple(case.id for case in self.cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """A period in figures. `per_day` counts tickets by day and trigger, with an entry for every day.

    `asked_again` counts the tickets whose reviewer asked for a value that the ticket already held.
    """

    period: ReviewPeriod
    now: datetime
    total: TicketGroup
    by_trigger: tuple[TicketGroup, ...]
    by_role: tuple[TicketGroup, ...]
    by_rule: tuple[TicketGroup, ...]
    per_day: tuple[tuple[date, Mapping[str, int]], ...]
    asked_again: Figure


def measure(cases: Iterable[ReviewCase], period: ReviewPeriod, *, now: datetime) -> Measures:
    """Measure the tickets that were opened in a period; pure.

    Args:
        cases: tickets, of whatever time; those outside the period are left out.
        period: what to look at.
        now: the moment at which open tickets are called overdue, with a time zone.
    """
    inside = sorted((case for case in cases if case.created_at in period), key=lambda c: (c.created_at, c.id))
    return Measures(
        period=period,
        now=now,
        total=_group("all", inside, now),
        by_trigger=_groups(inside, lambda case: str(case.trigger), now),
        by_role=_groups(inside, lambda case: case.role, now),
        by_rule=_groups(inside, lambda case: case.rule, now),
        per_day=_per_day(inside, period),
        asked_again=_asked_again(inside),
    )


def share(count: int, total: int) -> Share:
    """Return a share with its 95 % Wilson score interval (Wilson 1927); pure."""
    if total == 0:
        return Share(count=0, total=0, low=0.0, high=1.0)
    p, z2 = count / total, Z_95 * Z_95
    centre = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = Z_95 * math.sqrt(p * (1 - p) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return Share(count=count, total=total, low=max(0.0, centre - half), high=min(1.0, centre + half))


def quantile(values: Sequence[timedelta], q: float) -> timedelta | None:
    """Return the smallest value that at least a share `q` of the values does not exceed; pure."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]


def _groups(
    cases: Sequence[ReviewCase], key: Callable[[ReviewCase], str], now: datetime
) -> tuple[TicketGroup, ...]:
    sizes = Counter(key(case) for case in cases)
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
    return tuple(_group(name, [case for case in cases if key(case) == name], now) for name in ordered)


def _group(name: str, cases: Sequence[ReviewCase], now: datetime) -> TicketGroup:
    endings = Counter(TicketEnding.LAPSED if case.has_lapsed else case.ending for case in cases)
    decided = [case for case in cases if case.is_decided]
    read = [case for case in decided if case.is_read]
    ended = [case for case in cases if case.is_decided or case.ending is TicketEnding.EXPIRED]
    took = [case.took for case in decided if case.took is not None]
    return TicketGroup(
        name=name,
        cases=tuple(cases),
        endings={ending: endings[ending] for ending in TicketEnding if endings[ending]},
        unchanged=share(sum(case.ending is TicketEnding.APPROVED for case in read), len(read)),
        median=timedelta(seconds=median(one.total_seconds() for one in took)) if took else None,
        slowest_tenth=quantile(took, 0.9),
        late=share(sum(case.is_late for case in ended), len(ended)),
        overdue=sum(case.is_overdue(now) for case in cases),
    )


def _asked_again(cases: Sequence[ReviewCase]) -> Figure:
    asked = [case for case in cases if case.is_decided]
    again = tuple(case.id for case in asked if asked_for_held(case))
    return Figure(name="asked for what the ticket held", share=share(len(again), len(asked)), tickets=again)


def _per_day(cases: Sequence[ReviewCase], period: ReviewPeriod) -> tuple[tuple[date, Mapping[str, int]], ...]:
    zone = period.since.tzinfo
    counts: dict[date, Counter[str]] = {}
    day, last = period.since.date(), (period.until - timedelta(microseconds=1)).astimezone(zone).date()
    while day <= last:
        counts[day] = Counter()
        day += timedelta(days=1)
    for case in cases:
        counts[case.created_at.astimezone(zone).date()][str(case.trigger)] += 1
    return tuple((day, dict(count)) for day, count in counts.items())
