"""One ticket's row inside a transaction: read, moved by the life-cycle table, recorded and announced."""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, bindparam, select, update

from handrail.errors import StoreUnavailable, TicketNotFound
from handrail.ids import new_id
from handrail.store.audit.chain import Event
from handrail.store.crypto.authentic import authentic, mac_of, part_of
from handrail.store.crypto.sealing import Erased
from handrail.store.prepared import Prepared, PreparedResult, run_together
from handrail.store.tables import micros, tickets
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import UNDECIDED, State, Verb, advance
from handrail.tickets.ticket import Sealed, Ticket

LEASE = timedelta(minutes=30)
APPLY_LEASE = timedelta(minutes=5)


def _row(_: str) -> Select[Any]:
    wanted = (tickets.c.tenant == bindparam("tenant"), tickets.c.id == bindparam("ticket"))
    return select(tickets).where(*wanted)


_ROW = Prepared(_row)
_LOCKED = Prepared(lambda dialect: _row(dialect).with_for_update())


@functools.lru_cache(maxsize=256)
def _swap(changed: frozenset[str]) -> Prepared:
    """Return the compare-and-swap that changes some columns."""
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in sorted(changed)}
    wanted = (
        tickets.c.tenant == bindparam("at_tenant"),
        tickets.c.id == bindparam("at_id"),
        tickets.c.version == bindparam("at_version"),
    )
    return Prepared(lambda _: update(tickets).where(*wanted).values(**values))


def load(tx: Transaction, ticket: str, *, for_update: bool = True) -> Row[Any]:
    """Read a ticket's row, locked until the transaction ends.

    Raises:
        TicketNotFound: none of this id for this tenant.
        StoreUnavailable: it was altered.
    """
    query = _LOCKED if for_update and tx.is_postgres else _ROW
    return _only(tx, query(tx.conn, {"tenant": tx.tenant, "ticket": ticket}), ticket)


def load_with(
    tx: Transaction, ticket: str, *then: tuple[Prepared, Mapping[str, Any]]
) -> tuple[Row[Any], list[PreparedResult]]:
    """Read a ticket's row, locked, and run further statements after it on the same way.

    Raises:
        TicketNotFound: as `load`; what the further statements did is undone with the transaction.
    """
    query = _LOCKED if tx.is_postgres else _ROW
    found, *results = run_together(tx.conn, [(query, {"tenant": tx.tenant, "ticket": ticket}), *then])
    return _only(tx, found, ticket), results


def entry_of(row: Row[Any]) -> str:
    """Return the name under which the ledger holds a ticket's action, as its present round approves it.

    An entry that had no effect stays so; what people approve anew after that is spending of its own.
    """
    name: str = row.id if row.round == 1 else f"{row.id}-{row.round}"
    return name


def _only(tx: Transaction, found: PreparedResult, ticket: str) -> Row[Any]:
    row: Row[Any] | None = found.first()
    if row is None:
        raise TicketNotFound(ticket, "not found")
    authentic(tx.ring, "tickets", row._mapping)
    return row


def content(tx: Transaction, row: Row[Any]) -> Ticket | None:
    """Return a row's ticket with its texts masked, None if its subject was erased."""
    return content_of(tx, row._mapping)


def content_of(tx: Transaction, values: Mapping[Any, Any]) -> Ticket | None:
    """Return the ticket of a row's values with its texts masked, None if its subject was erased."""
    ticket = values["id"]
    if ticket not in tx.read:
        text = content_text(tx, values)
        if text is None:
            return None
        tx.read[ticket] = Ticket.model_validate_json(text)
    return tx.read[ticket]


def content_text(tx: Transaction, values: Mapping[Any, Any]) -> str | None:
    """Return the ticket of a row's values as the JSON that was stored, None if its subject was erased."""
    if values["content"] is None:
        return None
    part = part_of("content", is_authentic=values["mac"] is not None)
    try:
        return tx.opened(values["content"], values["id"], part)
    except Erased:
        return None


def sealed_part(tx: Transaction, row: Row[Any]) -> Sealed | None:
    """Return a row's unmasked texts, None if its subject was erased."""
    return sealed_values(tx, row._mapping)


def sealed_values(tx: Transaction, values: Mapping[Any, Any]) -> Sealed | None:
    """Return the unmasked texts of a row's values, None if its subject was erased."""
    if values["sealed"] is None:
        return None
    part = part_of("sealed", is_authentic=values["mac"] is not None)
    try:
        return Sealed.model_validate_json(tx.opened(values["sealed"], values["id"], part))
    except Erased:
        return None


