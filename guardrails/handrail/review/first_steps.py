"""What the owner of a process does first after a week, the most pressing first. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail.review.weekly import ProposalKind, WeeklyReview

if TYPE_CHECKING:
    from handrail.review.log_figures import LogFigures
    from handrail.review.proposal import Proposal

MOST = 3
"""Changes, and hints, that are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    """One thing to do. `part` is the part of the page that shows why; `is_pressing`: it cannot wait."""

    words: str
    part: str
    is_pressing: bool = False


def first_steps(
    report: WeeklyReview, figures: "LogFigures | None" = None, patches: "Sequence[Proposal]" = ()
) -> tuple[FirstStep, ...]:
    """Return what is to be done, the most pressing first; nothing where a week was as it should be."""
    if not report.measures.total.size and (figures is None or not figures.exchanges):
        return (
            FirstStep(
                words="Nothing is on record in these days: see that the period, the tenant and the store or "
                "export are those you mean.",
                part="tickets",
                is_pressing=True,
            ),
        )
    found = [*_of_tickets(report), *(_of_log(figures) if figures is not None else ()), *_of_patches(patches)]
    found += [*_of_proposals(report)]
    return tuple(sorted(found, key=lambda step: not step.is_pressing))


def _of_tickets(report: WeeklyReview) -> Iterator[FirstStep]:
    overdue = report.measures.total.overdue
    if overdue:
        yield FirstStep(
            words=f"{_tickets(overdue)} open past the deadline: see that people decide.",
            part="tickets",
            is_pressing=True,
        )


def _of_log(figures: "LogFigures") -> Iterator[FirstStep]:
    if figures.drift_since is not None:
        yield FirstStep(
            words=f"The model has been worse since {figures.drift_since:%d %b}: go back or calibrate anew.",
            part="missed",
            is_pressing=True,
        )
    last = figures.weeks[-1].findings.missed if figures.weeks else None
    if last is not None and last.rate is not None and last.low > figures.alpha:
        yield FirstStep(
            words=f"{last.low:.0%} or more of passed answers are wrong, the target is {figures.alpha:.0%}.",
            part="missed",
            is_pressing=True,
        )
    if figures.passed and (last is None or last.rate is None):
        words = "Nobody has read passed answers of the last week: have some read, or errors stay unknown."
        yield FirstStep(words=words, part="flow")
    named = [one.name[:12] for one in figures.readers if one.is_named]
    if named:
        yield FirstStep(
            words=f"{', '.join(named)} approved without reading: have those cases read again.",
            part="readers",
            is_pressing=True,
        )
    clashes = sum(one.count for one in figures.conflicts)
    if clashes:
        words = f"Rules disagreed {clashes} {'time' if clashes == 1 else 'times'}: say which one counts."
        yield FirstStep(words=words, part="conflicts")


def _of_patches(patches: "Sequence[Proposal]") -> Iterator[FirstStep]:
    ready = [one for one in patches if one.is_ready]
    for one in ready[:MOST]:
        yield FirstStep(words=f"Accept or decline: {one.title}.", part=f"change-{one.id}")
    if len(ready) > MOST:
        yield FirstStep(words=f"Accept or decline {len(ready) - MOST} more changes.", part="changes")


def _of_proposals(report: WeeklyReview) -> Iterator[FirstStep]:
    late = [one for one in report.proposals if one.kind is ProposalKind.PEOPLE]
    for one in late:
        yield FirstStep(words=f"{one.title} {one.why}", part="hints")
    rest = [one for one in report.proposals if one.kind is not ProposalKind.PEOPLE]
    for one in rest[:MOST]:
        yield FirstStep(words=f"{one.title} {one.why}", part="hints")
    if len(rest) > MOST:
        yield FirstStep(words=f"Look at {len(rest) - MOST} more hints from the tickets.", part="hints")


def _tickets(count: int) -> str:
    return f"{count} {'ticket is' if count == 1 else 'tickets are'}"
