"""What people do with a ticket before they decide: claim it, give it back, ask, hand it on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from handrail.errors import AlreadyDecided, CheckFailed, NotAllowed, NotPermitted
from handrail.service.permissions import Operation
from handrail.service.proposal import Receipt
from handrail.service.queries import ListQuery, Whose
from handrail.service.reading import Reading
from handrail.service.reviewer import Level, Reviewer
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import Settlement
from handrail.tickets.ticket import Sealed, TicketView


class Moving(Reading):
    """Steps of a ticket that decide nothing; each raises `NotPermitted`, or a `TicketError` that says why."""

    def claim(self, who: Reviewer, said: str) -> Receipt:
        """Give a ticket to a person for half an hour; claiming one's own again renews it."""
        ticket = self._may(Operation.CLAIM, who, said)
        return self._receipt(self._store.claim(who.tenant, ticket, self._actor(who)))

    def claim_next(self, who: Reviewer, query: ListQuery | None = None) -> Receipt | None:
        """Claim the ticket that is due soonest among those that nobody has or has put off; None for none."""
        wanted = replace(query or ListQuery(), whose=Whose.NOBODY, is_awake=True, states=(), cursor=None)
        for row in self.page(who, wanted).rows:
            try:
                return self.claim(who, row.id)
            except (AlreadyDecided, NotAllowed):
                # Somebody else was quicker, or it is a case of their own.
                continue
        return None

    def snooze(self, who: Reviewer, said: str, until: datetime) -> Receipt:
        """Put a ticket off: nobody has it, and it is not offered before then. Its deadline stays."""
        ticket = self._may(Operation.SNOOZE, who, said)
        return self._receipt(self._store.snooze(who.tenant, ticket, until, actor=self._actor(who)))

    def extend(self, who: Reviewer, said: str, by: timedelta, *, why: str = "") -> Receipt:
        """Give a ticket more time, once, by no more than it had; `why` is kept on record, sealed."""
        ticket = self._may(Operation.EXTEND, who, said)
        return self._receipt(self._store.extend(who.tenant, ticket, by, why=why, actor=self._actor(who)))

    def release(self, who: Reviewer, said: str) -> Receipt:
        """Give a claimed ticket back to its role."""
        ticket = self._may(Operation.RELEASE, who, said)
        return self._receipt(self._store.release(who.tenant, ticket, self._actor(who)))

    def take_over(self, who: Reviewer, said: str) -> Receipt:
        """Claim a ticket and speak with the customer oneself."""
        ticket = self._may(Operation.TAKE_OVER, who, said)
        return self._receipt(self._store.take_over(who.tenant, ticket, self._actor(who)))

    def ask(self, who: Reviewer, said: str, question: str) -> Receipt:
        """Ask the customer for what is missing; the clock pauses."""
        ticket = self._may(Operation.ASK, who, said)
        view = self._store.ask(who.tenant, ticket, _text(question), self._actor(who))
        return self._receipt(view)

    def inform(self, who: Reviewer, said: str, answer: str) -> Receipt:
        """Add what was asked for; the clock goes on."""
        ticket = self._may(Operation.INFORM, who, said)
        view = self._store.inform(who.tenant, ticket, self._masked(_text(answer)), self._actor(who))
        return self._receipt(view)

    def give_own_answer(self, who: Reviewer, said: str, text: str) -> Receipt:
        """Keep what a person would answer, once; where their role asks for it the draft is shown then."""
        ticket = self._may(Operation.OWN_ANSWER, who, said)
        self._store.give_own_answer(who.tenant, ticket, text, self._actor(who))
        return self._receipt(self._store.get(who.tenant, ticket))

    def reassign(self, who: Reviewer, said: str, role: str, *, why: str = "") -> Receipt:
        """Give a ticket to another role; `why` is kept on record, sealed."""
        ticket = self._may(Operation.REASSIGN, who, said)
        view = self._store.reassign(who.tenant, ticket, role, why=why, actor=self._actor(who))
        return self._receipt(view)

    def link(self, who: Reviewer, said: str, *, of: str) -> Receipt:
        """End a ticket as the duplicate of another one, whose decision counts for both."""
        ticket, first = self._may(Operation.LINK, who, said), self.find(who, of)
        return self._receipt(self._store.link(who.tenant, ticket, of=first, actor=self._actor(who)))

    def withdraw(self, who: Reviewer, said: str, *, words: str = "") -> Receipt:
        """End a ticket because its customer takes back what they asked for."""
        ticket = self._may(Operation.WITHDRAW, who, said)
        self._store.withdraw_for(who.tenant, ticket, self._actor(who), words=self._masked(words))
        return self._receipt(self._store.get(who.tenant, ticket))

    def reconcile(self, who: Reviewer, said: str, settlement: Settlement) -> Receipt:
        """Settle an unknown outcome after somebody looked it up by its idempotency key."""
        ticket = self._may(Operation.RECONCILE, who, said)
        self._store.reconcile(who.tenant, ticket, settlement, self._actor(who))
        return self._receipt(self._store.get(who.tenant, ticket))

    def unmask(self, who: Reviewer, said: str, fields: Sequence[str], *, reason: str) -> Sealed:
        """Return the unmasked texts of these fields; who saw what, and why, is on record first.

        Raises:
            CheckFailed: no reason, no field, or one that does not exist.
        """
        ticket = self.find(who, said)
        view = self._permit(Operation.UNMASK, who, ticket)
        if who.level is Level.BOUND and who.bound_to != view.digest:
            raise NotPermitted(Operation.UNMASK.value, "level")
        if {"draft_answer", "shown"} & set(fields):
            self._must_have_answered(who, self._store.get(who.tenant, ticket))
        unknown = sorted(set(fields) - set(Sealed.model_fields))
        if unknown or not fields:
            raise CheckFailed("unmask", why="name the fields to unmask" if not fields else "no such field")
        return self._store.unmask(who.tenant, ticket, self._actor(who), fields, why=_text(reason))

    def _may(self, operation: Operation, who: Reviewer, said: str) -> str:
        ticket = self.find(who, said)
        self._permit(operation, who, ticket)
        return ticket

    def _receipt(self, view: TicketView) -> Receipt:
        return Receipt(
            ticket=view.id,
            reference=view.reference,
            state=view.state,
            version=view.version,
            waits_for=view.waiting_for if view.state is State.READY else (),
            undo_until=view.lease_until if view.state is State.RESOLVED else None,
            until=view.lease_until if view.state is State.CLAIMED else None,
        )


def _text(text: str) -> str:
    if not text.strip():
        raise CheckFailed("ticket", why="it needs its text")
    return text
