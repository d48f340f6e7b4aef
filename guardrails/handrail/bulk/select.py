"""The rows of a log that a reader needs, and of each what it reads; of any size and version."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from handrail.bulk.job import RowFunction
from handrail.bulk.run import BulkRun
from handrail.policy.runtime.log_row import LogRow, UnreadableRow, as_data, read_row

UNREADABLE = "unreadable"
_NAMES = frozenset(each.name for each in fields(LogRow))


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectJob:
    """Keeps some columns of some rows of one tenant.

    Args:
        outcomes: which rows.
        names: which columns; outcome, time, tenant, exchange and ticket are always kept.
        tenant: whose rows, everybody's if empty.
        with_scored: also every row that holds a score.
    """

    outcomes: tuple[str, ...]
    names: tuple[str, ...] = ()
    tenant: str = ""
    with_scored: bool = False

    def key(self) -> str:
        """Return what tells this job from others."""
        return f"select 1 {self.outcomes} {self.names} {self.tenant} {self.with_scored}"

    def prepared(self) -> RowFunction:
        """Return what reads one row."""
        unknown = set(self.names) - _NAMES
        assert not unknown, f"no columns of a row: {sorted(unknown)}"
        kept = ("outcome", "at", "tenant", "exchange", "ticket", *self.names)

        def row(line: int, record: object) -> Mapping[str, Any] | None:
            try:
                found = read_row(record)
            except UnreadableRow:
                return {UNREADABLE: line}
            if found is None or (self.tenant and found.tenant != self.tenant):
                return None
            if found.outcome not in self.outcomes and not (self.with_scored and found.scored):
                return None
            return {name: value for name, value in as_data(found).items() if name in kept}

        return row


def unreadable_lines(found: BulkRun) -> list[int]:
    """Return the numbers of the lines that could not be read."""
    return [row[UNREADABLE] for row in found.rows() if UNREADABLE in row]


def selected(found: BulkRun) -> Iterator[LogRow]:
    """Yield the rows of a run; lines that could not be read are told by `unreadable_lines`."""
    for data in found.rows():
        if UNREADABLE not in data and (row := read_row(data)) is not None:
            yield row
