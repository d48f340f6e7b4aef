"""The weekly review: a period's figures and what they suggest to look at. It changes nothing by itself."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.records import Money, Trigger
from handrail.review.changes.proposal import Grounds, Proposal, note
from handrail.review.figures.measure import Measures, TicketGroup, measure, share
from handrail.review.log.cases import ChangedValue, ReviewCase, ReviewPeriod, TicketEnding, changes
from handrail.review.week.language import ENGLISH, Language

FEWEST = 5
"""Tickets a rule must have had before its figures are read as a hint."""
MOST_SHOWN = 3
ANSWER = "the answer"
"""What a proposal is about that concerns no tool."""
RULE, THRESHOLD, PEOPLE, FACT, PROMPT = "rule", "threshold", "people", "fact", "prompt"
"""What a proposal is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyReview:
    """A whole review. It proposes; nothing in it was applied. A language has its own
    title for one whose `title` is empty.
    """

    title: str
    measures: Measures
    proposals: tuple[Proposal, ...]

    @property
    def cases(self) -> tuple[ReviewCase, ...]:
        """Every ticket of the period, oldest first."""
        return self.measures.total.cases


def review(
    cases: Iterable[ReviewCase], period: ReviewPeriod, *, now: datetime, title: str = ""
) -> WeeklyReview:
    """Review a period's tickets; pure."""
    measures = measure(cases, period, now=now)
    return WeeklyReview(title=title, measures=measures, proposals=propose(measures))


def propose(measures: Measures, say: Language = ENGLISH) -> tuple[Proposal, ...]:
    """Return proposals in a language, those with the most tickets first; pure."""
    found = [
        proposal
        for group in measures.by_rule
        for look in (_needless, _refused, _amount_limit, _confidence_limit)
        for proposal in look(group, say)
    ]
    found += [p for group in measures.by_role for p in _too_slow(group, say)]
    found += _missing_facts(measures.total.cases, say)
    found += _prompt_notes(measures.total.cases, say)
    return tuple(sorted(found, key=lambda proposal: -len(proposal.tickets)))


def _needless(group: TicketGroup, say: Language) -> Iterator[Proposal]:
    if group.unchanged.total >= FEWEST and group.unchanged.low > 0.5:
        yield note(
            Grounds(
                kind=RULE,
                title=say("hint.needless.title", rule=group.name),
                why=say("hint.needless.why", of=say.share(group.unchanged)),
                suggestion=say("hint.needless.suggestion"),
                tickets=_ids([case for case in group.cases if case.is_read], TicketEnding.APPROVED),
                about=group.name,
            )
        )


def _refused(group: TicketGroup, say: Language) -> Iterator[Proposal]:
    decided = [case for case in group.cases if case.is_decided]
    rejected = [case for case in decided if case.ending is TicketEnding.REJECTED]
    figure = share(len(rejected), len(decided))
    if len(decided) >= FEWEST and figure.low > 0.5:
        yield note(
            Grounds(
                kind=RULE,
                title=say("hint.refused.title", rule=group.name),
                why=say("hint.refused.why", of=say.share(figure)),
                suggestion=say("hint.refused.suggestion"),
                tickets=_ids(group.cases, TicketEnding.REJECTED),
                about=group.name,
            )
        )


def _amount_limit(group: TicketGroup, say: Language) -> Iterator[Proposal]:
    names = dict.fromkeys(name for case in group.cases for name in case.amounts)
    for name in names:
        priced = [case for case in group.cases if case.is_read and name in case.amounts]
        for currency in dict.fromkeys(case.amounts[name].currency for case in priced):
            of_currency = [case for case in priced if case.amounts[name].currency == currency]
            yield from _up_to(group, name, of_currency, say)


