"""Two policies on every decision of a log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handrail.bulk.backtest import BacktestJob, backtest_job
from handrail.bulk.job import RowFunction
from handrail.policy import load
from handrail.policy.tools.backtest import DECIDED, UNREADABLE, TriedRow, try_row


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareJob:
    """Says what each of two policies makes of a row, in one word and a role; of an unreadable one nothing."""

    old: BacktestJob
    new: BacktestJob

    def key(self) -> str:
        """Return what tells this job from others."""
        return f"compare 1 {self.old.sha256} {self.new.sha256}"

    def prepared(self) -> RowFunction:
        """Load the policies and return what compares them on one row."""
        old, new = load(self.old.policy), load(self.new.policy)

        def row(line: int, record: object) -> Mapping[str, Any] | None:
            before, after = try_row(line, record, old), try_row(line, record, new)
            if before is None or after is None:
                return None
            if before.state == UNREADABLE:
                return {"line": line, "before": None, "after": None}
            if before.state != DECIDED:
                return None
            return {"line": line, "before": _told(before), "after": _told(after)}

        return row


def compare_job(old: str, new: str) -> CompareJob:
    """Return the job of two policy files or shipped policies."""
    return CompareJob(old=backtest_job(old)[0], new=backtest_job(new)[0])


def _told(row: TriedRow) -> str:
    return f"{row.effect}{f' to {row.roles[0]}' if row.roles else ''}"
