"""The decisions of one tenant among the entries of an audit log."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from handrail.policy.runtime.log_row import LogRow, UnreadableRow, read_row


def rows_of(entries: Iterable[Mapping[str, Any]], tenant: str) -> list[LogRow]:
    """Return a tenant's rows among the entries of an audit log; pure."""
    found = []
    for entry in entries:
        with suppress(UnreadableRow):
            row = read_row(entry)
            if row is not None and row.tenant == tenant:
                found.append(row)
    return found
