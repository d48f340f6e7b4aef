"""What `handrail review` prints: figures in short, what to do first, the files, and the next command."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail.policy.runtime.log_row import LogRow
    from handrail.review import ReviewPeriod, WeeklyReview
    from handrail.review.calibration.false_passes import FalsePasses
    from handrail.review.changes.proposal import Proposal
    from handrail.review.figures.log_figures import LogFigures

MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A review as it was made: the tickets, what the log says, proposals, and errors among what passed."""

    report: "WeeklyReview"
    figures: "LogFigures | None"
    patches: "Sequence[Proposal]"
    missed: "FalsePasses | None"

    def lines(self, paths: Sequence[Path], store: str, policy: str, log: Path | None = None) -> list[str]:
        """Return what to print once the files are written."""
        return [
            self._total(),
            *_missed_lines(self.missed, store, policy),
            *self._steps(),
            *map(_proposal_line, self.patches),
            f"{paths[0]} and {len(paths) - 1} files beside it",
            *self._next(paths[0].parent, policy, log),
        ]

    def as_json(self) -> str:
        """Return everything as one JSON document."""
        from handrail.review import as_data

        data = as_data(self.report, self.figures, self.patches)
        return json.dumps({**data, "missed": _missed_data(self.missed)}, indent=2)

    def _total(self) -> str:
        from handrail.review.week.first_steps import hints

        total, found = self.report.measures.total, len(hints(self.report, self.patches))
        return (
            f"{total.size} tickets, {total.unchanged.count} of {total.unchanged.total} decisions unchanged, "
            f"{total.late.count} late, {found} {'hint' if found == 1 else 'hints'} from the tickets"
        )

    def _steps(self) -> list[str]:
        from handrail.review.week.first_steps import first_steps

        steps = first_steps(self.report, self.figures, self.patches)
        return [f"{number}. {step}" for number, step in enumerate(steps, 1)]

    def _next(self, folder: Path, policy: str, log: Path | None = None) -> list[str]:
        # The first of them on the page, unless it costs more than it saves: that asks for a thought.
        ready = next((one for one in self.patches if one.is_ready and round(one.worth) >= 0), None)
        if ready is None or not policy:
            return []
        from handrail.policy.file.read import shipped

        where = "" if folder == Path("review") else f" --out {folder}"
        if log is not None and ready.certified is not None:
            where += f" --log {log}"
        is_shipped = policy in shipped() and not Path(policy).is_file()
        copied, file = (
            (f"handrail policy copy {policy} && ", f"{policy}.yaml") if is_shipped else ("", policy)
        )
        return [f"next: {copied}handrail review accept {ready.id} --policy {file}{where} --as YOU"]


def _proposal_line(one: "Proposal") -> str:
    state = "" if one.is_ready else " (for people to do)" if one.is_note else " (not ready)"
    return f"proposal {one.id}: {one.title}{state}"


def _missed_data(missed: "FalsePasses | None") -> dict[str, object] | None:
    if missed is None:
        return None
    error = missed.error
    return {
        "passed": error.passed,
        "checked": error.audits,
        "waiting": missed.waiting,
        "error_among_passed": error.rate,
        "low": error.low,
        "high": error.high,
        "alarm": missed.alarm.isoformat() if missed.alarm else None,
    }


def _missed_lines(missed: "FalsePasses | None", store: str, policy: str) -> list[str]:
    from handrail.review.week.language import ENGLISH

    error = missed.error if missed is not None else None
    if missed is None or error is None or error.rate is None:
        return []
    lines = [
        f"missed errors: {ENGLISH.percent(error.rate, 1)} of {error.passed} passed answers "
        f"({ENGLISH.between(error.low, error.high, 1)}), from {error.audits} that were read; "
        f"{missed.waiting} wait to be read"
    ]
    if missed.alarm is not None:
        lines.append(
            f"drift alarm at {missed.alarm:%Y-%m-%d %H:%M}: more passed answers are wrong than promised; "
            f"to withdraw the calibration run: handrail calibrate --store {store} --previous FILE "
            f"--out FILE, with the file that {policy} names"
        )
    return lines


def nothing_there(rows: "Sequence[LogRow]", period: "ReviewPeriod", source: str, tenant: str) -> str:
    """Return why a log says nothing of a period, empty where it does; pure.

    Args:
        rows: the tenant's rows.
        period: what was asked for.
        source: the log's name.
        tenant: whose rows.
    """
    from handrail.review.log.calendar_week import name_of_week

    moments = sorted(datetime.fromisoformat(row.at) for row in rows if row.at and row.is_decision)
    if not moments:
        return f"{source} holds no decisions of tenant {tenant}; --tenant names another one"
    if any(moment in period for moment in moments):
        return ""
    zone = period.since.tzinfo
    first, last = (name_of_week(moment.astimezone(zone).date()) for moment in (moments[0], moments[-1]))
    return f"{source} holds nothing of these days, but of {first} to {last}; try --week {last}"


def not_of_policy(rows: "Sequence[LogRow]", policy: str) -> str:
    """Return a warning where a log's rules are not those of a policy: it is of another one."""
    from handrail.policy import load

    known = {rule.id for rule in load(policy).hand_offs}
    fired = dict.fromkeys(rule for row in rows for rule in row.rules)
    strange = [rule for rule in fired if rule not in known]
    if len(strange) * 2 <= len(fired):
        return ""
    named = ", ".join(strange[:MOST_NAMED])
    return (
        f"{len(strange)} of {len(fired)} rules in the log are not in {policy} ({named}): "
        "is it the policy of this log? What is proposed would change it"
    )
