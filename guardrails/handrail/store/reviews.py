"""The side of a store that a period's review is made from, and where each week is taken by one desk.

A week is taken by a row of the outbox that waits until the review is written: two desks cannot have it, the
lease of one that ends in the middle runs out, and once it is done the same row tells the owner's role.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, update

from handrail.ids import new_id
from handrail.records import Severity
from handrail.store.audit.chain import Event
from handrail.store.outbox import DELIVERED, PENDING
from handrail.store.people import PeopleStore
from handrail.store.tables import audit, insert_into, micros, moment, outbox, tickets
from handrail.store.tickets.actor import Actor
from handrail.store.transaction import Transaction

REVIEW: Final = "review"
PREFIX: Final = "review-"
DECLINED: Final = "review.decline"
ACCEPTED: Final = "review.accept"
TAKEN_BACK: Final = "review.rollback"
_TAKEN = "taken"


class ReviewStore(PeopleStore):
    """Reads a tenant's log, and keeps which weeks were reviewed."""

    def entries(self, tenant: str, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
        """Yield one tenant's entries of the audit log of a period, as an export has them."""
        self.flush()
        query = (
            select(audit)
            .where(audit.c.tenant == tenant, audit.c.at >= micros(since), audit.c.at < micros(until))
            .order_by(audit.c.writer, audit.c.seq)
        )
        with self.read(tenant) as tx:
            for row in tx.conn.execute(query):
                found = dict(row._mapping)
                yield {**found, "at": moment(found["at"]).isoformat(), "data": json.loads(found["data"])}

    def decline_proposal(self, tenant: str, proposal: str, by: Actor) -> None:
        """Put on record that somebody does not want a proposal of a review."""
        self._note_of(tenant, DECLINED, by, {"proposal": proposal})

    def accept_proposal(self, tenant: str, proposal: str, by: Actor, *, result: str, effective: date) -> None:
        """Put on record that somebody accepts a proposal of a review.

        Args:
            tenant: in whose log.
            proposal: its id.
            by: who.
            result: SHA-256 of the policy's text after the change.
            effective: the day from which it counts.
        """
        data = {"proposal": proposal, "result": result, "from": effective.isoformat()}
        self._note_of(tenant, ACCEPTED, by, data)

    def roll_back_proposal(self, tenant: str, proposal: str, by: Actor) -> None:
        """Put on record that somebody takes an accepted proposal back."""
        self._note_of(tenant, TAKEN_BACK, by, {"proposal": proposal})

    def _note_of(self, tenant: str, kind: str, by: Actor, data: Mapping[str, Any]) -> None:
        event = Event(tenant=tenant, kind=kind, at=by.now, actor=by.person, data=data)
        self._written(tenant, lambda tx: tx.events.append(event))

    def declined_proposals(self, tenant: str) -> frozenset[str]:
        """Return the ids of proposals that somebody did not want."""
        query = select(audit.c.data).where(audit.c.tenant == tenant, audit.c.kind == DECLINED)
        with self.read(tenant) as tx:
            return frozenset(json.loads(data)["proposal"] for data in tx.conn.execute(query).scalars())

    def tenants_between(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Return the tenants of whom a ticket was opened in a period; on PostgreSQL that is for the desk."""
        query = select(tickets.c.tenant).distinct()
        query = query.where(tickets.c.created_at >= micros(since), tickets.c.created_at < micros(until))
        with self._database.read() as conn:
            return tuple(sorted(conn.execute(query).scalars()))

    def take_review(self, tenant: str, week: str, *, role: str, now: datetime, lease: timedelta) -> bool:
        """Take a week to review it for the length of a lease; False where it is done, or another has it."""
        return self._written(tenant, lambda tx: _take(tx, week, role=role, now=now, lease=lease))

    def finish_review(self, tenant: str, week: str, *, tickets: int, proposals: int, now: datetime) -> None:
        """Put on record that a week was reviewed, and tell the role for which it was taken.

        Of the weeks that a tenant's first run makes good, the latest alone is told.
        """
        self._written(tenant, lambda tx: _finish(tx, week, (tickets, proposals), now))


def _take(tx: Transaction, week: str, *, role: str, now: datetime, lease: timedelta) -> bool:
    values = {
        "id": new_id(),
        "tenant": tx.tenant,
        "ticket": f"{PREFIX}{week}",
        "version": 1,
        "kind": REVIEW,
        "role": role,
        "severity": Severity.LOW.rank,
        "trigger": "",
        "decide_by": None,
        "at": micros(now),
        "state": _TAKEN,
        "available_at": micros(now + lease),
        "attempts": 0,
        "error": "",
    }
    insert = insert_into(outbox, tx.conn.dialect.name).values(**values)
    if tx.conn.execute(insert.on_conflict_do_nothing().returning(outbox.c.id)).first() is not None:
        return True
    run_out = (
        update(outbox)
        .where(*_of(tx, week), outbox.c.state == _TAKEN, outbox.c.available_at <= micros(now))
        .values(available_at=micros(now + lease))
    )
    return tx.conn.execute(run_out).rowcount == 1


def _finish(tx: Transaction, week: str, counts: tuple[int, int], now: datetime) -> None:
    # It may be delivered from now on, by whichever desk; a desk whose lease ran out changes nothing.
    state = DELIVERED if _is_from_before_the_first(tx, week) else PENDING
    done = update(outbox).where(*_of(tx, week), outbox.c.state == _TAKEN)
    if tx.conn.execute(done.values(state=state, available_at=micros(now))).rowcount != 1:
        return
    data = {"week": week, "tickets": counts[0], "proposals": counts[1]}
    tx.events.append(Event(tenant=tx.tenant, kind="review.done", at=now, actor="desk", role="", data=data))


def _is_from_before_the_first(tx: Transaction, week: str) -> bool:
    """Tell whether a week is older than the latest of a tenant's first run: nobody is told of it.

    The latest week is taken first. Names of weeks sort as the weeks do.
    """
    query = select(func.max(outbox.c.ticket), func.min(outbox.c.ticket)).where(
        outbox.c.tenant == tx.tenant, outbox.c.kind == REVIEW
    )
    latest, first = tx.conn.execute(query).one()
    return bool(first == f"{PREFIX}{week}" and latest > first)


def _of(tx: Transaction, week: str) -> tuple[Any, ...]:
    return (
        outbox.c.tenant == tx.tenant,
        outbox.c.ticket == f"{PREFIX}{week}",
        outbox.c.version == 1,
    )
