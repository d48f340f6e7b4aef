"""Lists of tickets by role, state and due time, a page at a time, without reading their content."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Label, bindparam, func, literal_column, select, tuple_

from handrail.errors import ConfigError
from handrail.store.crypto.authentic import authentic
from handrail.store.prepared import Prepared
from handrail.store.tables import micros, moment, moment_or_none, tickets
from handrail.store.tickets.rows import content_text
from handrail.store.transaction import Transaction
from handrail.tickets.headline import Proposed
from handrail.tickets.lifecycle import ENDED, State
from handrail.tickets.reference import reference_bounds
from handrail.tickets.resolution import Page, TicketRow

COLUMNS = (
    "id", "tenant", "state", "version", "role", "level", "severity", "trigger", "reason_code", "created_at",
    "decide_by", "claimed_by", "reference", "tool", "snoozed_until",
)  # fmt: skip
_STANDING = tuple(state for state in State if state not in ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which tickets; without a state the open ones, soonest due first, otherwise by when they were opened.

    `customer` is a name as the application uses it; it is compared as keyed hash. `reference` is how
    it begins. `is_free` True asks for those that nobody has claimed, `awake_at` for those not put off until
    later. `is_real` leaves seeded cases out, as every figure does.
    """

    role: str | None = None
    state: State | None = None
    roles: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    rule: str | None = None
    trigger: str | None = None
    tool: str | None = None
    reference: str | None = None
    customer: str | None = None
    awake_at: datetime | None = None
    claimed_by: str | None = None
    is_free: bool = False
    due_before: datetime | None = None
    is_real: bool = False
    limit: int = 50
    cursor: str | None = None

    @property
    def wanted_states(self) -> tuple[State, ...]:
        """The states that are asked for, none where the open ones are."""
        return self.states if self.state is None else (self.state,)


def page(tx: Transaction, wanted: Filter) -> Page:
    """Return one page of rows; a ticket without a deadline comes last.

    Those with a due time and those without are asked for one after the other, each in the order of an index,
    so that no page costs more than the first.
    """
    after = _parse(wanted.cursor) if wanted.cursor is not None else None
    due = tickets.c.created_at if wanted.wanted_states else tickets.c.decide_by
    found: list[Any] = []
    if after is None or after[0] is not None:
        known: ColumnElement[bool] = due.is_not(None)
        if after is not None:
            known = tuple_(due, tickets.c.id) > tuple_(*after)
        found = _rows(tx, wanted, due, [known], wanted.limit + 1)
        after = None
    if len(found) <= wanted.limit and not wanted.wanted_states:
        unknown: list[ColumnElement[bool]] = [due.is_(None)]
        if after is not None:
            unknown.append(tickets.c.id > after[1])
        found += _rows(tx, wanted, due, unknown, wanted.limit + 1 - len(found))
    shown = found[: wanted.limit]
    more = len(found) > wanted.limit and shown
    return Page(rows=tuple(row_of(row) for row in shown), cursor=_cursor(shown[-1]) if more else None)


def _rows(
    tx: Transaction, wanted: Filter, due: ColumnElement[int], part: list[ColumnElement[bool]], most: int
) -> list[Any]:
    where: list[ColumnElement[bool]] = [tickets.c.tenant == tx.tenant, *part]
    where += _conditions(tx, wanted)
    columns = [tickets.c[name] for name in COLUMNS]
    query = select(*columns, due.label("due")).where(*where).order_by(due, tickets.c.id).limit(most)
    return list(tx.conn.execute(query))


