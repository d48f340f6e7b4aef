"""What is most worth doing after a week: what cannot wait, then changes and notes by what they save. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail.review.week.language import ENGLISH, Language
from handrail.review.week.weekly import WeeklyReview, propose

if TYPE_CHECKING:
    from handrail.review.changes.proposal import Proposal
    from handrail.review.figures.log_figures import LogFigures

MOST = 5
"""Things that somebody does in a week, beside what cannot wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    """One thing to do.

    Args:
        words: what to do.
        part: the part of the page that shows why.
        quoted: what the proposal itself is called, which no catalogue translates.
        figure: its number in words, empty where it stands in `words`.
        tickets: tickets behind it.
        worth: what it is expected to save a week, in hand-offs.
        is_pressing: it cannot wait.
    """

    words: str
    part: str
    quoted: str = ""
    figure: str = ""
    tickets: tuple[str, ...] = ()
    worth: float = 0.0
    is_pressing: bool = False

    def __str__(self) -> str:
        said = f"{self.words} {self.quoted}".strip()
        return f"{said} ({self.figure})" if self.figure else said


def first_steps(
    report: WeeklyReview,
    figures: "LogFigures | None" = None,
    patches: "Sequence[Proposal]" = (),
    say: Language = ENGLISH,
) -> tuple[FirstStep, ...]:
    """Return what is to be done, each thing once; nothing where a week was as it should be.

    What cannot wait comes first. Changes and notes follow in one order, by what they are expected to save;
    then what the log lacks, and hints from the tickets about which nothing else speaks.

    Args:
        report: the period's tickets.
        figures: what the log says of it.
        patches: changes and notes.
        say: the language.
    """
    if not report.measures.total.size and (figures is None or not figures.decisions):
        # Changes come from the weeks before as well: what can be accepted is said here, too.
        empty = FirstStep(words=say("first.empty"), part="tickets", is_pressing=True)
        return (empty, *_by_worth(patches, say)[: MOST - 1])
    pressing = [*_overdue(report, say), *(_of_log(figures, say) if figures is not None else ())]
    found = [one for one in pressing if one.is_pressing]
    rest = [*_by_worth(patches, say), *(one for one in pressing if not one.is_pressing)]
    rest += _of_hints(report, patches, say)
    # Something to improve has its place even in a week in which much burns.
    return (*found, *rest[: max(1, MOST - len(found))])


def _by_worth(patches: "Sequence[Proposal]", say: Language) -> list[FirstStep]:
    return sorted(_of_patches(patches, say), key=lambda step: -step.worth)


def _overdue(report: WeeklyReview, say: Language) -> Iterator[FirstStep]:
    total = report.measures.total
    if total.overdue:
        yield FirstStep(
            words=say.counted("first.overdue", total.overdue),
            part="tickets",
            tickets=tuple(case.id for case in total.cases if case.is_overdue(report.measures.now)),
            is_pressing=True,
        )


def _of_log(figures: "LogFigures", say: Language) -> Iterator[FirstStep]:
    yield from _errors(figures, say)
    named = [one for one in figures.readers if one.is_named]
    if named:
        yield FirstStep(
            words=say("first.readers", names=say.listed([one.name[:12] for one in named])),
            part="readers",
            tickets=_all(one.tickets for one in named),
            is_pressing=True,
        )
    # A ticket of three rules stands under three pairs, and is one.
    clashes = _all(one.tickets for one in figures.conflicts)
    if clashes:
        yield FirstStep(words=say.counted("first.conflicts", len(clashes)), part="conflicts", tickets=clashes)


def _errors(figures: "LogFigures", say: Language) -> Iterator[FirstStep]:
    """Say in one step that the model drifted and that too many errors pass: they ask for the same."""
    last = figures.weeks[-1].findings.missed if figures.weeks else None
    is_read = last is not None and last.rate is not None
    told = {"target": say.percent(figures.alpha), "low": say.percent(last.low) if last is not None else ""}
    is_above = last is not None and is_read and last.low > figures.alpha
    if figures.drift_since is not None:
        key = "first.drift_missed" if is_above else "first.drift"
        words = say(key, day=say.day(figures.drift_since), **told)
        yield FirstStep(words=words, part="missed" if _is_drawn(figures) else "flow", is_pressing=True)
    elif is_above:
        yield FirstStep(words=say("first.missed", **told), part="missed", is_pressing=True)
    if figures.passed and not is_read:
        yield FirstStep(words=say("first.unread"), part="flow")


def _is_drawn(figures: "LogFigures") -> bool:
    return any(week.findings.missed.rate is not None for week in figures.weeks)


def _of_patches(patches: "Sequence[Proposal]", say: Language) -> Iterator[FirstStep]:
    for one in patches:
        if not (one.is_ready or one.is_note):
            continue
        figure = worth_in_words(one, say)
        yield FirstStep(
            words=say("first.ready") if one.is_ready else "",
            quoted=one.title if figure else f"{one.title}. {one.replay or one.why}",
            figure=figure,
            part=f"change-{one.id}",
            tickets=one.tickets,
            worth=one.worth,
        )


def worth_in_words(one: "Proposal", say: Language) -> str:
    """Return what a proposal saves or costs a week, empty where that is not known or is nothing; pure."""
    saved = round(one.worth)
    if not saved:
        return ""
    return say("first.worth" if saved > 0 else "first.cost", count=say.number(abs(saved)))


def hints(
    report: WeeklyReview, patches: "Sequence[Proposal]" = (), say: Language = ENGLISH
) -> "tuple[Proposal, ...]":
    """Return the hints from the tickets, without those about what a change or a note is about.

    A change says the same with more behind it, or the opposite, and then it has the evidence.
    """
    told = {one.about for one in patches if one.about}
    return tuple(one for one in propose(report.measures, say) if one.about not in told)


def _of_hints(report: WeeklyReview, patches: "Sequence[Proposal]", say: Language) -> Iterator[FirstStep]:
    for place, one in enumerate(hints(report, patches, say), 1):
        words = f"{one.title} {one.why}"
        yield FirstStep(words=words, part=f"hint-{place}", tickets=one.tickets)


def _all(tickets: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ticket for some in tickets for ticket in some))
