"""How much waits for people and for the desk: numbers by role, nothing of what they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from handrail.store.outbox import DEAD, PENDING
from handrail.store.tables import micros, outbox, tickets
from handrail.store.transaction import Transaction

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits in one tenant.

    Args:
        open_by_role: how many tickets are open.
        overdue_by_role: how many of these are past their due time.
        oldest_timer_s: for how many seconds the longest due timer has not been fired; 0 if none is due.
        oldest_notice_s: for how many seconds the oldest notice could have been sent; 0 if none waits.
        dead_letters: how many notices were given up.
    """

    open_by_role: Mapping[str, int]
    overdue_by_role: Mapping[str, int]
    oldest_timer_s: float
    oldest_notice_s: float
    dead_letters: int


def waiting(tx: Transaction, now: datetime) -> Waiting:
    """Return how much waits; reads open tickets and unsettled notices only."""
    moment, of_tenant = micros(now), tickets.c.tenant == tx.tenant
    overdue = func.sum(case((tickets.c.decide_by < moment, 1), else_=0))
    by_role = tx.conn.execute(
        select(tickets.c.role, func.count(), overdue)
        .where(of_tenant, tickets.c.is_open.is_(True), tickets.c.is_seeded.is_(None))
        .group_by(tickets.c.role)
    ).all()
    timer = tx.conn.execute(
        select(func.min(tickets.c.next_timer)).where(of_tenant, tickets.c.next_timer.is_not(None))
    ).scalar()
    notices = tx.conn.execute(
        select(outbox.c.state, func.count(), func.min(outbox.c.available_at))
        .where(outbox.c.tenant == tx.tenant, outbox.c.state.in_((PENDING, DEAD)))
        .group_by(outbox.c.state)
    ).all()
    found = {state: (count, since) for state, count, since in notices}
    return Waiting(
        open_by_role={role: int(count) for role, count, _ in by_role},
        overdue_by_role={role: int(late or 0) for role, _, late in by_role},
        oldest_timer_s=_late(timer, moment),
        oldest_notice_s=_late(found[PENDING][1] if PENDING in found else None, moment),
        dead_letters=int(found[DEAD][0]) if DEAD in found else 0,
    )


def _late(since: int | None, moment: int) -> float:
    return max(0.0, (moment - int(since)) / _SECOND) if since is not None else 0.0