def _conditions(tx: Transaction, wanted: Filter) -> list[ColumnElement[bool]]:
    states = [state.value for state in wanted.wanted_states]
    where: list[ColumnElement[bool]] = [
        tickets.c.state.in_(states) if states else tickets.c.is_open.is_(True),
    ]
    if wanted.role is not None:
        where.append(tickets.c.role == wanted.role)
    if wanted.roles:
        where.append(tickets.c.role.in_(wanted.roles))
    if wanted.due_before is not None:
        where.append(tickets.c.decide_by <= micros(wanted.due_before))
    if wanted.customer is not None:
        subject = tx.ring.hashed(tx.tenant, "customer", wanted.customer)
        where.append(tickets.c.subject == subject)
    if wanted.is_real:
        where.append(tickets.c.is_seeded.is_(None))
    if wanted.is_free:
        where.append(tickets.c.claimed_by.is_(None))
    if wanted.awake_at is not None:
        asleep_until = tickets.c.snoozed_until
        where.append(asleep_until.is_(None) | (asleep_until <= micros(wanted.awake_at)))
    if wanted.reference is not None:
        where.append(_begins_so(wanted.reference))
    exact = {
        "tool": wanted.tool,
        "reason_code": wanted.rule,
        "trigger": wanted.trigger,
        "claimed_by": wanted.claimed_by,
    }
    where += [tickets.c[name] == value for name, value in exact.items() if value is not None]
    return where


def _begins_so(prefix: str) -> ColumnElement[bool]:
    # Only a range is looked up in an index, whatever the language that the database sorts by.
    is_between = tickets.c.reference.between(*reference_bounds(prefix))
    return is_between & tickets.c.reference.startswith(prefix, autoescape=True)


def by_reference(tx: Transaction, prefix: str, *, limit: int = 6) -> tuple[TicketRow, ...]:
    """Return some of the tickets whose reference begins so."""
    query = (
        select(*(tickets.c[name] for name in COLUMNS))
        .where(tickets.c.tenant == tx.tenant, _begins_so(prefix))
        .order_by(tickets.c.reference)
        .limit(limit)
    )
    return tuple(row_of(row) for row in tx.conn.execute(query))


def proposed(tx: Transaction, ids: Sequence[str]) -> dict[str, Proposed]:
    """Return what some tickets propose, masked, without those that were erased.

    Raises:
        StoreUnavailable: a row was altered.
    """
    query = select(tickets).where(tickets.c.tenant == tx.tenant, tickets.c.id.in_(ids))
    found: dict[str, Proposed] = {}
    for row in tx.conn.execute(query).mappings():
        authentic(tx.ring, "tickets", row)
        text = content_text(tx, row)
        if text is not None:
            found[row["id"]] = Proposed.model_validate_json(text)
    return found


def row_of(row: Any) -> TicketRow:
    """Return a list line of a row."""
    return TicketRow(
        id=row.id,
        tenant=row.tenant,
        state=State(row.state),
        version=row.version,
        role=row.role,
        level=row.level,
        severity=row.severity,
        trigger=row.trigger,
        reason_code=row.reason_code,
        created_at=moment(row.created_at),
        decide_by=moment_or_none(row.decide_by),
        claimed_by=row.claimed_by,
        reference=row.reference or "",
        tool=row.tool or "",
        snoozed_until=moment_or_none(row.snoozed_until),
    )


def counts(tx: Transaction) -> dict[State, int]:
    """Return how many tickets are in each state that any is in."""
    found = _COUNTS(tx.conn, {"tenant": tx.tenant}).first()
    return {state: count for state in State if (count := found._mapping[state.value])}


def _count(state: State) -> Label[int]:
    # Counting a range of an index costs two thirds of what grouping it does.
    is_in = (tickets.c.tenant == bindparam("tenant"), tickets.c.state == literal_column(f"'{state.value}'"))
    return select(func.count()).select_from(tickets).where(*is_in).scalar_subquery().label(state.value)


_COUNTS = Prepared(lambda _: select(*map(_count, State)))


def counts_by_role(tx: Transaction) -> dict[str, dict[State, int]]:
    """Return for each role how many tickets are in each state, of those that have not ended."""
    query = (
        select(tickets.c.role, tickets.c.state, func.count())
        .where(tickets.c.tenant == tx.tenant, tickets.c.state.in_(_STANDING))
        .group_by(tickets.c.role, tickets.c.state)
    )
    found: dict[str, dict[State, int]] = {}
    for role, state, count in tx.conn.execute(query):
        found.setdefault(role, {})[State(state)] = count
    return found


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.due, row.id]).encode()).decode()


def _parse(cursor: str) -> tuple[int | None, str]:
    try:
        due, last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return (None if due is None else int(due)), str(last)
    except (ValueError, TypeError):
        raise ConfigError("the cursor cannot be read") from None
