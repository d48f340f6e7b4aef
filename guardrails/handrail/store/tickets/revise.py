"""Sending a proposal back to the assistant: how often, and whose conversation it is."""

from typing import Any

from sqlalchemy import Row, select

from handrail.errors import NotAllowed
from handrail.store.tables import tickets
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import UNDECIDED, State
from handrail.tickets.ticket import Ticket

MOST_ROUNDS = 3


def rounds(tx: Transaction, row: Row[Any]) -> int:
    """Return how often in a row people sent back what led to this ticket.

    What came before is what the same conversation opened, or the same customer under the same rule where
    there is no conversation.
    """
    same = (
        tickets.c.conversation == row.conversation
        if row.conversation is not None
        else (tickets.c.subject == row.subject) & (tickets.c.reason_code == row.reason_code)
    )
    undecided = [state.value for state in UNDECIDED]
    query = (
        select(tickets.c.state)
        .where(tickets.c.tenant == tx.tenant, same, tickets.c.id != row.id)
        .where(tickets.c.state.not_in(undecided))
        .order_by(tickets.c.updated_at.desc())
        .limit(MOST_ROUNDS)
    )
    count = 0
    for state in tx.conn.execute(query).scalars():
        if state != State.REVISED:
            break
        count += 1
    return count


def may_revise(tx: Transaction, row: Row[Any], held: Ticket) -> None:
    """Accept a ticket whose proposal can go back to the assistant.

    Raises:
        NotAllowed: it was sent back often enough, its action is done, or it proposes nothing.
    """
    if held.done:
        raise NotAllowed(row.id, "its action was carried out already")
    if held.action is None and not held.draft_answer.strip():
        raise NotAllowed(row.id, "it proposes nothing that could be sent back")
    if rounds(tx, row) >= MOST_ROUNDS:
        raise NotAllowed(row.id, f"it was sent back {MOST_ROUNDS} times; decide it")
