"""The ticket store over SQLite or PostgreSQL: every public method is one transaction."""

import itertools
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from handrail.clock import Clock, now_utc
from handrail.errors import DecisionExpired, NotDecided, StoreUnavailable, TicketError
from handrail.records import Context, FactValue, Unknown
from handrail.store import ledger, policies
from handrail.store.audit.chain import Event, append
from handrail.store.audit.entry import UNWRITABLE, event_of, fault_of, sources_of, storable
from handrail.store.audit.log import DecisionLog
from handrail.store.crypto.sealing import Sealer
from handrail.store.crypto.signing import Signing
from handrail.store.database import Database
from handrail.store.policies import PolicyChange
from handrail.store.prepared import UniqueViolation
from handrail.store.tickets import apply as applying
from handrail.store.tickets import conversations, effect
from handrail.store.tickets import open as opening
from handrail.store.tickets import withdraw as withdrawing
from handrail.store.tickets.withdraw import Withdrawal
from handrail.store.transaction import Transaction
from handrail.tickets.ports import (
    Approval,
    Attempt,
    ConversationStatus,
    DecisionEntry,
    LedgerEntry,
    LedgerQuery,
    ResolutionView,
    Settlement,
    TicketReceipt,
)
from handrail.tickets.ticket import Ticket

T = TypeVar("T")
TRIES = 3

log = logging.getLogger("handrail")


