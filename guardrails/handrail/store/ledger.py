"""The ledger: actions reserved, done, released or of unknown outcome, and sums and counts over them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, literal_column, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from handrail.records import FactValue, Money, Unknown
from handrail.store.audit.chain import Event
from handrail.store.prepared import Prepared, Result
from handrail.store.tables import ledger, micros
from handrail.store.tickets.rows import Transaction
from handrail.tickets.ports import LedgerEntry, LedgerQuery, Settlement

RESERVED = "reserved"
COUNTING = (RESERVED, Settlement.DONE.value, Settlement.UNKNOWN.value)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


def totals(
    tx: Transaction, queries: Iterable[LedgerQuery], *, without: str = ""
) -> dict[LedgerQuery, FactValue]:
    """Answer queries from what is reserved, done or unknown; `without` leaves one entry out."""
    return {query: _total(tx, query, without) for query in queries}


def _total(tx: Transaction, query: LedgerQuery, without: str) -> FactValue:
    where = [
        ledger.c.tenant == tx.tenant,
        ledger.c.tool == query.tool,
        ledger.c.state.in_(COUNTING),
        ledger.c.at >= micros(query.since),
        ledger.c.id.not_in((without, query.without)),
    ]
    if query.per != "tenant":
        where.append(_key_column(query) == tx.hashed(query.key))
    if query.kind == "count":
        return Decimal(tx.conn.execute(select(func.count()).where(*where)).scalar_one())
    rows = tx.conn.execute(select(ledger.c.amounts).where(*where)).scalars()
    return _sum(json.loads(amounts).get(query.amount) for amounts in rows)


def _key_column(query: LedgerQuery) -> ColumnElement[str]:
    return ledger.c.customer if query.per == "customer" else ledger.c.conversation


def _sum(amounts: Iterable[Any]) -> FactValue:
    """Add amounts up; unknown where one is missing or two currencies meet."""
    total, currencies = Decimal(0), set()
    for amount in amounts:
        if amount is None:
            return Unknown(why="a past action has no such amount")
        total += Decimal(amount[0])
        currencies.add(amount[1])
    if len(currencies) > 1:
        return Unknown(why="several currencies")
    currency = currencies.pop() if currencies else ""
    return Money(amount=total, currency=currency) if currency else total


def reserve(tx: Transaction, entry: LedgerEntry, seen: Mapping[LedgerQuery, FactValue]) -> bool:
    """Reserve an action if nothing has moved since the totals in `seen` were read."""
    _lock(tx, seen)
    if totals(tx, seen, without=entry.id) != dict(seen):
        return False
    tx.put(_RESERVE, _values(tx, entry))
    tx.events.append(_event(tx, entry, "ledger.reserve"))
    return True


def _insert(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(ledger)
    again = {name: statement.excluded[name] for name in ("amounts", "digest", "tool")}
    is_reserved = ledger.c.state == literal_column(f"'{RESERVED}'")
    return statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=again, where=is_reserved)


_RESERVE = Prepared(_insert)
_SETTLE = Prepared(
    lambda _: (
        update(ledger)
        .where(
            ledger.c.tenant == bindparam("at_tenant"),
            ledger.c.id == bindparam("at_id"),
            or_(ledger.c.state == bindparam("first"), ledger.c.state == bindparam("second")),
            ledger.c.state != bindparam("new_state"),
        )
        .values(state=bindparam("new_state"))
    )
)


def _lock(tx: Transaction, seen: Iterable[LedgerQuery]) -> None:
    """Let nobody else reserve against the same totals; SQLite's writers take turns anyway."""
    if not tx.is_postgres:
        return
    names = {f"{tx.tenant}|{query.tool}|{query.per}|{query.key}" for query in seen}
    for name in sorted(names):
        tx.conn.execute(_LOCK, {"name": name})


def _values(tx: Transaction, entry: LedgerEntry) -> dict[str, Any]:
    amounts = {
        name: [str(value.amount), value.currency] if isinstance(value, Money) else [str(value), ""]
        for name, value in entry.amounts.items()
    }
    return {
        "tenant": tx.tenant,
        "id": entry.id,
        "tool": entry.tool,
        "at": micros(entry.at),
        "customer": tx.hashed(entry.customer),
        "conversation": tx.hashed(entry.conversation),
        "digest": entry.digest,
        "ticket": entry.ticket,
        "state": RESERVED,
        "amounts": json.dumps(amounts, sort_keys=True),
    }


def _event(tx: Transaction, entry: LedgerEntry, kind: str) -> Event:
    data = {"entry": entry.id, "tool": entry.tool, "digest": entry.digest}
    return Event(tenant=tx.tenant, kind=kind, at=entry.at, ticket=entry.ticket or "", data=data)


def settle(tx: Transaction, entry: str, settlement: Settlement, *, now: datetime) -> None:
    """Say how a reserved action ended; saying it again changes nothing, and `done` is never taken back."""
    prepared, values = settling(tx, entry, settlement)
    settled(tx, entry, settlement, prepared(tx.conn, values), now=now)


def settling(tx: Transaction, entry: str, settlement: Settlement) -> tuple[Prepared, Mapping[str, Any]]:
    """Return the statement of `settle`, to be sent with others; its result goes to `settled`."""
    values = {
        "at_tenant": tx.tenant,
        "at_id": entry,
        "first": RESERVED,
        "second": Settlement.UNKNOWN.value,
        "new_state": settlement.value,
    }
    return _SETTLE, values


def settled(tx: Transaction, entry: str, settlement: Settlement, done: Result, *, now: datetime) -> None:
    """Put on record what the statement of `settling` changed, if anything."""
    if done.rowcount:
        data = {"entry": entry}
        tx.events.append(Event(tenant=tx.tenant, kind=f"ledger.{settlement.value}", at=now, data=data))


def by_fact(queries: Sequence[LedgerQuery], values: Mapping[LedgerQuery, FactValue]) -> dict[str, FactValue]:
    """Return totals by the name of their fact; pure."""
    return {query.fact: values[query] for query in queries}
