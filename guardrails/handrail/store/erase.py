"""Erases a data subject and what is older than its retention; both are on record, without what they held."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, select, tuple_, update

from handrail.store.audit.chain import DECISIONS, Event, floor_mac
from handrail.store.audit.standing import PRUNED, REMOVED
from handrail.store.ledger import forget_customer, settle
from handrail.store.tables import (
    attempts,
    audit,
    audit_heads,
    erasures,
    micros,
    outbox,
    resolutions,
    tickets,
    uses,
)
from handrail.store.tickets.own_answers import own_answers
from handrail.store.tickets.rows import Move, entry_of, load, move
from handrail.store.tickets.seeded import seeded_cases
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import UNDECIDED, State, Verb
from handrail.tickets.ports import Settlement


def erase(tx: Transaction, customer: str, *, by: str, now: datetime) -> int:
    """Erase a customer: shred their key, so that copies anywhere lose it too, and empty what lies here.

    Open tickets are cancelled; an approved action that has not begun is given up. Returns how many tickets
    were emptied.
    """
    subject = tx.ring.hashed(tx.tenant, "customer", customer)
    tx.sealer.shred(tx.conn, tx.tenant, subject)
    mine = (tickets.c.tenant == tx.tenant) & (tickets.c.subject == subject)
    found = list(tx.conn.execute(select(tickets.c.id).where(mine)).scalars())
    for name in found:
        row = load(tx, name)
        if State(row.state) in {*UNDECIDED, State.DECIDED}:
            settle(tx, entry_of(row), Settlement.NO_EFFECT, now=now)
            move(tx, row, Move(verb=Verb.CANCEL, now=now, actor=by, data={"why": "erased"}))
    theirs = select(tickets.c.id).where(mine)
    _empty(tx, tickets, mine, content=None, sealed=None)
    said = (resolutions.c.tenant == tx.tenant) & resolutions.c.ticket.in_(theirs)
    _empty(tx, resolutions, said, content=None)
    tried = (attempts.c.tenant == tx.tenant) & attempts.c.ticket.in_(theirs)
    tx.conn.execute(update(attempts).where(tried).values(content=None))
    own = (own_answers.c.tenant == tx.tenant) & own_answers.c.ticket.in_(theirs)
    tx.conn.execute(delete(own_answers).where(own))
    forget_customer(tx, customer)
    tx.conn.execute(erasures.insert().values(tenant=tx.tenant, subject=subject, at=micros(now)))
    data = {"subject": subject, "tickets": len(found)}
    tx.events.append(Event(tenant=tx.tenant, kind="subject.erase", at=now, actor=by, data=data))
    return len(found)


def _empty(tx: Transaction, table: Table, where: ColumnElement[bool], **nothing: None) -> None:
    """Empty columns of some rows, and write the rows' keyed hashes anew."""
    for row in tx.conn.execute(select(table).where(where)).all():
        values: dict[str, object] = dict(nothing)
        if row.mac is not None:
            values["mac"] = tx.mac(table.name, {**row._mapping, **nothing})
        this = (table.c.tenant == tx.tenant) & (table.c.id == row.id)
        tx.conn.execute(update(table).where(this).values(**values))


def prune_tickets(tx: Transaction, *, before: datetime, by: str, now: datetime, limit: int = 1000) -> int:
    """Remove tickets that were closed before a moment, with all that belongs to them; returns how many."""
    query = (
        select(tickets.c.id)
        .where(tickets.c.tenant == tx.tenant, tickets.c.is_open.is_(False))
        .where(tickets.c.closed_at < micros(before), tickets.c.next_timer.is_(None))
        .limit(limit)
    )
    found = list(tx.conn.execute(query).scalars())
    if not found:
        return 0
    for table in (attempts, resolutions, uses, outbox, own_answers, seeded_cases):
        tx.conn.execute(delete(table).where(table.c.tenant == tx.tenant, table.c.ticket.in_(found)))
    tx.conn.execute(delete(tickets).where(tickets.c.tenant == tx.tenant, tickets.c.id.in_(found)))
    tx.events.extend(Event(tenant=tx.tenant, kind=REMOVED, at=now, ticket=name, actor=by) for name in found)
    return len(found)


def prune_audit(
    tx: Transaction, *, before: datetime, by: str, now: datetime, decisions_only: bool = False
) -> int:
    """Remove the oldest entries of every chain, or of those that hold decisions alone.

    Each chain then starts at a recorded floor. Chains that an earlier version wrote hold both kinds, and are
    cut only with everything else.
    """
    prefix = DECISIONS if decisions_only else ""
    # The oldest entry to stay, in each chain, bounds what may go: chains have no gaps.
    stays = (
        select(audit.c.writer, func.min(audit.c.seq).label("seq"))
        .where(audit.c.at >= micros(before), audit.c.writer.startswith(prefix))
        .group_by(audit.c.writer)
    )
    tenants = tx.conn.execute(select(audit.c.tenant).distinct()).scalars().all()
    first: Mapping[str, int] = {row.writer: row.seq for row in tx.conn.execute(stays)}
    removed = 0
    for head in tx.conn.execute(select(audit_heads).where(audit_heads.c.writer.startswith(prefix))).all():
        last = first.get(head.writer, head.seq + 1) - 1
        if last > head.floor_seq:
            removed += _cut(tx, head.writer, last)
    data: dict[str, Any] = {"before": micros(before), "entries": removed}
    if decisions_only:
        data["kinds"] = "decisions"
    # Each tenant sees by an entry of its own from when on the log is whole.
    for tenant in sorted({tx.tenant, *tenants}):
        tx.events.append(Event(tenant=tenant, kind=PRUNED, at=now, actor=by, data=data))
    return removed


def _cut(tx: Transaction, writer: str, last: int) -> int:
    at_floor = select(audit.c.hash).where(tuple_(audit.c.writer, audit.c.seq) == tuple_(writer, last))
    floor = tx.conn.execute(at_floor).scalar_one()
    authentic = {} if tx.is_postgres else {"floor_mac": floor_mac(tx.ring, writer, last, floor)}
    tx.conn.execute(
        update(audit_heads)
        .where(audit_heads.c.writer == writer)
        .values(floor_seq=last, floor_hash=floor, **authentic)
    )
    done = tx.conn.execute(delete(audit).where(audit.c.writer == writer, audit.c.seq <= last))
    return int(done.rowcount)
