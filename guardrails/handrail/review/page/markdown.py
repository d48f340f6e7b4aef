"""A weekly review as Markdown, for a mail, a wiki or a merge request: calm, its long lists folded. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from handrail.review.changes.proposal import without_folder
from handrail.review.figures.measure import TicketGroup
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.page.html import charts, period
from handrail.review.page.tables import short
from handrail.review.week.first_steps import FirstStep, first_steps, hints, worth_in_words
from handrail.review.week.language import ENGLISH, Language
from handrail.review.week.weekly import WeeklyReview

if TYPE_CHECKING:
    from handrail.review.changes.proposal import Proposal
    from handrail.review.figures.log_figures import LogFigures

# An underscore inside a word is no markup, and role names are full of them.
_BLANK = re.compile(r"[^\S\u00a0]+")
_MARKUP = re.compile(r"(`[A-Za-z_][\w.: ]*`)|[\\`*\[\]<>|#]|(?<!\w)_|_(?!\w)")
MOST_IDS, MOST_TICKETS = 20, 50
"""Ids after one sentence, and rows of the table of tickets; the CSV files beside it hold them all."""


def as_markdown(
    report: WeeklyReview,
    figures: "LogFigures | None" = None,
    patches: "Sequence[Proposal]" = (),
    say: Language = ENGLISH,
) -> str:
    """Return the whole review as Markdown, as GitHub and GitLab show it: ids and diffs are folded."""
    return "\n".join(_lines(report, figures, patches, say)) + "\n"


def _lines(
    report: WeeklyReview, figures: "LogFigures | None", patches: "Sequence[Proposal]", say: Language
) -> Iterator[str]:
    measures, total = report.measures, report.measures.total
    yield f"# {_plain(report.title or say('title'))}, {period(measures, say)}"
    yield ""
    yield say(
        "file.about",
        tickets=say.number(total.size),
        unchanged=say.share(total.unchanged),
        late=say.share(total.late),
        overdue=say.number(total.overdue),
        median=say.span(total.median),
    )
    yield from _steps(first_steps(report, figures, patches, say), say)
    yield from _head("log", say)
    for title, _, words in charts(measures, figures, say).values():
        yield f"- **{_plain(title)}** {_plain(words)}"
    yield from _proposed("changes", [one for one in patches if not one.is_note], say)
    yield from _proposed("notes", [one for one in patches if one.is_note], say)
    yield from _hints(hints(report, patches, say), say)
    for kind, groups in (
        ("trigger", measures.by_trigger),
        ("role", measures.by_role),
        ("rule", measures.by_rule),
    ):
        if groups:
            yield from _head(f"by-{kind}", say)
            yield from _groups(kind, groups, say)
    yield from _tickets(report.cases, say)
    yield ""
    yield say("closing")


def _head(name: str, say: Language) -> Iterator[str]:
    yield from ("", f"## {say(f'section.{name}')}", "")


def _steps(steps: Sequence[FirstStep], say: Language) -> Iterator[str]:
    yield from _head("first", say)
    for number, step in enumerate(steps, 1):
        yield f"{number}. {_plain(str(step))}"
    if not steps:
        yield say("first.nothing")


def _proposed(name: str, proposals: "Sequence[Proposal]", say: Language) -> Iterator[str]:
    if not proposals:
        return
    yield from _head(name, say)
    for number, one in enumerate(proposals, 1):
        words = " ".join(filter(None, (one.why, one.replay, one.effect, one.suggestion)))
        about = "; ".join(filter(None, (one.id, worth_in_words(one, say))))
        yield f"{number}. **{_plain(one.title)}** ({about}). {_plain(words)}"
        yield from _ids(one.tickets, say)
        if one.diff:
            yield from (
                "",
                "    ```diff",
                *(f"    {row}" for row in without_folder(one.diff.rstrip()).splitlines()),
                "    ```",
                "",
            )


def _hints(hints: "Sequence[Proposal]", say: Language) -> Iterator[str]:
    yield from _head("hints", say)
    if not hints:
        yield say("hint.nothing")
    for number, one in enumerate(hints, 1):
        yield f"{number}. **{_plain(one.title)}** {_plain(one.why)} {_plain(one.suggestion)}"
        yield from _ids(one.tickets, say)


def _ids(tickets: Sequence[str], say: Language) -> Iterator[str]:
    """Fold ids under a sentence; the blank lines are what GitHub asks for inside HTML."""
    if not tickets:
        return
    shown = [f"`{_plain(ticket)}`" for ticket in tickets[:MOST_IDS]]
    rest = len(tickets) - len(shown)
    more = [say("file.more", count=say.number(rest), file="[tickets.csv](tickets.csv)")] if rest else []
    summary = say.counted("tickets", len(tickets))
    yield from ("", f"    <details><summary>{summary}</summary>", "")
    yield f"    {', '.join([*shown, *more])}"
    yield from ("", "    </details>", "")


def _groups(kind: str, groups: Sequence[TicketGroup], say: Language) -> Iterator[str]:
    used = [ending for ending in TicketEnding if any(group.endings.get(ending) for group in groups)]
    ends = [say.named("ending", ending) for ending in used]
    heads = ["", say("column.count"), *ends, *(say(f"column.{one}") for one in ("median", "slowest", "late"))]
    yield f"| {' | '.join(heads)} |"
    yield "|---" + "|--:" * (len(heads) - 1) + "|"
    for group in groups:
        counts = [say.number(group.endings.get(ending, 0)) for ending in used]
        late = say.of(group.late.count, group.late.total)
        times = [say.span(group.median), say.span(group.slowest_tenth), late]
        name = say.named(kind, group.name) if kind == "trigger" else group.name
        yield f"| {' | '.join([_plain(name), say.number(group.size), *counts, *times])} |"


def _tickets(cases: Sequence[ReviewCase], say: Language) -> Iterator[str]:
    """Fold the table of tickets; of many the file beside it holds the rest."""
    yield from _head("tickets", say)
    if not cases:
        yield say("none")
        return
    heads = ("ticket", "opened", "role", "rule", "ended", "took", "wanted")
    yield from (f"<details><summary>{say.counted('tickets', len(cases))}</summary>", "")
    yield f"| {' | '.join(say(f'column.{head}') for head in heads)} |"
    yield "|---|---|---|---|---|--:|---|"
    for case in cases[:MOST_TICKETS]:
        ended = say.named("ending", case.ending)
        cells = (
            short(case.id),
            say.moment(case.created_at),
            case.role,
            case.rule,
            f"{ended} ({say('ticket.late')})" if case.is_late else ended,
            say.span(case.took),
            case.wanted,
        )
        yield f"| {' | '.join(_plain(cell) for cell in cells)} |"
    rest = len(cases) - MOST_TICKETS
    if rest > 0:
        yield from ("", say("file.more", count=say.number(rest), file="[tickets.csv](tickets.csv)"))
    yield from ("", "</details>")


def _plain(text: str) -> str:
    """Keep words of a conversation from becoming markup, on one line; a name in back-ticks stays code."""
    return _MARKUP.sub(lambda found: found[1] or f"\\{found[0]}", _BLANK.sub(" ", text).strip())
