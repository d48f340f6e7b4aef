"""Opens tickets, once each, and lets further attempts join the open one."""

from typing import Any

from sqlalchemy import CompoundSelect, Row, bindparam, func, literal_column, or_, select, union_all

from handrail.errors import CheckFailed, TicketNotFound
from handrail.store.audit.chain import Event
from handrail.store.crypto.sealing import DataKey, ticket_subject
from handrail.store.prepared import Prepared, PreparedResult, run_together
from handrail.store.tables import (
    attempts,
    micros,
    micros_or_none,
    moment_or_none,
    tickets,
)
from handrail.store.tickets.attempts import add_attempt
from handrail.store.tickets.rows import Move, content, listed, load, next_timer, record
from handrail.store.transaction import Transaction
from handrail.tickets.action import action_digest
from handrail.tickets.lifecycle import State, Verb, advance
from handrail.tickets.ports import Attempt, TicketReceipt
from handrail.tickets.reference import reference_of
from handrail.tickets.ticket import Sealed, Ticket

LONGEST_TOOL = 128


def open_ticket(tx: Transaction, ticket: Ticket, *, attempt: int = 0) -> TicketReceipt:
    """Insert a ticket, or join the open one of its conversation or with its dedupe key.

    What joined a ticket before belongs to that one, decided or not: an exchange opens no second. `attempt`
    counts up while another ticket has its reference.

    Raises:
        UniqueViolation: another process opened it at the same moment; run again, it will join.
    """
    subject = ticket_subject(tx.ring, ticket)
    there, key = _there(tx, ticket, subject)
    if there is not None:
        if there.id == ticket.id:
            return _opened(there, joined=False)
        if there.is_open:
            join(tx, there, attempt_of(ticket), alias=ticket.id)
        return _opened(there, joined=True)
    if key is None:
        key = _key_of(tx, subject)
    reference = reference_of(tx.tenant, ticket.id, attempt)
    if attempt:
        ticket = _told_with(ticket, tx.tenant, reference)
    values = row_values(tx, ticket, subject, key, reference=reference)
    tx.put(_INSERT, values)
    record(tx, values, Move(verb=Verb.OPEN, now=ticket.created_at, role=ticket.role, data=_facts(ticket)))
    return TicketReceipt(
        ticket=ticket.id, role=ticket.role, due=ticket.decide_by, joined=False, reference=reference
    )


def _told_with(ticket: Ticket, tenant: str, reference: str) -> Ticket:
    """Return a ticket whose customer is told this reference; the one it was composed with is another's."""
    text = ticket.promise.text.replace(reference_of(tenant, ticket.id), reference)
    return ticket.model_copy(update={"promise": ticket.promise.model_copy(update={"text": text})})


def _same(_: str) -> CompoundSelect[Any]:
    """The row of this id, that which this joined, else an open one: of this dedupe key, this conversation.

    Last come those of the same conversation, or of the same customer outside of conversations, that are
    approved and not carried out to the end yet: whether one of them is of this action is seen in its content.
    """
    mine, open_ = tickets.c.tenant == bindparam("tenant"), tickets.c.is_open.is_(True)
    approved = or_(*(tickets.c.state == literal_column(f"'{state}'") for state in APPROVED))
    of_this = (attempts.c.tenant == bindparam("tenant")) & (attempts.c.alias == bindparam("ticket"))
    # An index over all tickets of a customer would be read from end to end; few are approved at a time.
    of_customer = func.coalesce(tickets.c.subject, literal_column("''")) == bindparam("customer")
    same = (
        tickets.c.id == bindparam("ticket"),
        tickets.c.id.in_(select(attempts.c.ticket).where(of_this)),
        open_ & (tickets.c.dedupe_key == bindparam("dedupe_key")),
        open_ & (tickets.c.conversation == bindparam("conversation")),
        approved & (tickets.c.conversation == bindparam("conversation")),
        approved & tickets.c.conversation.is_(None) & of_customer,
    )
    parts = (
        select(literal_column(str(rank)).label("rank"), tickets).where(mine, part)
        for rank, part in enumerate(same)
    )
    return union_all(*parts).order_by("rank")


