"""What comes in about a ticket once it is open, kept sealed: further triggers, questions, words."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from handrail.store.crypto.sealing import Erased
from handrail.store.tables import attempts, insert_into, micros, moment
from handrail.store.transaction import Transaction
from handrail.tickets.ports import Attempt


def add_attempt(tx: Transaction, row: Row[Any], attempt: Attempt, *, alias: str | None = None) -> bool:
    """Keep an attempt with its ticket, once for each exchange; returns False where it was kept before.

    `alias` is the id under which somebody may ask for it: a ticket that was spooled and then joined another.
    """
    body = {"text": attempt.text, "triggers": attempt.triggers, "rules": attempt.rules, "note": attempt.note}
    part = f"attempt:{attempt.exchange}"
    statement = (
        insert_into(attempts, tx.conn.dialect.name)
        .values(
            tenant=tx.tenant,
            ticket=row.id,
            exchange=attempt.exchange,
            alias=alias,
            at=micros(attempt.at),
            content=tx.sealed(row.subject, row.id, part, json.dumps(body)),
        )
        .on_conflict_do_nothing()
    )
    done = tx.conn.execute(statement, execution_options={"preserve_rowcount": True})
    return bool(done.rowcount)


def add_words(tx: Transaction, row: Row[Any], text: str, note: str, now: datetime, *, name: str = "") -> bool:
    """Keep what somebody said about a ticket, once for each `name`, by default for each step."""
    attempt = Attempt(exchange=name or f"{note}-{row.version}", at=now, text=text, note=note)
    return add_attempt(tx, row, attempt)


def attempts_of(tx: Transaction, ticket: str) -> tuple[Attempt, ...]:
    """Return what joined a ticket, oldest first."""
    query = (
        select(attempts)
        .where(attempts.c.tenant == tx.tenant, attempts.c.ticket == ticket)
        .order_by(attempts.c.at, attempts.c.exchange)
    )
    found = []
    for row in tx.conn.execute(query):
        try:
            body = json.loads(tx.opened(row.content, ticket, f"attempt:{row.exchange}"))
        except Erased:
            body = {"text": "", "triggers": (), "rules": (), "note": "erased"}
        found.append(
            Attempt(
                exchange=row.exchange,
                at=moment(row.at),
                text=body["text"],
                triggers=tuple(body["triggers"]),
                rules=tuple(body["rules"]),
                note=body["note"],
            )
        )
    return tuple(found)