def resolution_text(tx: Transaction, ticket: str, values: Mapping[Any, Any]) -> str:
    """Return what a person said in a resolution, as JSON, from its row's values.

    Raises:
        Erased: its subject was erased.
        StoreUnavailable: the resolution was altered.
    """
    authentic(tx.ring, "decisions", values)
    return tx.opened(
        values["content"], ticket, part_of(f"decision:{values['id']}", is_authentic=values["mac"] is not None)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One step of a ticket: the verb, who took it and what changes in its row.

    Of a step that is not announced, and of a seeded case, only the audit log tells.
    """

    verb: Verb
    now: datetime
    actor: str = ""
    role: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    changes: Mapping[str, object] = field(default_factory=dict)
    is_announced: bool = True


def move(tx: Transaction, row: Row[Any], step: Move) -> dict[str, Any]:
    """Move a ticket: compare-and-swap on its version, one event, one outbox row. Returns the new values.

    The row is locked since it was read (PostgreSQL), or the writer is alone (SQLite), so the swap succeeds.

    Raises:
        TicketError: the step does not fit its state.
    """
    state = advance(row.id, State(row.state), step.verb)
    values = dict(row._mapping) | dict(step.changes)
    values |= {
        "state": state.value,
        "is_open": state in UNDECIDED,
        "version": row.version + 1,
        "updated_at": micros(step.now),
    }
    values["next_timer"] = next_timer(values)
    if state not in UNDECIDED and row.is_open:
        values["closed_at"] = micros(step.now)
    if row.mac is not None:
        values["mac"] = mac_of(tx.ring, "tickets", values)
    changed = {name: value for name, value in values.items() if value != row._mapping[name]}
    new = {f"new_{name}": value for name, value in changed.items()}
    where = {"at_tenant": tx.tenant, "at_id": row.id, "at_version": row.version}
    tx.put(_swap(frozenset(changed)), new | where)
    record(tx, values, step)
    return values


def record(tx: Transaction, values: Mapping[str, Any], step: Move) -> None:
    """Put a step on record and into the outbox; both are written as the transaction's last statements."""
    if step.is_announced and not values["is_seeded"]:
        tx.letters.append(_letter(tx, values, step))
    tx.events.append(
        Event(
            tenant=tx.tenant,
            kind=f"ticket.{step.verb.value}",
            at=step.now,
            ticket=values["id"],
            version=values["version"],
            actor=step.actor,
            role=step.role,
            data={"state": values["state"], **step.data},
        )
    )


def _letter(tx: Transaction, values: Mapping[str, Any], step: Move) -> dict[str, Any]:
    return {
        "id": new_id(),
        "tenant": tx.tenant,
        "ticket": values["id"],
        "version": values["version"],
        "kind": step.verb.value,
        "role": values["role"],
        "severity": values["severity"],
        "trigger": values["trigger"],
        "decide_by": values["decide_by"],
        "at": micros(step.now),
        "state": "pending",
        "available_at": micros(step.now),
        "attempts": 0,
        "error": "",
    }


def next_timer(values: Mapping[str, Any]) -> int | None:
    """Return when the desk must look at a ticket again; pure."""
    state = State(values["state"])
    if state is State.WAITING_INFO:
        moments = [values["lease_until"]]
    elif state is State.CLAIMED:
        moments = [values["warn_at"], values["decide_by"], values["lease_until"]]
    elif state is State.READY:
        moments = [values["warn_at"], values["start_by"], values["decide_by"]]
    elif state in (State.RESOLVED, State.DECIDED, State.APPLYING):
        moments = [values["lease_until"]]
    else:
        moments = []
    return min((moment for moment in moments if moment is not None), default=None)


def names(text: str) -> tuple[str, ...]:
    """Read a list of names from its column."""
    return tuple(json.loads(text))


def listed(items: tuple[str, ...] | list[str]) -> str:
    """Write a list of names for its column."""
    return json.dumps(list(items))


class Agreement(NamedTuple):
    """One agreement: who, in which role, and the role it counts for (another one if escalated)."""

    role: str
    person: str
    slot: str


def agreements(text: str) -> tuple[Agreement, ...]:
    """Read agreements from their column."""
    return tuple(Agreement(*entry) for entry in json.loads(text))


def agreed_text(items: Iterable[Agreement]) -> str:
    """Write agreements for their column."""
    return json.dumps([list(item) for item in items])


def intact(tx: Transaction, row: Row[Any]) -> tuple[Ticket, Sealed]:
    """Return a ticket and its unmasked texts.

    Raises:
        StoreUnavailable: its data subject was erased, so nothing can be carried out any more.
    """
    ticket, sealed = content(tx, row), sealed_part(tx, row)
    if ticket is None or sealed is None:
        raise StoreUnavailable("ticket", why=f"the content of ticket {row.id} was erased")
    return ticket, sealed
