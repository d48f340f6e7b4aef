"""What a period's tickets suggest to look at. Nothing here changes a policy, a prompt or a model."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from handrail.records import Money, Trigger
from handrail.review.cases import Case, Change, Ending, changes
from handrail.review.measure import Group, Measures, Share, share

FEWEST = 5
"""Tickets a rule must have had before its figures are read as a hint."""
MOST_SHOWN = 3


class Kind(StrEnum):
    """What a proposal is about."""

    RULE = "rule"
    THRESHOLD = "threshold"
    PEOPLE = "people"
    FACT = "fact"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One thing to look at, with the tickets behind it. `figure` is the share it rests on, if any."""

    kind: Kind
    title: str
    why: str
    suggestion: str
    tickets: tuple[str, ...]
    figure: Share | None = None


def propose(measures: Measures) -> tuple[Proposal, ...]:
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


def _needless(group: Group) -> Iterator[Proposal]:
    if group.unchanged.total >= FEWEST and group.unchanged.low > 0.5:
        yield Proposal(
            kind=Kind.RULE,
            title=f"Does {group.name} stop too much?",
            why=f"People approved {group.unchanged.count} of {group.unchanged.total} without a change.",
            suggestion="Read these tickets; if none needed a person, narrow the rule and replay past cases.",
            tickets=_ids(group.cases, Ending.APPROVED),
            figure=group.unchanged,
        )


def _refused(group: Group) -> Iterator[Proposal]:
    decided = [case for case in group.cases if case.is_decided]
    rejected = [case for case in decided if case.ending is Ending.REJECTED]
    figure = share(len(rejected), len(decided))
    if len(decided) >= FEWEST and figure.low > 0.5:
        yield Proposal(
            kind=Kind.RULE,
            title=f"Should {group.name} block instead of asking?",
            why=f"People rejected {figure.count} of {figure.total}.",
            suggestion="If they should never be proposed, say so in the prompt, or let the rule block.",
            tickets=_ids(group.cases, Ending.REJECTED),
            figure=figure,
        )


def _amount_limit(group: Group) -> Iterator[Proposal]:
    names = dict.fromkeys(name for case in group.cases for name in case.amounts)
    for name in names:
        priced = [case for case in group.cases if case.is_decided and name in case.amounts]
        for currency in dict.fromkeys(case.amounts[name].currency for case in priced):
            of_currency = [case for case in priced if case.amounts[name].currency == currency]
            yield from _up_to(group, name, of_currency)


def _up_to(group: Group, name: str, cases: Sequence[Case]) -> Iterator[Proposal]:
    """Propose a limit only where it separates: all below approved as they were, and something above not."""
    if group.cases[0].trigger is not Trigger.HIGH_STAKES:
        return
    calm = _leading_approved(cases, key=lambda case: case.amounts[name].amount)
    if len(calm) < FEWEST or len(calm) == len(cases):
        return
    top: Money = calm[-1].amounts[name]
    yield Proposal(
        kind=Kind.THRESHOLD,
        title=f"Is the limit of {group.name} too low?",
        why=f"All {len(calm)} decided tickets with {name} up to {top} were approved without a change.",
        suggestion=f"Look at a limit of {top} for {name}; replay past cases with it before any change.",
        tickets=tuple(case.id for case in calm),
        figure=share(len(calm), len(calm)),
    )


def _confidence_limit(group: Group) -> Iterator[Proposal]:
    if group.cases[0].trigger is not Trigger.LOW_CONFIDENCE:
        return
    scored = [case for case in group.cases if case.is_decided and case.confidence is not None]
    calm = _leading_approved(scored, key=lambda case: -(case.confidence or 0.0))
    if len(calm) < FEWEST:
        return
    lowest = calm[-1].confidence or 0.0
    yield Proposal(
        kind=Kind.THRESHOLD,
        title=f"Is the threshold of {group.name} too high?",
        why=f"All {len(calm)} draft answers with a confidence of {lowest:.2f} or more were sent unchanged.",
        suggestion=f"Look at a threshold near {lowest:.2f}; `handrail calibrate` says what it risks.",
        tickets=tuple(case.id for case in calm),
        figure=share(len(calm), len(calm)),
    )


def _leading_approved(cases: Sequence[Case], *, key: Callable[[Case], object]) -> list[Case]:
    calm: list[Case] = []
    for case in sorted(cases, key=key):  # type: ignore[arg-type]
        if case.ending is not Ending.APPROVED:
            break
        calm.append(case)
    return calm


def _too_slow(group: Group) -> Iterator[Proposal]:
    late = [case for case in group.cases if case.is_late]
    if late and (len(late) >= FEWEST or group.late.low > 0.2):
        expired = sum(case.ending is Ending.EXPIRED for case in late)
        yield Proposal(
            kind=Kind.PEOPLE,
            title=f"Can {group.name} answer in time?",
            why=f"{group.late.count} of {group.late.total} were late; {expired} of them nobody decided.",
            suggestion="More people in this role, a longer answer_within, or another backup.",
            tickets=tuple(case.id for case in late),
            figure=group.late,
        )


def _missing_facts(cases: Iterable[Case]) -> Iterator[Proposal]:
    without: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        for name in case.unknown:
            without[name].append(case.id)
    for name, ids in without.items():
        if len(ids) >= FEWEST:
            yield Proposal(
                kind=Kind.FACT,
                title=f"Where could {name} come from?",
                why=f"{len(ids)} tickets were opened because {name} was not known.",
                suggestion="Supply the fact, or say in the policy what holds while it is missing.",
                tickets=tuple(ids),
            )


def _prompt_notes(cases: Iterable[Case]) -> Iterator[Proposal]:
    edits: dict[tuple[str, str], list[tuple[Case, Change]]] = defaultdict(list)
    for case in cases:
        for change in changes(case):
            edits[case.tool, change.path].append((case, change))
    for (tool, path), made in edits.items():
        what = f"{tool}.{path}" if tool else "the answer"
        seen = dict.fromkeys(f"{change.before} → {change.after}" for _, change in made)
        examples = "; ".join(list(seen)[:MOST_SHOWN]).rstrip(".")
        reasons = dict.fromkeys(case.reason for case, _ in made if case.reason)
        said = f" People's words: {' / '.join(list(reasons)[:MOST_SHOWN])}" if reasons else ""
        yield Proposal(
            kind=Kind.PROMPT,
            title=f"People changed {what} in {len(made)} {'ticket' if len(made) == 1 else 'tickets'}",
            why=f"{examples}.{said}",
            suggestion=f"Say in the prompt what to mind about {what}, and try it on these cases.",
            tickets=tuple(case.id for case, _ in made),
        )


def _ids(cases: Iterable[Case], ending: Ending) -> tuple[str, ...]:
    return tuple(case.id for case in cases if case.ending is ending)
