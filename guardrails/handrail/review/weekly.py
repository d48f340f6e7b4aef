"""The weekly review: a period's figures and what they suggest to look at. It changes nothing by itself."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handrail.records import Money, Trigger
from handrail.review.cases import ChangedValue, ReviewCase, ReviewPeriod, TicketEnding, changes
from handrail.review.measure import Measures, Share, TicketGroup, measure, share

FEWEST = 5
"""Tickets a rule must have had before its figures are read as a hint."""
MOST_SHOWN = 3


class ProposalKind(StrEnum):
    """What a proposal is about."""

    RULE = "rule"
    THRESHOLD = "threshold"
    PEOPLE = "people"
    FACT = "fact"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewProposal:
    """One thing to look at, with the tickets behind it. `figure` is the share it rests on, if any."""

    kind: ProposalKind
    title: str
    why: str
    suggestion: str
    tickets: tuple[str, ...]
    figure: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyReview:
    """A whole review. It proposes; nothing in it was applied."""

    title: str
    measures: Measures
    proposals: tuple[ReviewProposal, ...]

    @property
    def cases(self) -> tuple[ReviewCase, ...]:
        """Every ticket of the period, oldest first."""
        return self.measures.total.cases


def review(
    cases: Iterable[ReviewCase], period: ReviewPeriod, *, now: datetime, title: str = "Weekly review"
) -> WeeklyReview:
    """Review a period's tickets; pure."""
    measures = measure(cases, period, now=now)
    return WeeklyReview(title=title, measures=measures, proposals=propose(measures))


def propose(measures: Measures) -> tuple[ReviewProposal, ...]:
    """Return proposals, those with the most tickets first; pure."""
    found = [
        proposal
        for group in measures.by_rule
        for look in (_needless, _refused, _amount_limit, _confidence_limit)
        for proposal in look(group)
    ]
    found += [p for group in measures.by_role for p in _too_slow(group)]
    found += _missing_facts(measures.total.cases)
    found += _prompt_notes(measures.total.cases)
    return tuple(sorted(found, key=lambda proposal: -len(proposal.tickets)))


def _needless(group: TicketGroup) -> Iterator[ReviewProposal]:
    if group.unchanged.total >= FEWEST and group.unchanged.low > 0.5:
        yield ReviewProposal(
            kind=ProposalKind.RULE,
            title=f"Does {group.name} stop too much?",
            why=f"People approved {group.unchanged.count} of {group.unchanged.total} without a change.",
            suggestion="Read these tickets; if none needed a person, narrow the rule and replay past cases.",
            tickets=_ids(group.cases, TicketEnding.APPROVED),
            figure=group.unchanged,
        )


def _refused(group: TicketGroup) -> Iterator[ReviewProposal]:
    decided = [case for case in group.cases if case.is_decided]
    rejected = [case for case in decided if case.ending is TicketEnding.REJECTED]
    figure = share(len(rejected), len(decided))
    if len(decided) >= FEWEST and figure.low > 0.5:
        yield ReviewProposal(
            kind=ProposalKind.RULE,
            title=f"Should {group.name} block instead of asking?",
            why=f"People rejected {figure.count} of {figure.total}.",
            suggestion="If they should never be proposed, say so in the prompt, or let the rule block.",
            tickets=_ids(group.cases, TicketEnding.REJECTED),
            figure=figure,
        )


def _amount_limit(group: TicketGroup) -> Iterator[ReviewProposal]:
    names = dict.fromkeys(name for case in group.cases for name in case.amounts)
    for name in names:
        priced = [case for case in group.cases if case.is_decided and name in case.amounts]
        for currency in dict.fromkeys(case.amounts[name].currency for case in priced):
            of_currency = [case for case in priced if case.amounts[name].currency == currency]
            yield from _up_to(group, name, of_currency)


