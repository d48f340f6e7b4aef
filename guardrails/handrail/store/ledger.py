"""The ledger: actions reserved, done, without effect or of unknown outcome; sums and counts over them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, literal_column, or_, select, update

from handrail.records import FactValue, Money
from handrail.store.audit.chain import Event
from handrail.store.ledger_totals import RESERVED, answered, asking
from handrail.store.prepared import Prepared, PreparedResult, Statements, run_together
from handrail.store.tables import insert_into, ledger, micros
from handrail.store.transaction import Transaction
from handrail.text.identity import identity
from handrail.tickets.ports import LedgerEntry, LedgerQuery, Settlement

AGAIN = ("amounts", "digest", "tool")
AUTHENTIC = ("at", "customer", "conversation", "ticket", "mac")
"""What reserving an action again writes anew; the second where the whole row is hashed with a key."""
_LOCK = Prepared(
    lambda _: select(
        func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), literal_column("0"))).label(
            "lock"
        )
    )
)


def totals(
    tx: Transaction, queries: Iterable[LedgerQuery], *, without: str = ""
) -> dict[LedgerQuery, FactValue]:
    """Answer queries from what is reserved, done or unknown; `without` leaves one entry out."""
    asked = tuple(queries)
    found = run_together(tx.conn, asking(tx, asked, without)) if asked else []
    return answered(tx, asked, without, found)


def reserve(tx: Transaction, entry: LedgerEntry, seen: Mapping[LedgerQuery, FactValue]) -> bool:
    """Reserve an action if nothing has moved since the totals in `seen` were read."""
    if seen:
        asked, locks = tuple(seen), _locks(tx, seen)
        # Each statement sees what was committed before it began, so the totals are read under the locks.
        found = run_together(tx.conn, [*locks, *asking(tx, asked, entry.id)])
        if answered(tx, asked, entry.id, found[len(locks) :]) != dict(seen):
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


def _locks(tx: Transaction, seen: Iterable[LedgerQuery]) -> Statements:
    """Let nobody else reserve against the same totals; SQLite's writers take turns anyway."""
    if not tx.is_postgres:
        return []
    names = {f"{tx.tenant}|{query.tool}|{query.per}|{key}" for query in seen for key in query.keys}
    return [(_LOCK, {"name": name}) for name in sorted(names)]


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
