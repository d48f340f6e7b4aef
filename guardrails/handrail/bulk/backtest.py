"""A policy tried on every decision of a log."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from handrail.bulk.job import RowFunction
from handrail.bulk.run import BulkRun
from handrail.policy import Policy, load
from handrail.policy.tools.backtest import Backtest, TriedRow, counted, try_row


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestJob:
    """Tries a policy on each row. `sha256` is the policy's, so that a changed file is another job."""

    policy: str
    sha256: str

    def key(self) -> str:
        """Return what tells this job from others."""
        return f"backtest 1 {self.sha256}"

    def prepared(self) -> RowFunction:
        """Load the policy and return what tries one row."""
        policy = load(self.policy)

        def row(line: int, record: object) -> Mapping[str, Any] | None:
            tried = try_row(line, record, policy)
            return None if tried is None else asdict(tried)

        return row


def backtest_job(policy: str) -> tuple[BacktestJob, Policy]:
    """Return the job of a policy file or a shipped policy, and the policy."""
    loaded = load(policy)
    file = Path(policy)
    where = str(file.resolve()) if file.exists() else policy
    return BacktestJob(policy=where, sha256=loaded.ref.sha256), loaded


def added_up(found: BulkRun, policy: Policy) -> Backtest:
    """Add up the rows of a run."""
    return counted(_tried(found), policy)


def _tried(found: BulkRun) -> Iterator[TriedRow]:
    for row in found.rows():
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }
        yield TriedRow(**values)
