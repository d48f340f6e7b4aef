"""Steps that a program asked for under a key of its own, with their answers: the same key is the same step.

A key is taken before its step runs, so that two processes which get it at once run the step once. An answer
holds ids, states and codes; what shows content or a secret is not kept here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    delete,
    select,
    update,
)

from handrail.store.tables import insert_into, metadata, micros
from handrail.store.transaction import Transaction

KEPT_FOR = timedelta(days=1)
kept_answers = Table(
    "kept_answers",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("person", String(128), nullable=False),
    Column("key", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("answer", Text),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "person", "key"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """A step under its key: a digest of what was asked for, and the answer, None while there is none."""

    digest: str
    answer: str | None


def take(tx: Transaction, person: str, key: str, digest: str, now: datetime) -> KeptAnswer | None:
    """Take a key for a step; returns what it was taken for before, None where it is new."""
    old = (kept_answers.c.tenant == tx.tenant) & (kept_answers.c.at < micros(now - KEPT_FOR))
    tx.conn.execute(delete(kept_answers).where(old, kept_answers.c.person == person))
    values = {
        "tenant": tx.tenant,
        "person": person,
        "key": key,
        "digest": digest,
        "answer": None,
        "at": micros(now),
    }
    statement = insert_into(kept_answers, tx.conn.dialect.name).values(**values)
    done = tx.conn.execute(statement.on_conflict_do_nothing(), execution_options={"preserve_rowcount": True})
    if done.rowcount:
        return None
    row = tx.conn.execute(select(kept_answers).where(*_mine(tx, person, key))).one()
    return KeptAnswer(digest=row.digest, answer=row.answer)


def keep(tx: Transaction, person: str, key: str, answer: str) -> None:
    """Keep the answer to the step of a key."""
    tx.conn.execute(update(kept_answers).where(*_mine(tx, person, key)).values(answer=answer))


def give_back(tx: Transaction, person: str, key: str) -> None:
    """Free a key whose step was refused: nothing was done, so it may be sent again."""
    tx.conn.execute(delete(kept_answers).where(*_mine(tx, person, key), kept_answers.c.answer.is_(None)))


def _mine(tx: Transaction, person: str, key: str) -> tuple[ColumnElement[bool], ...]:
    return (kept_answers.c.tenant == tx.tenant, kept_answers.c.person == person, kept_answers.c.key == key)