def _up_to(group: TicketGroup, name: str, cases: Sequence[ReviewCase]) -> Iterator[ReviewProposal]:
    """Propose a limit only where it separates: all below approved as they were, and something above not."""
    if group.cases[0].trigger is not Trigger.HIGH_STAKES:
        return
    calm = _leading_approved(cases, key=lambda case: case.amounts[name].amount)
    if len(calm) < FEWEST or len(calm) == len(cases):
        return
    top: Money = calm[-1].amounts[name]
    yield ReviewProposal(
        kind=ProposalKind.THRESHOLD,
        title=f"Is the limit of {group.name} too low?",
        why=f"All {len(calm)} decided tickets with {name} up to {top} were approved without a change.",
        suggestion=f"Look at a limit of {top} for {name}; replay past cases with it before any change.",
        tickets=tuple(case.id for case in calm),
        figure=share(len(calm), len(calm)),
    )


def _confidence_limit(group: TicketGroup) -> Iterator[ReviewProposal]:
    if group.cases[0].trigger is not Trigger.LOW_CONFIDENCE:
        return
    scored = [case for case in group.cases if case.is_decided and case.confidence is not None]
    calm = _leading_approved(scored, key=lambda case: -(case.confidence or 0.0))
    if len(calm) < FEWEST:
        return
    lowest = calm[-1].confidence or 0.0
    yield ReviewProposal(
        kind=ProposalKind.THRESHOLD,
        title=f"Is the threshold of {group.name} too high?",
        why=f"All {len(calm)} draft answers with a confidence of {lowest:.2f} or more were sent unchanged.",
        suggestion=f"Look at a threshold near {lowest:.2f}; `handrail calibrate` says what it risks.",
        tickets=tuple(case.id for case in calm),
        figure=share(len(calm), len(calm)),
    )


def _leading_approved(
    cases: Sequence[ReviewCase], *, key: Callable[[ReviewCase], object]
) -> list[ReviewCase]:
    calm: list[ReviewCase] = []
    for case in sorted(cases, key=key):  # type: ignore[arg-type]
        if case.ending is not TicketEnding.APPROVED:
            break
        calm.append(case)
    return calm


def _too_slow(group: TicketGroup) -> Iterator[ReviewProposal]:
    late = [case for case in group.cases if case.is_late]
    if late and (len(late) >= FEWEST or group.late.low > 0.2):
        expired = sum(case.ending is TicketEnding.EXPIRED for case in late)
        yield ReviewProposal(
            kind=ProposalKind.PEOPLE,
            title=f"Can {group.name} answer in time?",
            why=f"{group.late.count} of {group.late.total} were late; {expired} of them nobody decided.",
            suggestion="More people in this role, a longer answer_within, or another backup.",
            tickets=tuple(case.id for case in late),
            figure=group.late,
        )


def _missing_facts(cases: Iterable[ReviewCase]) -> Iterator[ReviewProposal]:
    without: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        for name in case.unknown:
            without[name].append(case.id)
    for name, ids in without.items():
        if len(ids) >= FEWEST:
            yield ReviewProposal(
                kind=ProposalKind.FACT,
                title=f"Where could {name} come from?",
                why=f"{len(ids)} tickets were opened because {name} was not known.",
                suggestion="Supply the fact, or say in the policy what holds while it is missing.",
                tickets=tuple(ids),
            )


def _prompt_notes(cases: Iterable[ReviewCase]) -> Iterator[ReviewProposal]:
    edits: dict[tuple[str, str], list[tuple[ReviewCase, ChangedValue]]] = defaultdict(list)
    for case in cases:
        for change in changes(case):
            edits[case.tool, change.path].append((case, change))
    for (tool, path), made in edits.items():
        what = f"{tool}.{path}" if tool else "the answer"
        seen = dict.fromkeys(f"{change.before} → {change.after}" for _, change in made)
        examples = "; ".join(list(seen)[:MOST_SHOWN]).rstrip(".")
        reasons = dict.fromkeys(case.reason for case, _ in made if case.reason)
        said = f" People's words: {' / '.join(list(reasons)[:MOST_SHOWN])}" if reasons else ""
        yield ReviewProposal(
            kind=ProposalKind.PROMPT,
            title=f"People changed {what} in {len(made)} {'ticket' if len(made) == 1 else 'tickets'}",
            why=f"{examples}.{said}",
            suggestion=f"Say in the prompt what to mind about {what}, and try it on these cases.",
            tickets=tuple(case.id for case, _ in made),
        )


def _ids(cases: Iterable[ReviewCase], ending: TicketEnding) -> tuple[str, ...]:
    return tuple(case.id for case in cases if case.ending is ending)
