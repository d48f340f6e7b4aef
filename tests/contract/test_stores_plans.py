"""Nothing that a call or a list asks of a store reads everything that the store holds, or sorts it."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from handrail.records import Decision, Effect, Money, PolicyRef, Stage
from handrail.store import samples
from handrail.store.tickets.listing import Filter
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import DecisionEntry, LedgerEntry, LedgerQuery, Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.samples import SampledAnswer, SampleText
from handrail.tickets.ticket import Verdict
from support.stores import NOW, Sides, actor, new_ticket, postgres_sides, sqlite_sides

GROWING = ("tickets", "attempts", "decisions", "ledger", "ledger_totals", "uses", "outbox", "audit", "audits")
ELSEWHERE = ("data_keys", "sqlite_master", "alembic_version")
"""Keys have a database of their own, where each is found by its name; the others are asked at the start."""
MINUTE = timedelta(minutes=1)


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """Every statement that reaches a database meanwhile, with its values."""
    seen: list[str] = []

    def traced(connection: Any, _: object) -> None:
        connection.set_trace_callback(seen.append)

    event.listen(Engine, "connect", traced)
    yield seen
    event.remove(Engine, "connect", traced)


def everyday(sides: Sides) -> None:
    """What calls, reviewers and the desk do all day long."""
    ticket = new_ticket("t1", conversation="c1")
    sides.app.open(ticket)
    for name in ("t2", "t3"):
        sides.app.open(new_ticket(name, conversation="c1" if name == "t2" else None))
    sides.app.conversation("default", "c1")
    sides.app.conversation("default", "elsewhere")
    for wanted in (Filter(), Filter(role="finance_lead"), Filter(state=State.READY)):
        cursor = sides.inbox.list("default", replace(wanted, limit=1)).cursor
        assert cursor is not None
        assert sides.inbox.list("default", replace(wanted, cursor=cursor)).rows
    sides.inbox.list("default", Filter(due_before=NOW + MINUTE))
    sides.inbox.list("default", Filter(reference="HR-7K"))
    sides.inbox.by_reference("default", "HR-7K3")
    sides.inbox.counts("default")
    sides.inbox.claim("default", "t1", actor())
    sides.inbox.resolve("default", "t1", Resolution(verdict=Verdict.APPROVE), actor())
    sides.inbox.counts_by_role("default")
    sides.app.resolution("default", "t1")
    sides.app.begin("default", "t1", now=NOW + 2 * MINUTE)
    sides.app.finish("default", "t1", Settlement.DONE, now=NOW + 2 * MINUTE)
    sides.app.recover(NOW + 3 * MINUTE)
    queries = [
        LedgerQuery(
            fact="f",
            kind=kind,
            tenant="default",
            tool="issue_refund",
            amount="refund.amount",
            per=per,
            key="k",
            since=NOW - timedelta(days=30),
        )
        for kind in ("sum", "count")
        for per in ("customer", "conversation", "tenant")
    ]
    sides.app.totals(queries)
    amounts = {"refund.amount": Money(amount=Decimal(5), currency="USD")}
    entry = LedgerEntry(id="l1", tenant="default", tool="issue_refund", at=NOW, customer="k", amounts=amounts)
    sides.app.reserve(entry, {})
    sides.app.settle("default", "l1", Settlement.DONE)
    passed = Decision(
        stage=Stage.ANSWER, effect=Effect.PASS, policy=PolicyRef(name="shop", version="1", sha256="ab" * 32)
    )
    sides.app.log(DecisionEntry(decision=passed, exchange="e1", tenant="default", at=NOW))
    sides.app.flush()
    words = SampleText(answer="It comes on Friday.")
    drawn = SampledAnswer(exchange="e1", tenant="default", roles=("finance_lead",), masked=words, plain=words)
    samples.keep(sides.app, drawn, at=NOW)
    samples.waiting(sides.inbox, "default")
    samples.waiting(sides.inbox, "default", judged=True)
    sides.desk.sweep(NOW + 5 * MINUTE, limit=100)
    sides.desk.take_messages(NOW + 5 * MINUTE, limit=100)


# What is ranked are open tickets, of which unique indexes allow one for each rank; what is sorted after it
# was found by its reference is what somebody began to type.
def test_no_everyday_statement_reads_or_sorts_a_whole_table(tmp_path: Path, asked: list[str]) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    # What makes the tables may read everything.
    sides.app.counts("default")
    asked.clear()
    everyday(sides)
    sides.close()
    asked_of = {one for one in asked if re.match(r"\s*(SELECT|UPDATE|DELETE|INSERT)", one)}
    reading = sorted(one for one in asked_of if not any(name in one for name in ELSEWHERE))
    assert len(reading) > 20
    bad = []
    with sqlite3.connect(tmp_path / "store.db") as db:
        for statement in reading:
            for *_, step in db.execute(f"EXPLAIN QUERY PLAN {statement}"):
                table = re.match(r"SCAN (\w+)", step)
                is_short = "AS rank" in statement or "reference BETWEEN" in statement
                sorts = "TEMP B-TREE FOR ORDER BY" in step and not is_short
                if (table and table[1] in GROWING) or sorts:
                    bad.append(f"{step}: {statement[-260:]}")
    assert bad == [], "\n".join(bad)


@pytest.fixture
def sent() -> Iterator[list[tuple[Any, str, Any]]]:
    """Every statement that reaches PostgreSQL meanwhile: its connection, its text and its values."""
    seen: list[tuple[Any, str, Any]] = []

    def traced(conn: Any, _: object, statement: str, values: Any, *__: object) -> None:
        seen.append((conn.connection.driver_connection, statement, values))

    event.listen(Engine, "before_cursor_execute", traced)
    yield seen
    event.remove(Engine, "before_cursor_execute", traced)


def scans(plan: Any) -> Iterator[Any]:
    """Every step of a plan that reads a table, whatever it is part of."""
    if "Relation Name" in plan and "Scan" in plan["Node Type"]:
        yield plan
    for part in plan.get("Plans", ()):
        yield from scans(part)


def reads_all(step: Any, partial: set[str]) -> bool:
    """Whether a step reads a growing table without a condition on an index, or an index of few rows."""
    if step["Relation Name"] not in GROWING or step.get("Index Name") in partial:
        return False
    return "Index Cond" not in step and "Recheck Cond" not in step


@pytest.mark.xdist_group("postgres")
def test_no_everyday_statement_reads_a_whole_table_of_postgres(sent: list[tuple[Any, str, Any]]) -> None:
    sides = postgres_sides()
    sides.app.counts("default")
    sent.clear()
    everyday(sides)
    plans: dict[str, Any] = {}
    partial: set[str] = set()
    explain = "EXPLAIN (FORMAT JSON"
    for driver in {driver for driver, _, _ in sent}:
        with driver.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("SELECT set_config('handrail.tenant', 'default', false)")
            cursor.execute("SELECT indexname FROM pg_indexes WHERE position(' WHERE ' IN indexdef) > 0")
            partial = {name for (name,) in cursor.fetchall()}
            cursor.execute("SELECT statement FROM pg_prepared_statements")
            messages = [text for (text,) in cursor.fetchall()]
            made = {part for text in messages for part in re.split("; (?=PREPARE handrail_)", text)}
            kept = [part.partition(" AS ")[2] for part in made]
            for text in kept:
                is_kept = re.match(r"SELECT|UPDATE|DELETE|INSERT|\(SELECT", text) and "VALUES" not in text
                if is_kept or text.startswith("WITH part0"):
                    plans[text] = cursor.execute(f"{explain}, GENERIC_PLAN) {text}").fetchone()
            for _, text, values in (one for one in sent if one[0] is driver):
                if re.match(r"SELECT|UPDATE|DELETE", text.strip()):
                    plans[text] = cursor.execute(f"{explain}) {text}", values, prepare=False).fetchone()
            cursor.execute("SELECT set_config('handrail.tenant', '', false)")
    sides.close()
    assert len(plans) > 20
    bad = [
        f"{step['Node Type']} of {step['Relation Name']}: {text[-260:]}"
        for text, (plan,) in plans.items()
        for step in scans(plan[0]["Plan"])
        if reads_all(step, partial)
    ]
    assert bad == [], "\n".join(bad)


def test_pages_hold_every_ticket_once_those_without_a_deadline_last(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    for number in range(9):
        sides.app.open(new_ticket(f"t{number}", now=NOW + number // 2 * MINUTE))
    with sqlite3.connect(tmp_path / "store.db") as db:
        db.execute("UPDATE tickets SET decide_by = NULL WHERE id IN ('t0', 't4', 't8')")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = sides.inbox.list("default", Filter(limit=2, cursor=cursor))
        assert len(page.rows) <= 2
        seen += [row.id for row in page.rows]
        if (cursor := page.cursor) is None:
            break
    sides.close()
    assert seen == ["t1", "t2", "t3", "t5", "t6", "t7", "t0", "t4", "t8"]
