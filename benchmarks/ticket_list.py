"""A store of very many closed tickets, and how long its list of open ones takes."""

import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from benchmarks.ticket_load import new_ticket, quantile

from handrail.store import Filter, open_store
from handrail.store.tables import micros, tickets

ROLES = ("lead", "finance_lead", "supervisor", "queue_manager")
BATCH = 10_000


def list_beside_closed(*, open_count: int, closed_count: int, now: datetime) -> tuple[float, float]:
    """Fill a SQLite store and list open tickets by role and due time; returns p50 and p95 in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/store.db", allow_volatile=True)
        ticket = new_ticket()
        store.open(ticket)
        with store.read("default") as tx:
            template = dict(tx.conn.execute(tickets.select()).one()._mapping)
        # What is filled in has the shape of a real row; only its content is short, which no list reads.
        template |= {"content": template["content"][:512], "sealed": template["sealed"][:256]}
        for batch in _batches(template, open_count, closed_count, now):
            with store.database.write() as conn:
                conn.execute(tickets.insert(), batch)
        took = []
        for number in range(200):
            wanted = Filter(role=ROLES[number % len(ROLES)], due_before=now + timedelta(minutes=number))
            start = time.perf_counter()
            found = store.list("default", wanted)
            took.append(1000 * (time.perf_counter() - start))
            assert found.rows
        store.close()
    took.sort()
    return quantile(took, 0.5), quantile(took, 0.95)


def _batches(
    template: dict[str, Any], open_count: int, closed_count: int, now: datetime
) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for number in range(open_count + closed_count):
        is_open = number < open_count
        due = micros(now + timedelta(seconds=number % 86_400 - 43_200))
        rows.append(
            template
            | {
                "id": uuid.uuid4().hex,
                "dedupe_key": f"k{number}",
                "conversation": f"c{number}",
                "subject": f"s{number % 100_000}",
                "role": ROLES[number % len(ROLES)],
                "state": "ready" if is_open else "applied",
                "is_open": is_open,
                "decide_by": due,
                "next_timer": due if is_open else None,
                "created_at": due,
            }
        )
        if len(rows) == BATCH:
            yield rows
            rows = []
    if rows:
        yield rows
