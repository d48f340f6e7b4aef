"""Takes every decision of an export again."""

from pathlib import Path

from handrail.bulk.chunks import chunks_of, records_in
from handrail.bulk.export import export_jsonl
from handrail.policy import Policy
from handrail.policy.runtime.log_row import LogRow, read_row
from handrail.policy.runtime.record import rederive
from handrail.policy.tools.backtest import backtest
from handrail.store import SqlStore


def exported(store: SqlStore, folder: Path) -> list[object]:
    path = folder / "log.jsonl"
    export_jsonl(store.log_rows(), path)
    return [record for chunk in chunks_of(path) for _, record in records_in(chunk)]


def assert_taken_again(records: list[object], policy: Policy) -> list[LogRow]:
    rows = [row for record in records if (row := read_row(record)) is not None and row.is_decision]
    assert [(row.outcome, rederive(row.record(), policy).differences) for row in rows] == [
        (row.outcome, ()) for row in rows
    ]
    tried = backtest(list(enumerate(records, 1)), policy)
    assert (tried.unreadable, tried.newly, tried.no_longer, tried.without_facts) == ([], 0, 0, 0)
    assert tried.records == len(rows)
    return rows
