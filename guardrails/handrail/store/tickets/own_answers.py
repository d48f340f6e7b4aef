"""What a person would answer, written before they see the assistant's draft; kept once, sealed."""

from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, String, Table, select

from handrail.errors import AlreadyDecided, CheckFailed, NotAllowed
from handrail.store.audit.chain import Event
from handrail.store.crypto.authentic import authentic
from handrail.store.crypto.sealing import Erased
from handrail.store.tables import metadata, micros
from handrail.store.tickets.actor import Actor, may_act, refuse_own_case
from handrail.store.tickets.rows import intact, load
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import State

own_answers = Table(
    "own_answers",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("ticket", String(64), nullable=False),
    Column("person", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("mac", String(64)),
    PrimaryKeyConstraint("tenant", "ticket", "person"),
)


def give(tx: Transaction, ticket: str, text: str, actor: Actor) -> None:
    """Keep what a person would answer; that they wrote it is on record, with a keyed hash of the words.

    Raises:
        CheckFailed: no words.
        NotAllowed: not theirs to decide, or not claimed by them.
        AlreadyDecided: they have written one, which stays as it is.
    """
    if not text.strip():
        raise CheckFailed("own answer", why="an answer needs its text")
    row = load(tx, ticket)
    role = may_act(row, actor)
    held, _ = intact(tx, row)
    refuse_own_case(row, held.excluded, actor)
    if State(row.state) is not State.CLAIMED or row.claimed_by != actor.person:
        raise NotAllowed(ticket, "claim it first")
    if given(tx, ticket, actor.person) is not None:
        raise AlreadyDecided(ticket, "your own answer is on record already")
    values = {
        "tenant": tx.tenant,
        "ticket": ticket,
        "person": actor.person,
        "at": micros(actor.now),
        "content": tx.sealed_like(row, _part(tx, actor.person), text),
    }
    tx.conn.execute(own_answers.insert().values(**values, mac=tx.mac("own_answers", values)))
    tx.events.append(
        Event(
            tenant=tx.tenant,
            kind="ticket.own_answer",
            at=actor.now,
            ticket=ticket,
            actor=actor.person,
            role=role,
            data={"words": tx.ring.hashed(tx.tenant, ticket, "own answer", text)},
        )
    )


def given(tx: Transaction, ticket: str, person: str) -> str | None:
    """Return what a person wrote before they saw the draft; None if nothing, empty if it was erased.

    Raises:
        StoreUnavailable: it was altered.
    """
    wanted = (
        own_answers.c.tenant == tx.tenant,
        own_answers.c.ticket == ticket,
        own_answers.c.person == person,
    )
    row = tx.conn.execute(select(own_answers).where(*wanted)).first()
    if row is None:
        return None
    authentic(tx.ring, "own_answers", row._mapping)
    try:
        return tx.opened(row.content, ticket, _part(tx, person))
    except Erased:
        return ""


def _part(tx: Transaction, person: str) -> str:
    return tx.part_of_new(f"own_answer:{person}")
