"""The whole store: the guard's side, and what reviewers, the desk and administrators do."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from handrail.errors import AlreadyDecided, NotAllowed, TicketError
from handrail.records import PolicyRef
from handrail.store import outbox, policies
from handrail.store.audit.chain import Event
from handrail.store.outbox import OutboxMessage
from handrail.store.policies import Enforcement, PolicyChange
from handrail.store.reviews import ReviewStore
from handrail.store.tables import insert_into, policy_texts
from handrail.store.tickets import claim as reviewing
from handrail.store.tickets import (
    duplicates,
    effect,
    listing,
    lost_claims,
    policy_change,
    timers,
    turns,
)
from handrail.store.tickets import preview as previewing
from handrail.store.tickets import resolve as resolving
from handrail.store.tickets.actor import Actor
from handrail.store.tickets.attempts import attempts_of
from handrail.store.tickets.listing import Filter
from handrail.store.tickets.policy_change import OnChange
from handrail.store.tickets.preview import ResolutionPreview
from handrail.store.tickets.similar import EndedTicket, similar
from handrail.store.tickets.withdraw import Withdrawal
from handrail.store.transaction import Transaction
from handrail.tickets.headline import Proposed
from handrail.tickets.lifecycle import State, Verb
from handrail.tickets.ports import Attempt, Settlement
from handrail.tickets.resolution import Page, People, ReadEdit, Resolution, TicketEvent, TicketRow
from handrail.tickets.ticket import Sealed, TicketView
from handrail.tickets.timers import next_step

DELIVERY_LEASE = timedelta(minutes=1)


class SqlStore(ReviewStore):
    """A `TicketStore` with the sides of reviewers, desk and administrator."""

    def get(self, tenant: str, ticket: str) -> TicketView:
        """Return a ticket, masked, with where it stands. For programs; a person looks through `view`."""
        with self.read(tenant) as tx:
            return reviewing.view(tx, ticket)

    def list(self, tenant: str, wanted: Filter | None = None) -> Page:
        """Return one page of tickets, without content; by default the open ones, soonest due first."""
        with self.read(tenant) as tx:
            return listing.page(tx, wanted or Filter())

    def counts(self, tenant: str) -> dict[State, int]:
        """Return how many tickets are in each state."""
        with self.read(tenant) as tx:
            return listing.counts(tx)

    def by_reference(self, tenant: str, prefix: str) -> tuple[TicketRow, ...]:
        """Return some of the tickets whose reference begins so."""
        with self.read(tenant) as tx:
            return listing.by_reference(tx, prefix)

    def counts_by_role(self, tenant: str) -> dict[str, dict[State, int]]:
        """Return for each role how many tickets are in each state, of those that have not ended."""
        with self.read(tenant) as tx:
            return listing.counts_by_role(tx)

    def is_resolved_by(self, tenant: str, ticket: str, key: str) -> bool:
        """Return whether a resolution with this idempotency key is on record for a ticket."""
        with self.read(tenant) as tx:
            return turns.is_known(tx, ticket, key)

    def attempts(self, tenant: str, ticket: str) -> tuple[Attempt, ...]:
        """Return what joined a ticket, oldest first."""
        with self.read(tenant) as tx:
            return attempts_of(tx, ticket)

    def history(self, tenant: str, ticket: str) -> tuple[TicketEvent, ...]:
        """Return a ticket's recorded events, oldest first."""
        with self.read(tenant) as tx:
            return reviewing.history(tx, ticket)

    def view(self, tenant: str, ticket: str, actor: Actor, *, sees: Collection[str] = ()) -> TicketView:
        """Show a ticket to a person of its roles; that they looked is recorded first, durably.

        `sees` are the finding types and categories that the policy shows this role unmasked.
        """
        self._written(tenant, lambda tx: reviewing.looked(tx, ticket, actor, "ticket.view", sorted(sees)))
        with self.read(tenant) as tx:
            return reviewing.view_for(tx, ticket, sees)

    def unmask(
        self,
        tenant: str,
        ticket: str,
        actor: Actor,
        fields: Sequence[str] = (),
        *,
        sees: Collection[str] | None = None,
        why: str = "",
    ) -> Sealed:
        """Show unmasked texts to a person of its roles; that they did, and why, is recorded first, durably.

        With `sees`, everything found that is of none of these types and categories stays masked.
        """
        self._written(tenant, lambda tx: reviewing.looked(tx, ticket, actor, "ticket.unmask", fields, why))
        with self.read(tenant) as tx:
            return reviewing.unmasked(tx, ticket, fields, sees)

    def _shown(self, tenant: str, step: Callable[[Transaction], Mapping[str, Any]]) -> TicketView:
        """Run a step and return the ticket as it then stands."""
        return self._written(tenant, lambda tx: reviewing.view_of(tx, step(tx)))

    def claim(self, tenant: str, ticket: str, actor: Actor) -> TicketView:
        """Give a ticket to a member of its role; a claim of somebody who left or is away is none."""
        return self._freed(tenant, ticket, actor, lambda tx: reviewing.claim(tx, ticket, actor))

    def take_over(self, tenant: str, ticket: str, actor: Actor) -> TicketView:
        """Claim a ticket and speak with the customer oneself."""
        return self._freed(tenant, ticket, actor, lambda tx: reviewing.take_over(tx, ticket, actor))

    def _freed(
        self, tenant: str, ticket: str, actor: Actor, step: Callable[[Transaction], Mapping[str, Any]]
    ) -> TicketView:
        """Take a step; where another's claim is in the way, once more after a claim that is none any more."""
        try:
            return self._shown(tenant, step)
        except (AlreadyDecided, NotAllowed):
            if not self._written(tenant, lambda tx: lost_claims.drop_for(tx, ticket, actor)):
                raise
            return self._shown(tenant, step)

    def drop_claims(self, people: People, *, now: datetime, by: str) -> tuple[str, ...]:
        """Give back to their roles what people have claimed who left or are away; returns those tickets."""
        with self._database.read() as conn:
            held = lost_claims.claims(conn)
        return tuple(
            ticket
            for tenant, ticket in held
            if self._written(
                tenant,
                lambda tx, ticket=ticket: lost_claims.drop(tx, ticket, people, now, by=by),  # type: ignore[misc]
            )
        )

    def release(self, tenant: str, ticket: str, actor: Actor) -> TicketView:
        """Give a claimed ticket back to its role."""
        return self._shown(tenant, lambda tx: reviewing.release(tx, ticket, actor))

    def ask(self, tenant: str, ticket: str, question: str, actor: Actor) -> TicketView:
        """Ask for what is missing; the clock pauses."""
        return self._shown(tenant, lambda tx: reviewing.ask(tx, ticket, question, actor))

    def inform(self, tenant: str, ticket: str, answer: str, actor: Actor) -> TicketView:
        """Add what was asked for; the clock goes on."""
        return self._shown(tenant, lambda tx: reviewing.inform(tx, ticket, answer, actor))

    def reassign(self, tenant: str, ticket: str, role: str, *, why: str, actor: Actor) -> TicketView:
        """Give a ticket to another role."""
        return self._shown(tenant, lambda tx: reviewing.reassign(tx, ticket, role, why, actor))

    def snooze(self, tenant: str, ticket: str, until: datetime, *, actor: Actor) -> TicketView:
        """Put a ticket off: nobody has it, and it is not offered before then."""
        return self._shown(tenant, lambda tx: reviewing.snooze(tx, ticket, until, actor))

    def extend(self, tenant: str, ticket: str, by: timedelta, *, why: str, actor: Actor) -> TicketView:
        """Give a ticket more time, once, by no more than it had."""
        return self._shown(tenant, lambda tx: reviewing.extend(tx, ticket, by, why, actor))

    def resolve(
        self,
        tenant: str,
        ticket: str,
        resolution: Resolution,
        actor: Actor,
        *,
        read_edit: ReadEdit | None = None,
    ) -> TicketView:
        """Record a person's resolution; see `handrail.store.tickets.resolve` for what is refused."""
        return self._shown(tenant, lambda tx: resolving.resolve(tx, ticket, resolution, actor, read_edit))

    def undo(self, tenant: str, ticket: str, actor: Actor) -> TicketView:
        """Take back one's own resolution before it takes effect; raises AlreadyDecided once it has."""
        return self._shown(tenant, lambda tx: effect.undo(tx, ticket, actor))

    def preview(self, tenant: str, ticket: str, resolution: Resolution) -> tuple[str, ...]:
        """Return what an edit would change, one line for each place; nothing is recorded."""
        with self.read(tenant) as tx:
            return previewing.preview(tx, ticket, resolution)

    def preview_for(
        self, tenant: str, ticket: str, resolution: Resolution, actor: Actor, *, sees: Collection[str] = ()
    ) -> ResolutionPreview:
        """Return what a resolution would come to, masked as a role sees it; nothing is recorded."""
        with self.read(tenant) as tx:
            return previewing.previewed(tx, ticket, resolution, actor.person, sees)

    def proposed(self, tenant: str, tickets: Sequence[str]) -> Mapping[str, Proposed]:
        """Return what some tickets propose, masked, without those that were erased."""
        with self.read(tenant) as tx:
            return listing.proposed(tx, tickets)

    def similar(self, tenant: str, ticket: str, *, limit: int = 5) -> tuple[EndedTicket, ...]:
        """Return the newest ended tickets that the same rule stopped."""
        with self.read(tenant) as tx:
            return similar(tx, ticket, limit=limit)

    def cancel(self, tenant: str, ticket: str, *, by: str, why: str, now: datetime) -> None:
        """Withdraw a ticket; `by` and `why` are recorded."""
        self._written(tenant, lambda tx: reviewing.cancel(tx, ticket, by=by, why=why, now=now))

    def withdraw_for(self, tenant: str, ticket: str, actor: Actor, *, words: str = "") -> None:
        """End a ticket on the customer's word to a person of its roles; raises as `withdraw` does."""
        self._withdrawn(tenant, ticket, Withdrawal(by=actor, words=words, now=actor.now))

    def link(self, tenant: str, ticket: str, *, of: str, actor: Actor) -> TicketView:
        """End a ticket as the duplicate of another one, whose decision counts for both."""
        return self._shown(tenant, lambda tx: duplicates.link(tx, ticket, of, actor))

    def of_same_customer(self, tenant: str, ticket: str) -> tuple[TicketRow, ...]:
        """Return the same customer's other tickets that are not settled, those of the same action first."""
        with self.read(tenant) as tx:
            return duplicates.of_same_customer(tx, ticket)

    def sweep(self, now: datetime, *, limit: int = 100, step: timers.NextStep = next_step) -> dict[Verb, int]:
        """Fire due timers, one transaction each; returns how often each step was taken."""
        with self._database.read() as conn:
            due = timers.due_ids(conn, now=now, limit=limit)
        taken: dict[Verb, int] = {}
        for tenant, ticket in due:
            try:
                verb = self._written(
                    tenant,
                    lambda tx, ticket=ticket: timers.fire(tx, ticket, step, now=now),  # type: ignore[misc]
                )
            except TicketError:
                # It moved on between the look and the step.
                continue
            if verb is not None:
                taken[verb] = taken.get(verb, 0) + 1
        return taken

    def take_messages(
        self, now: datetime, *, limit: int = 50, lease: timedelta = DELIVERY_LEASE
    ) -> tuple[OutboxMessage, ...]:
        """Take messages to deliver; what is not settled within the lease comes again."""
        with self._database.write() as conn:
            is_postgres = self._database.is_postgres
            found = outbox.take(conn, now=now, limit=limit, lease=lease, is_postgres=is_postgres)
        return tuple(found)

    def delivered(self, ids: Sequence[str]) -> None:
        """Settle messages that arrived."""
        with self._database.write() as conn:
            outbox.delivered(conn, ids)

    def undelivered(self, message: str, *, again_at: datetime | None, error: str) -> None:
        """Put a message off, or among the dead letters if `again_at` is None."""
        with self._database.write() as conn:
            outbox.failed(conn, message, again_at=again_at, error=error)

    def dead_letters(self, *, tenant: str = "", limit: int = 100) -> tuple[OutboxMessage, ...]:
        """Return messages that were given up, oldest first: of one tenant, or, for the desk, of all."""
        with self._database.read(tenant) as conn:
            return tuple(outbox.dead(conn, tenant=tenant, limit=limit))

    def replay(self, ids: Sequence[str], *, now: datetime, tenant: str = "") -> int:
        """Make dead letters pending again; returns how many."""
        with self._database.write(tenant) as conn:
            return outbox.replay(conn, ids, now=now)

    def prune_messages(self, *, before: datetime) -> int:
        """Delete messages that were delivered and are older than a moment; returns how many.

        Messages that wait, and dead letters, stay.
        """
        with self._database.write() as conn:
            return outbox.prune(conn, before=before)

    def note(self, event: Event) -> None:
        """Put something on record that is no ticket's step, such as a change of configuration."""
        self._written(event.tenant, lambda tx: tx.events.append(event))

    def enforce_policy(self, wanted: Enforcement, actor: Actor) -> PolicyChange:
        """Propose to put a policy in force, or agree to what somebody else proposed; two people must."""
        return self._written("default", lambda tx: policies.enforce(tx, wanted, actor))

    def withdraw_policy(self, name: str, change: str, actor: Actor) -> PolicyChange:
        """Withdraw a version of a policy that is not in force yet; two people must where two agreed to it."""
        return self._written("default", lambda tx: policies.withdraw(tx, name, change, actor))

    def open_roles(self) -> frozenset[str]:
        """Return the roles that open tickets are with; on PostgreSQL that is for the desk."""
        with self._database.read() as conn:
            return policy_change.open_roles(conn)

    def follow_policy(self, judge: OnChange, *, name: str, sha256: str, now: datetime) -> dict[str, int]:
        """Do with the open tickets of earlier versions of a policy what `judge` says; returns how many.

        Each is asked about once for each version. On PostgreSQL it is for the desk, which sees every tenant.
        """
        with self._database.read() as conn:
            found = policy_change.of_earlier(conn, sha256)
        done: dict[str, int] = {}
        for tenant, ticket in found:
            try:
                what = self._written(
                    tenant,
                    lambda tx, ticket=ticket: policy_change.follow(  # type: ignore[misc]
                        tx, ticket, judge, name=name, sha256=sha256, now=now
                    ),
                )
            except TicketError:
                # It moved on between the look and the step.
                continue
            if what is not None:
                done[what] = done.get(what, 0) + 1
        return done

    def note_policy(self, event: Event, ref: PolicyRef, content: str) -> None:
        """Put on record which policy decides from now on, and keep what it says; `content` has its hash."""

        def step(tx: Transaction) -> None:
            values = {"sha256": ref.sha256, "name": ref.name, "version": ref.version, "content": content}
            kept = insert_into(policy_texts, tx.conn.dialect.name).values(**values)
            tx.conn.execute(kept.on_conflict_do_nothing())
            tx.events.append(event)

        self._written(event.tenant, step)

    def reconcile(self, tenant: str, ticket: str, settlement: Settlement, actor: Actor) -> None:
        """Settle an unknown outcome after somebody looked it up by its idempotency key."""
        self._written(
            tenant,
            lambda tx: resolving.reconcile(tx, ticket, settlement, actor),
        )