_THERE = Prepared(_same)
_INSERT = Prepared(lambda _: tickets.insert())
APPROVED = (State.DECIDED, State.APPLYING)
FIRST_APPROVED = 4
"""Rank of the first rows that belong together only if they are of one action."""


def _there(tx: Transaction, ticket: Ticket, subject: str) -> tuple[Row[Any] | None, DataKey | None]:
    """Return the row this ticket is, or the open one it belongs to; and the key, if it came along."""
    wanted = {
        "tenant": tx.tenant,
        "ticket": ticket.id,
        "dedupe_key": ticket.dedupe_key,
        "conversation": _conversation(tx, ticket),
        "customer": subject if _is_of_customer_alone(ticket) else "",
    }
    if tx.sealer.apart is not None:
        return _belongs(tx, ticket, _THERE(tx.conn, wanted)), None
    there, known = run_together(tx.conn, [(_THERE, wanted), tx.sealer.asking(tx.tenant, subject)])
    row = known.first()
    return _belongs(tx, ticket, there), tx.sealer.key_of_row(row) if row is not None else None


def _is_of_customer_alone(ticket: Ticket) -> bool:
    sealed = ticket.sealed or Sealed()
    return sealed.customer is not None and sealed.conversation is None


def _belongs(tx: Transaction, ticket: Ticket, found: PreparedResult) -> Row[Any] | None:
    """Return the row that a ticket belongs to: of those that are approved, one of the same action."""
    return next((row for row in found if row.rank < FIRST_APPROVED or _is_of_action(tx, row, ticket)), None)


def _is_of_action(tx: Transaction, row: Row[Any], ticket: Ticket) -> bool:
    """Tell whether an approved ticket is of this action: as it was proposed, or as a person left it."""
    held = content(tx, row)
    if ticket.action is None or ticket.sealed is None or held is None or held.action is None:
        return False
    try:
        digest = action_digest(
            ticket.action.tool,
            ticket.sealed.arguments,
            policy_sha256=held.policy.sha256,
            tenant=held.tenant,
        )
    except CheckFailed:
        return False
    return digest in (row.digest, held.action.digest)


def _key_of(tx: Transaction, subject: str) -> DataKey:
    """Return the key of a data subject; where keys lie beside tickets, a new one is written with it."""
    if tx.sealer.apart is not None:
        return tx.sealer.key_for(tx.conn, tx.tenant, subject)
    key, keeping = tx.sealer.fresh(tx.tenant, subject)
    tx.put(*keeping)
    return key


def _conversation(tx: Transaction, ticket: Ticket) -> str | None:
    return tx.hashed(ticket.sealed.conversation) if ticket.sealed else None


