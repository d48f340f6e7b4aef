"""The ledger: actions reserved, done, without effect or of unknown outcome; sums and counts over them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, literal_column, or_, select, text, update

from handrail.records import FactValue, Money, Unknown
from handrail.store.audit.chain import Event
from handrail.store.prepared import Prepared, PreparedResult, run_together
from handrail.store.tables import insert_into, ledger, micros
from handrail.store.transaction import Transaction
from handrail.text.identity import identity
from handrail.tickets.ports import LedgerEntry, LedgerQuery, Settlement

RESERVED = "reserved"
AGAIN = ("amounts", "digest", "tool")
AUTHENTIC = ("at", "customer", "conversation", "ticket", "mac")
"""What reserving an action again writes anew; the second where the whole row is hashed with a key."""
COUNTING = (RESERVED, Settlement.DONE.value, Settlement.UNKNOWN.value)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


def totals(
    tx: Transaction, queries: Iterable[LedgerQuery], *, without: str = ""
) -> dict[LedgerQuery, FactValue]:
    """Answer queries from what is reserved, done or unknown; `without` leaves one entry out."""
    asked = tuple(queries)
    if not asked:
        return {}
    wanted = [(query, key) for query in asked for key in query.keys]
    found = run_together(tx.conn, [_asking(tx, query, key, without) for query, key in wanted])
    rows: dict[LedgerQuery, list[PreparedResult]] = {query: [] for query in asked}
    for (query, _), result in zip(wanted, found, strict=True):
        rows[query].append(result)
    return {query: _total(query, results) for query, results in rows.items()}


def _asking(
    tx: Transaction, query: LedgerQuery, key: str, without: str
) -> tuple[Prepared, Mapping[str, Any]]:
    values = {
        "tenant": tx.tenant,
        "tool": query.tool,
        "since": micros(query.since),
        "without": without,
        "also_without": query.without,
    }
    if query.per != "tenant":
        values["key"] = tx.hashed(key)
    return _TOTALS[query.kind, query.per], values


def _total(query: LedgerQuery, results: Sequence[PreparedResult]) -> FactValue:
    if query.kind == "count":
        return Decimal(sum(rows.first().total for rows in results))
    return _sum(json.loads(row.amounts).get(query.amount) for rows in results for row in rows)


def _past(kind: str, per: str) -> Prepared:
    """Return the statement that counts or lists past actions by customer, by conversation or of a tenant."""
    what = func.count().label("total") if kind == "count" else ledger.c.amounts
    where = [
        ledger.c.tenant == bindparam("tenant"),
        ledger.c.tool == bindparam("tool"),
        or_(*(ledger.c.state == literal_column(f"'{state}'") for state in COUNTING)),
        ledger.c.at >= bindparam("since"),
        ledger.c.id != bindparam("without"),
        ledger.c.id != bindparam("also_without"),
    ]
    if per != "tenant":
        where.append(ledger.c[per] == bindparam("key"))
    return Prepared(lambda _: select(what).select_from(ledger).where(*where))


_TOTALS = {
    (kind, per): _past(kind, per)
    for kind in ("sum", "count")
    for per in ("customer", "conversation", "tenant")
}


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
    statement = insert_into(ledger, dialect)
    names = AGAIN + AUTHENTIC if dialect == "sqlite" else AGAIN
    again = {name: statement.excluded[name] for name in names}
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
    names = {f"{tx.tenant}|{query.tool}|{query.per}|{key}" for query in seen for key in query.keys}
    for name in sorted(names):
        tx.conn.execute(_LOCK, {"name": name})


def _values(tx: Transaction, entry: LedgerEntry) -> dict[str, Any]:
    amounts = {
        name: [str(value.amount), value.currency] if isinstance(value, Money) else [str(value), ""]
        for name, value in entry.amounts.items()
    }
    values = {
        "tenant": tx.tenant,
        "id": entry.id,
        "tool": entry.tool,
        "at": micros(entry.at),
        "customer": tx.hashed(identity(entry.customer) if entry.customer is not None else None),
        "conversation": tx.hashed(entry.conversation),
        "digest": entry.digest,
        "ticket": entry.ticket,
        "state": RESERVED,
        "amounts": json.dumps(amounts, sort_keys=True),
    }
    return {**values, "mac": _mac(tx, values)}


def _mac(tx: Transaction, values: Mapping[str, Any]) -> str | None:
    """Return the keyed hash of an entry; its state, which changes in place, is compared with the chain."""
    return tx.mac("ledger", {name: value for name, value in values.items() if name != "state"})


def forget_customer(tx: Transaction, customer: str) -> None:
    """Take a customer's name out of their entries; the entries keep counting for the tenant."""
    names = [tx.hashed(name) for name in {customer, identity(customer)}]
    whose = (ledger.c.tenant == tx.tenant) & ledger.c.customer.in_(names)
    for row in tx.conn.execute(select(ledger).where(whose)).all():
        nobody = {"customer": None, "conversation": None}
        values: dict[str, object] = dict(nobody)
        if row.mac is not None:
            values["mac"] = _mac(tx, {**row._mapping, **nobody})
        this = (ledger.c.tenant == tx.tenant) & (ledger.c.id == row.id)
        tx.conn.execute(update(ledger).where(this).values(**values))


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


def settled(
    tx: Transaction, entry: str, settlement: Settlement, done: PreparedResult, *, now: datetime
) -> None:
    """Put on record what the statement of `settling` changed, if anything."""
    if done.rowcount:
        data = {"entry": entry}
        tx.events.append(Event(tenant=tx.tenant, kind=f"ledger.{settlement.value}", at=now, data=data))


def by_fact(queries: Sequence[LedgerQuery], values: Mapping[LedgerQuery, FactValue]) -> dict[str, FactValue]:
    """Return totals by the name of their fact; pure."""
    return {query.fact: values[query] for query in queries}