class CallerStore:
    """The side of the store that a guard uses; implements `handrail.tickets.ports.TicketStore`.

    Args:
        database: where the tables are.
        sealer: encrypts ticket content.
        signing: how decisions are signed and checked.
        clock: gives the time of what no caller dates.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        signing: Signing,
        clock: Clock = now_utc,
    ) -> None:
        self._database, self._sealer, self._signing, self._clock = database, sealer, signing, clock
        self._log = DecisionLog[DecisionEntry](self._write_log)
        # Policies whose facts' sources this process has put on record.
        self._policies: set[str] = set()

    @property
    def database(self) -> Database:
        """The database beneath."""
        return self._database

    @property
    def longest_log_wait_s(self) -> float:
        """For how many seconds a decision of the batched log had waited at most when it was written."""
        return self._log.longest_wait_s

    @contextmanager
    def write(self, tenant: str) -> Iterator[Transaction]:
        """Run a writing transaction; its events are recorded as its last step."""
        with self._database.write(tenant) as conn:
            tx = self._tx(tenant, conn)
            yield tx
            if tx.events:
                append(conn, tx.events, tx.letters, tx.later, ring=None if tx.is_postgres else tx.ring)

    @contextmanager
    def read(self, tenant: str) -> Iterator[Transaction]:
        """Run a reading transaction."""
        with self._database.read(tenant) as conn:
            yield self._tx(tenant, conn)

    def _tx(self, tenant: str, conn: Connection) -> Transaction:
        return Transaction(
            conn=conn,
            tenant=tenant,
            sealer=self._sealer,
            is_postgres=self._database.is_postgres,
            signing=self._signing,
        )

    def _written(self, tenant: str, step: Callable[[Transaction], T]) -> T:
        """Run a step in a transaction, again if another process inserted the same row first."""
        for _ in range(TRIES):
            try:
                with self.write(tenant) as tx:
                    return step(tx)
            except (IntegrityError, UniqueViolation):
                continue
        raise StoreUnavailable("store", why="a row kept changing")

    def open(self, ticket: Ticket) -> TicketReceipt:
        """Make a ticket durable, or join the open one it belongs to. Safe to repeat."""
        attempts = itertools.count()
        return self._written(
            ticket.tenant, lambda tx: opening.open_ticket(tx, ticket, attempt=next(attempts))
        )

    def join(self, tenant: str, ticket: str, attempt: Attempt) -> None:
        """Add a further attempt to an open ticket; raises AlreadyDecided if it is not open any more."""
        self._written(tenant, lambda tx: opening.join_by_id(tx, ticket, attempt))

    def conversation(self, tenant: str, conversation: str) -> ConversationStatus:
        """Tell who is speaking in a conversation."""
        values = {"tenant": tenant, "conversation": self._sealer.ring.hashed(tenant, conversation)}
        found = conversations.standing(self._database.ask(conversations.STANDING, values, tenant))
        if found is not None:
            return found
        return self._in_effect(
            tenant,
            lambda tx, on_hold: conversations.conversation(tx, conversation, self._clock(), on_hold),
        )

    def totals(self, queries: Sequence[LedgerQuery]) -> Mapping[str, FactValue]:
        """Answer ledger queries by fact name; reserved, done and unknown entries count."""
        found: dict[LedgerQuery, FactValue] = {}
        for tenant in dict.fromkeys(query.tenant for query in queries):
            with self.read(tenant) as tx:
                found |= ledger.totals(tx, [query for query in queries if query.tenant == tenant])
        return ledger.by_fact(queries, found)

    def reserve(self, entry: LedgerEntry, seen: Mapping[LedgerQuery, FactValue]) -> bool:
        """Reserve an action if the totals it was decided on still hold; False: read and decide again."""
        if any(isinstance(value, Unknown) for value in seen.values()):
            return False
        return self._written(entry.tenant, lambda tx: ledger.reserve(tx, entry, seen))

    def settle(self, tenant: str, entry: str, settlement: Settlement) -> None:
        """Say how a reserved action ended."""
        now = self._clock()
        self._written(tenant, lambda tx: ledger.settle(tx, entry, settlement, now=now))

    def resolution(self, tenant: str, ticket: str) -> ResolutionView | None:
        """Return what was decided, None while nobody has, or while it can still be undone."""
        return self._in_effect(
            tenant,
            lambda tx, on_hold: conversations.resolution(
                tx, opening.followed(tx, ticket), self._clock(), on_hold
            ),
        )

    def take_effect(self, tenant: str, ticket: str, *, now: datetime) -> bool:
        """Put a ticket's resolution into effect if one waits for it; returns whether it did.

        Raises:
            NotInEffect: its time has not come.
        """
        return self._written(tenant, lambda tx: effect.in_effect(tx, ticket, now))

    def _in_effect(self, tenant: str, look: Callable[[Transaction, Collection[str]], T]) -> T:
        """Look at what is in effect: what waited for it and is due is put into effect first."""
        on_hold: set[str] = set()
        while True:
            try:
                with self.read(tenant) as tx:
                    return look(tx, on_hold)
            except conversations.HasCome as due:
                ticket = str(due)
            if not self.take_effect(tenant, ticket, now=self._clock()):
                on_hold.add(ticket)

    def begin(self, tenant: str, ticket: str, *, now: datetime) -> Approval:
        """Move decided to applying, once; raises the TicketError that says why not.

        Raises:
            NotInEffect: it was decided, and can still be undone.
            TicketError: why not.
        """
        answer = self._once_in_effect(
            tenant, ticket, lambda: self._written(tenant, lambda tx: applying.begin(tx, ticket, now=now)), now
        )
        if isinstance(answer, DecisionExpired):
            raise answer
        return answer

    def approved(self, tenant: str, ticket: str) -> Approval:
        """Read the approval that `begin` would give, without using it; raises as `begin` does."""

        def look() -> Approval:
            with self.read(tenant) as tx:
                return applying.approved(tx, ticket, now=None)

        return self._once_in_effect(tenant, ticket, look, self._clock())

    def _once_in_effect(self, tenant: str, ticket: str, step: Callable[[], T], now: datetime) -> T:
        """Take a step that needs a resolution in effect; one that is due is put into effect for it."""
        try:
            return step()
        except NotDecided as error:
            if not self.take_effect(tenant, error.ticket, now=now):
                raise
        return step()

    def withdraw(self, context: Context, ticket: str, *, words: str = "") -> None:
        """End a ticket because its customer, whose context this is, withdraws what they asked for.

        Raises:
            NotAllowed: it is another customer's.
            AlreadyUsed: its action has begun; the wish is on record for the people of its roles.
            TicketError: it has ended otherwise.
        """
        self._withdrawn(context.tenant, ticket, Withdrawal(by=context, words=words, now=self._clock()))

    def _withdrawn(self, tenant: str, ticket: str, said: Withdrawal) -> None:
        error = self._written(tenant, lambda tx: withdrawing.withdraw(tx, ticket, said))
        if error is not None:
            raise error

    def policy_changes(self, name: str | None = None) -> tuple[PolicyChange, ...]:
        """Return every version of a policy (of all for None) that somebody proposed, oldest first.

        Raises:
            StoreUnavailable: a row was altered, or nobody trusted signed it.
        """
        with self.read("default") as tx:
            return policies.changes(tx, name)

    def reopen(self, tenant: str, ticket: str, *, roles: tuple[str, ...], why: str, now: datetime) -> None:
        """Move decided or failed back to ready because more roles must agree."""
        again = applying.ReopenRequest(roles=roles, why=why, now=now)
        self._written(tenant, lambda tx: applying.reopen(tx, ticket, again))

    def finish(self, tenant: str, ticket: str, settlement: Settlement, *, now: datetime) -> None:
        """Move applying to applied, failed or outcome_unknown; a known end replaces an unknown one."""
        self._written(tenant, lambda tx: applying.finish(tx, ticket, settlement, now=now))

    def recover(self, now: datetime, *, limit: int = 100) -> int:
        """Move actions whose process vanished to outcome_unknown; returns how many. None runs again."""
        with self._database.read() as conn:
            found = applying.vanished(conn, tenant="", now=now, limit=limit)
        count = 0
        for tenant, ticket in found:
            try:
                self.finish(tenant, ticket, Settlement.UNKNOWN, now=now)
            except TicketError:
                # Its process was only slow, and has told the outcome meanwhile.
                continue
            count += 1
        return count

    @property
    def log_waits(self) -> bool:
        """True when `log` may wait now."""
        return self._log.is_slow

    def log(self, entry: DecisionEntry) -> None:
        """Queue a decision for the batched log; see `DecisionLog` for what a crash can lose."""
        self._log.add(entry)

    def sampling_key(self) -> bytes:
        """Return the key by which it is drawn which answers people check; it comes from the key ring."""
        return bytes.fromhex(self._sealer.ring.hashed("", "which answers are checked"))

    def preview_key(self) -> bytes:
        """Return the key of what a person was shown before they decide; it comes from the key ring."""
        return bytes.fromhex(self._sealer.ring.hashed("", "what a decision comes to was shown"))

    def log_now(self, entry: DecisionEntry) -> None:
        """Log a decision synchronously: a block, a reserved action, all of them where `log: durable`."""
        self._write_log([entry])

    def flush(self) -> None:
        """Write what the batched log has queued."""
        self._log.flush()

    def _write_log(self, entries: Sequence[DecisionEntry]) -> None:
        """Write decisions; one that no database can hold becomes a fault entry, and the others are kept."""
        hashed = self._sealer.ring.hashed
        new = {entry.decision.policy.sha256: entry for entry in entries}
        sources = [sources_of(entry) for sha, entry in new.items() if sha not in self._policies]
        try:
            self._record([*sources, *(event_of(entry, hashed) for entry in entries)])
        except UNWRITABLE:
            events = [storable(entry, hashed) for entry in entries]
            try:
                self._record([*sources, *events])
            except UNWRITABLE:
                for entry, event in zip(entries, events, strict=True):
                    self._record_or_fault(entry, event)
        self._policies.update(new)

    def _record(self, events: Sequence[Event]) -> None:
        self._written(events[0].tenant, lambda tx: tx.events.extend(events))

    def _record_or_fault(self, entry: DecisionEntry, event: Event) -> None:
        try:
            self._record([event])
        except UNWRITABLE as error:
            self._record([fault_of(entry, type(error).__name__)])

    def close(self) -> None:
        """Flush the log and let go of the database.

        Raises:
            StoreUnavailable: answers were released whose decisions cannot be written.
        """
        try:
            self._log.close()
        except StoreUnavailable as error:
            left = self._log.waiting
            if any(entry.decision.effect.is_released for entry in left):
                raise
            # No answer was released by them, and their tickets are in the store or in the spool.
            log.warning("%d decisions not logged: %s", len(left), error.step)
        finally:
            self._database.close()
            if self._sealer.apart is not None:
                self._sealer.apart.close()
