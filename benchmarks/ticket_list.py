"""A store of very many closed tickets, and how long its list of open ones takes."""

import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from benchmarks.ticket_load import new_ticket

from handrail.records import Money
from handrail.store import Filter, SqlStore, open_store
from handrail.store.tables import ledger, micros, tickets
from handrail.tickets.ports import LedgerEntry, LedgerQuery

ROLES = ("lead", "finance_lead", "supervisor", "queue_manager")
BATCH = 10_000


def asked_beside_closed(*, open_count: int, closed_count: int, now: datetime) -> dict[str, list[float]]:
    """Fill a SQLite store and ask for lists and counts; returns milliseconds of each question, sorted."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/store.db", allow_volatile=True)
        ticket = new_ticket()
        store.open(ticket)
        with store.read("default") as tx:
            template = dict(tx.conn.execute(tickets.select()).one()._mapping)
        # What is filled in has the shape of a real row; only its content is short, which no list reads.
        template |= {"content": template["content"][:512], "sealed": template["sealed"][:256]}
        for batch in batches(template, open_count, closed_count, now):
            with store.database.write() as conn:
                conn.execute(tickets.insert(), batch)
        took: dict[str, list[float]] = {"list": [], "list_of_a_role": [], "counts": []}
        for number in range(200):
            due = now + timedelta(minutes=number)
            of_role = Filter(role=ROLES[number % len(ROLES)], due_before=due)
            took["list"].append(_ms(lambda: store.list("default", Filter())))
            took["list_of_a_role"].append(_ms(lambda of_role=of_role: store.list("default", of_role)))
            took["counts"].append(_ms(lambda: store.counts("default")))
        store.close()
    return {name: sorted(values) for name, values in took.items()}


def refunds(*, earlier: int, rounds: int) -> tuple[float, float]:
    """Return the milliseconds of a customer's first refund, and of one after many in 30 days: medians."""
    with tempfile.TemporaryDirectory() as folder:
        store, now = open_store(f"sqlite:///{folder}/store.db", allow_volatile=True), datetime.now(UTC)
        with store.write("default") as tx:
            row = {
                "tenant": "default",
                "tool": "issue_refund",
                "customer": tx.hashed("many"),
                "digest": "",
                "state": "done",
                "amounts": '{"refund.amount": ["5.25", "USD"]}',
            }
            step = 30 * 24 * 3600 * 10**6 // earlier
            at = (micros(now) - number * step for number in range(earlier))
            tx.conn.execute(ledger.insert(), [{**row, "id": uuid.uuid4().hex, "at": moment} for moment in at])
        first, later = [], []
        for number in range(rounds):
            first.append(_ms(lambda number=number: _refund(store, f"new {number}", now)))
            later.append(_ms(lambda: _refund(store, "many", now)))
        store.close()
    return statistics.median(first), statistics.median(later)


def _refund(store: SqlStore, customer: str, now: datetime) -> None:
    query = LedgerQuery(
        fact="refunds",
        kind="sum",
        tenant="default",
        tool="issue_refund",
        amount="refund.amount",
        per="customer",
        key=customer,
        since=now - timedelta(days=30),
    )
    entry = LedgerEntry(
        id=uuid.uuid4().hex,
        tenant="default",
        tool="issue_refund",
        at=now,
        customer=customer,
        amounts={"refund.amount": Money(amount=Decimal("5.25"), currency="USD")},
    )
    assert store.reserve(entry, {query: store.totals([query])["refunds"]})


def _ms(ask: Callable[[], object]) -> float:
    start = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - start)


def batches(
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
                "reference": None,
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
