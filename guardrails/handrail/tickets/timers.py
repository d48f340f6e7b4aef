"""What a timer does to a ticket whose moment has come: warn, escalate, expire, take a lease back. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.tickets.lifecycle import State, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTicket:
    """A ticket that one of its timers points at; `chain` holds the roles that come after the owner."""

    id: str
    tenant: str
    state: State
    role: str
    chain: tuple[str, ...]
    level: int
    severity: int
    on_expiry: str
    created_at: datetime
    start_by: datetime | None
    warn_at: datetime | None
    decide_by: datetime | None
    lease_until: datetime | None
    answer_within: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerStep:
    """What happens to a due ticket; role and deadlines are for `escalate`. There is no way to approve."""

    verb: Verb
    role: str = ""
    start_by: datetime | None = None
    warn_at: datetime | None = None
    decide_by: datetime | None = None


ALLOWED = frozenset({Verb.WARN, Verb.ESCALATE, Verb.EXPIRE, Verb.LEASE_LAPSED, Verb.LAPSE, Verb.LOST})


def next_step(due: DueTicket, now: datetime) -> TimerStep | None:
    """Return what a due ticket needs now, None for nothing; pure.

    Each role of the chain gets the time that the first one had. At the end of the chain the ticket expires
    with its safe default.
    """
    if due.state is State.DECIDED:
        return TimerStep(verb=Verb.LAPSE) if _past(due.lease_until, now) else None
    if due.state is State.APPLYING:
        return TimerStep(verb=Verb.LOST) if _past(due.lease_until, now) else None
    if due.state is State.WAITING_INFO:
        return TimerStep(verb=Verb.LEASE_LAPSED) if _past(due.lease_until, now) else None
    if _past(due.decide_by, now):
        return _next_role(due, now) or TimerStep(verb=Verb.EXPIRE)
    if due.state is State.CLAIMED and _past(due.lease_until, now):
        return TimerStep(verb=Verb.LEASE_LAPSED)
    if _past(due.warn_at, now):
        return TimerStep(verb=Verb.WARN)
    if due.state is State.READY and _past(due.start_by, now):
        # The warning has gone out already; without a further role the time to decide goes on.
        return _next_role(due, now)
    return None


def _past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _next_role(due: DueTicket, now: datetime) -> TimerStep | None:
    if due.level >= len(due.chain):
        return None
    within = due.answer_within or timedelta(hours=1)
    return TimerStep(
        verb=Verb.ESCALATE,
        role=due.chain[due.level],
        start_by=now + within / 2,
        warn_at=now + within / 2,
        decide_by=now + within,
    )