def row_values(tx: Transaction, ticket: Ticket, subject: str, key: DataKey, **more: Any) -> dict[str, Any]:
    """Return the row of a ticket that is opened, with its content sealed by this key; `more` are columns."""
    sealed = ticket.sealed or Sealed()
    hashes = [tx.ring.hashed(tx.tenant, "value", value) if value else "" for value in sealed.values]
    spans = tuple(
        span.model_copy(update={"keyed_hash": hashed[:32]})
        for span, hashed in zip(ticket.evidence, hashes, strict=True)
    )
    masked = ticket.model_copy(update={"sealed": None, "evidence": spans})
    slots = (ticket.role, *ticket.co_approvers)
    values = {
        "tenant": tx.tenant,
        "id": ticket.id,
        "dedupe_key": ticket.dedupe_key,
        "conversation": _conversation(tx, ticket),
        "subject": subject,
        "state": State.READY.value,
        "is_open": True,
        "version": 1,
        "round": 1,
        "role": ticket.role,
        "slot": ticket.role,
        "waiting_for": listed(slots),
        "agreed": "[]",
        "chain": listed(ticket.chain),
        "on_expiry": ticket.on_expiry.value,
        "level": 0,
        "severity": ticket.severity.rank,
        "trigger": ticket.trigger.value,
        "reason_code": ticket.reason_code,
        "policy_sha256": ticket.policy.sha256,
        "digest": ticket.action.digest if ticket.action else "",
        "claimed_by": None,
        "is_taken_over": False,
        "lease_until": None,
        "start_by": micros_or_none(ticket.start_by),
        "warn_at": micros_or_none(ticket.warn_at),
        "decide_by": micros_or_none(ticket.decide_by),
        "paused_at": None,
        "leg_at": micros(ticket.created_at),
        "created_at": micros(ticket.created_at),
        "updated_at": micros(ticket.created_at),
        "closed_at": None,
        "duplicate_of": None,
        "reference": None,
        "tool": ticket.action.tool[:LONGEST_TOOL] if ticket.action else None,
        "snoozed_until": None,
        "extended_at": None,
        "is_seeded": None,
        "content": tx.seal(key, ticket.id, tx.part_of_new("content"), masked.model_dump_json()),
        "sealed": tx.seal(key, ticket.id, tx.part_of_new("sealed"), sealed.model_dump_json()),
    }
    values |= more
    values["next_timer"] = next_timer(values)
    return {**values, "mac": tx.mac("tickets", values)}


def _facts(ticket: Ticket) -> dict[str, object]:
    return {
        "trigger": ticket.trigger.value,
        "rules": [rule.rule for rule in ticket.policy.rules],
        "policy": ticket.policy.sha256,
        "exchange": ticket.exchange,
        "digest": ticket.action.digest if ticket.action else "",
        "confidence": ticket.confidence.score if ticket.confidence else None,
        # From version 2 on the decision behind a ticket is an entry of its own.
        "v": 2,
    }


def attempt_of(ticket: Ticket) -> Attempt:
    """Return what remains of a ticket that joins another."""
    return Attempt(
        exchange=ticket.exchange,
        at=ticket.created_at,
        text=ticket.wanted,
        triggers=ticket.triggers,
        rules=tuple(rule.rule for rule in ticket.policy.rules),
    )


def join(tx: Transaction, row: Row[Any], attempt: Attempt, *, alias: str | None = None) -> None:
    """Add an attempt to an open ticket; the same exchange joins once.

    `alias` is the id under which somebody may ask for it again: that of the ticket it would have been.

    Raises:
        AlreadyDecided: the ticket is not open any more.
    """
    advance(row.id, State(row.state), Verb.JOIN)
    if add_attempt(tx, row, attempt, alias=alias):
        tx.events.append(
            Event(
                tenant=tx.tenant,
                kind="ticket.join",
                at=attempt.at,
                ticket=row.id,
                data={"exchange": attempt.exchange, "rules": list(attempt.rules)},
            )
        )


def join_by_id(tx: Transaction, ticket: str, attempt: Attempt) -> None:
    """Add an attempt to the ticket of this id; its exchange is the id that a ticket of its own would have."""
    join(tx, load(tx, ticket), attempt, alias=attempt.exchange)


def followed(tx: Transaction, ticket: str) -> Row[Any]:
    """Return the row of a ticket, or of the one that it joined when it was opened or is a duplicate of.

    Raises:
        TicketNotFound: neither.
    """
    try:
        row = load(tx, ticket, for_update=False)
        # A ticket that has a duplicate can be linked itself, to one that is none: there is no circle.
        while row.duplicate_of is not None:
            row = load(tx, row.duplicate_of, for_update=False)
        return row
    except TicketNotFound:
        query = select(attempts.c.ticket).where(attempts.c.tenant == tx.tenant, attempts.c.alias == ticket)
        joined = tx.conn.execute(query).scalar()
        if joined is None:
            raise
        return followed(tx, joined)


def _opened(row: Row[Any], *, joined: bool) -> TicketReceipt:
    return TicketReceipt(
        ticket=row.id,
        role=row.role,
        due=moment_or_none(row.decide_by),
        joined=joined,
        reference=row.reference or "",
    )
