"""Open tickets of earlier versions of a policy: kept, judged again or moved, once for each version."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, select

from handrail.store.ledger import settle
from handrail.store.tables import tickets
from handrail.store.tickets.claim import resumed
from handrail.store.tickets.rows import Move, content, listed, load, move, names
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import WITH_PEOPLE, State, Verb
from handrail.tickets.policy_change import BLOCKED, MOVED, Change, Standing
from handrail.tickets.ports import Settlement
from handrail.tickets.ticket import Ticket

OnChange: TypeAlias = Callable[[Ticket, Standing], Change]
BY = "policy"


def of_earlier(conn: Connection, sha256: str) -> list[tuple[str, str]]:
    """Return (tenant, ticket) of the open tickets that were not asked about for this version."""
    query = select(tickets.c.tenant, tickets.c.id).where(
        tickets.c.is_open.is_(True), tickets.c.policy_sha256 != sha256
    )
    return [(row.tenant, row.id) for row in conn.execute(query)]


def open_roles(conn: Connection) -> frozenset[str]:
    """Return the roles that open tickets are with."""
    query = select(tickets.c.role).where(tickets.c.is_open.is_(True)).distinct()
    return frozenset(conn.execute(query).scalars())


def follow(
    tx: Transaction, ticket: str, judge: OnChange, *, name: str, sha256: str, now: datetime
) -> str | None:
    """Do with one ticket what `judge` says; returns what that was, None for a ticket of another policy."""
    row = load(tx, ticket)
    held = content(tx, row)
    is_due = State(row.state) in WITH_PEOPLE and row.policy_sha256 != sha256
    if held is None or held.policy.name != name or not is_due:
        return None
    change = judge(held, Standing(role=row.role, waiting_for=names(row.waiting_for)))
    data = {"policy": sha256, "effect": change.effect}
    if change.what == BLOCKED:
        settle(tx, ticket, Settlement.NO_EFFECT, now=now)
        free = {"claimed_by": None, "lease_until": None, "is_taken_over": False, "policy_sha256": sha256}
        data |= {"why": "the policy in force now forbids it"}
        move(tx, row, Move(verb=Verb.CANCEL, now=now, actor=BY, data=data, changes=free))
    elif change.what == MOVED:
        data |= {"to": change.waiting_for[0], "why": "another policy is in force"}
        changes = {**_moved(row, held, change, now), "policy_sha256": sha256}
        move(tx, row, Move(verb=Verb.REASSIGN, now=now, actor=BY, role=row.role, data=data, changes=changes))
    else:
        kept = Move(verb=Verb.REJUDGE, now=now, actor=BY, data=data, changes={"policy_sha256": sha256})
        move(tx, row, kept)
    return change.what


def _moved(row: Row[Any], held: Ticket, change: Change, now: datetime) -> dict[str, object]:
    first = change.waiting_for[0]
    changes: dict[str, object] = {
        "role": first,
        "slot": first,
        "waiting_for": listed(change.waiting_for),
        "claimed_by": None,
        "lease_until": None,
        "is_taken_over": False,
        **resumed(row, now),
    }
    if change.is_anew:
        # What was agreed to belongs to the round before, as after `reopen`.
        digest = held.action.digest if held.action else ""
        changes |= {"agreed": "[]", "round": row.round + 1, "digest": digest}
    return changes