def _up_to(group: TicketGroup, name: str, cases: Sequence[ReviewCase], say: Language) -> Iterator[Proposal]:
    """Propose a limit only where it separates: all below approved as they were, and something above not."""
    if group.cases[0].trigger is not Trigger.HIGH_STAKES:
        return
    calm = _leading_approved(cases, key=lambda case: case.amounts[name].amount)
    if len(calm) < FEWEST or len(calm) == len(cases):
        return
    top: Money = calm[-1].amounts[name]
    yield note(
        Grounds(
            kind=THRESHOLD,
            title=say("hint.amount.title", rule=group.name),
            why=say("hint.amount.why", count=say.number(len(calm)), fact=name, top=top),
            suggestion=say("hint.amount.suggestion", fact=name, top=top),
            tickets=tuple(case.id for case in calm),
            about=group.name,
        )
    )


def _confidence_limit(group: TicketGroup, say: Language) -> Iterator[Proposal]:
    if group.cases[0].trigger is not Trigger.LOW_CONFIDENCE:
        return
    scored = [case for case in group.cases if case.is_read and case.confidence is not None]
    calm = _leading_approved(scored, key=lambda case: -(case.confidence or 0.0))
    if len(calm) < FEWEST:
        return
    lowest = say.number(calm[-1].confidence or 0.0, 2)
    yield note(
        Grounds(
            kind=THRESHOLD,
            title=say("hint.confidence.title", rule=group.name),
            why=say("hint.confidence.why", count=say.number(len(calm)), lowest=lowest),
            suggestion=say("hint.confidence.suggestion", lowest=lowest),
            tickets=tuple(case.id for case in calm),
            about=group.name,
        )
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


def _too_slow(group: TicketGroup, say: Language) -> Iterator[Proposal]:
    late = [case for case in group.cases if case.is_late]
    if late and (len(late) >= FEWEST or group.late.low > 0.2):
        expired = sum(case.ending is TicketEnding.EXPIRED for case in late)
        yield note(
            Grounds(
                kind=PEOPLE,
                title=say("hint.slow.title", role=group.name),
                why=say(
                    "hint.slow.why",
                    of=say.share(group.late),
                    expired=say.number(expired),
                ),
                suggestion=say("hint.slow.suggestion"),
                tickets=tuple(case.id for case in late),
                about=group.name,
            )
        )


def _missing_facts(cases: Iterable[ReviewCase], say: Language) -> Iterator[Proposal]:
    without: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        for name in case.unknown:
            without[name].append(case.id)
    for name, ids in without.items():
        if len(ids) >= FEWEST:
            yield note(
                Grounds(
                    kind=FACT,
                    title=say("hint.fact.title", fact=name),
                    why=say("hint.fact.why", count=say.number(len(ids)), fact=name),
                    suggestion=say("hint.fact.suggestion"),
                    tickets=tuple(ids),
                    about=name,
                )
            )


def _prompt_notes(cases: Iterable[ReviewCase], say: Language) -> Iterator[Proposal]:
    edits: dict[tuple[str, str], list[tuple[ReviewCase, ChangedValue]]] = defaultdict(list)
    for case in cases:
        for change in changes(case):
            edits[case.tool, change.path].append((case, change))
    for (tool, path), made in edits.items():
        what = f"{tool}.{path}" if tool else say("hint.prompt.answer")
        seen = dict.fromkeys(f"{change.before} → {change.after}" for _, change in made)
        examples = "; ".join(list(seen)[:MOST_SHOWN]).rstrip(".")
        reasons = dict.fromkeys(case.reason for case, _ in made if case.reason)
        said = [say("hint.prompt.why", examples=examples)]
        if reasons:
            said.append(say("hint.prompt.words", reasons=" / ".join(list(reasons)[:MOST_SHOWN])))
        yield note(
            Grounds(
                kind=PROMPT,
                title=say.counted("hint.prompt.title", len(made), what=what),
                why=" ".join(said),
                suggestion=say("hint.prompt.suggestion", what=what),
                tickets=tuple(case.id for case, _ in made),
                about=f"{tool}.{path}" if tool else ANSWER,
            )
        )


def _ids(cases: Iterable[ReviewCase], ending: TicketEnding) -> tuple[str, ...]:
    return tuple(case.id for case in cases if case.ending is ending)
