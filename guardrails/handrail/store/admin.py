"""What an administrator does with a store: verify, export, checkpoint, erase, prune, rotate keys, back up."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from handrail.errors import ConfigError
from handrail.policy.runtime.log_row import LogRow
from handrail.store import erase as erasing
from handrail.store.audit import log_export
from handrail.store.audit import verify as verifying
from handrail.store.audit.chain import Event
from handrail.store.audit.entry import subject_of
from handrail.store.audit.tenant_check import verify_tenant
from handrail.store.audit.verify import Report
from handrail.store.bundle import BundleRequest, case_bundle
from handrail.store.caller import CallerStore
from handrail.store.crypto.signing import Signer
from handrail.store.database import file_of
from handrail.store.spool import Spool
from handrail.store.tables import micros
from handrail.store.tickets.claim import looked
from handrail.store.tickets.rows import load
from handrail.store.transaction import Transaction


class AdminStore(CallerStore):
    """The administrator's side of a store."""

    def verify(self, checkpoint: dict[str, Any] | None = None) -> Report:
        """Check the audit chain, and that what authorises stands as the chain says."""
        with self._database.read() as conn:
            return verifying.verify(conn, self._sealer.ring, checkpoint)

    def verify_tenant(self, tenant: str) -> Report:
        """Check a tenant's own entries of the audit log, as far as it sees the chains; on PostgreSQL.

        Raises:
            ConfigError: on SQLite, where `verify` sees every chain whole.
        """
        if not self._database.is_postgres:
            raise ConfigError("on SQLite every chain is seen whole: verify it")
        with self._database.read(tenant) as conn:
            return verify_tenant(conn, self._sealer.ring, tenant)

    def export(self, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Yield every audit entry, for a file."""
        with self._database.read() as conn:
            yield from verifying.exported(conn, since)

    def log_rows(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[LogRow]:
        """Yield the rows of the decision log by time, ids as keyed hashes; erased customers are left out."""
        self.flush()
        with self._database.read() as conn:
            yield from log_export.rows(conn, self._sealer.ring.hashed, since, until)

    def log_stats(self) -> list[dict[str, Any]]:
        """Count the entries of the audit log by kind: how many, their bytes, the first and the last."""
        self.flush()
        with self._database.read() as conn:
            return log_export.stats(conn)

    def exported_to(self, path: str, *, since: datetime | None, until: datetime, rows: int, by: str) -> None:
        """Put on record that the log was exported, and where to; a person's erasure reaches it then."""
        start = micros(since) if since is not None else 0
        data = {"path": path, "since": start, "until": micros(until), "rows": rows}
        event = Event(tenant="default", kind=log_export.EXPORTED, at=self._clock(), actor=by, data=data)
        self._written("default", lambda tx: tx.events.append(event))

    def exports(self) -> list[dict[str, Any]]:
        """Return what is on record of exports, oldest first: path, since and until in microseconds, rows."""
        with self._database.read() as conn:
            return log_export.exports(conn)

    def subject(self, tenant: str, customer: str) -> str:
        """Return what stands for a customer in the log and its exports."""
        return subject_of(self._sealer.ring.hashed, tenant, customer) or ""

    def checkpoint(self, signer: Signer, *, now: datetime) -> str:
        """Return the signed ends of all chains as JSON; keep it where this store's users cannot write."""
        with self._database.read() as conn:
            return json.dumps(verifying.checkpoint(conn, signer, now=now))

    def look(self, tenant: str, ticket: str, *, by: str) -> None:
        """Put on record that somebody who is not in the people file looks at a ticket, masked.

        Raises:
            TicketNotFound: none of this id.
        """
        self._saw(tenant, ticket, "ticket.view", by, {"fields": []})

    def _saw(self, tenant: str, ticket: str, kind: str, by: str, data: dict[str, Any]) -> None:
        def step(tx: Transaction) -> None:
            load(tx, ticket, for_update=False)
            event = Event(tenant=tenant, kind=kind, at=self._clock(), ticket=ticket, actor=by, data=data)
            tx.events.append(event)

        self._written(tenant, step)

    def bundle(self, tenant: str, ticket: str, wanted: BundleRequest) -> bytes:
        """Return a case as a file that is checked without the store; that it was made is on record first.

        Raises:
            TicketNotFound: none of this id.
            NotAllowed: unmasked texts, and nobody of its roles who asks for them.
        """
        self.flush()
        is_unmasked = wanted.reader is not None
        self._saw(tenant, ticket, "ticket.bundle", wanted.by, {"unmasked": is_unmasked})
        if wanted.reader is not None:
            reader = wanted.reader
            self._written(tenant, lambda tx: looked(tx, ticket, reader, "ticket.unmask", ("bundle",)))
        report = self.verify()
        with self.read(tenant) as tx:
            return case_bundle(tx, ticket, wanted, report, made_at=self._clock())

    def erase(self, tenant: str, customer: str, *, by: str, now: datetime, spool: Spool | None = None) -> int:
        """Erase a customer, here and in a spool; returns how many tickets were emptied."""
        if spool is not None:
            spool.shred(tenant, customer)
        return self._written(tenant, lambda tx: erasing.erase(tx, customer, by=by, now=now))

    def prune(self, tenant: str, *, before: datetime, by: str, now: datetime) -> int:
        """Remove tickets closed before a moment; returns how many."""
        total = 0
        while True:
            done = self._written(tenant, lambda tx: erasing.prune_tickets(tx, before=before, by=by, now=now))
            total += done
            if not done:
                return total

    def prune_audit(self, *, before: datetime, by: str, now: datetime, decisions_only: bool = False) -> int:
        """Remove audit entries older than a moment, or decisions alone; returns how many.

        The chains stay verifiable.
        """
        return self._written(
            "",
            lambda tx: erasing.prune_audit(tx, before=before, by=by, now=now, decisions_only=decisions_only),
        )

    def rotate(self, *, by: str, now: datetime) -> int:
        """Wrap every data key by the provider's current master key; returns how many were wrapped anew."""

        def step(tx: Any) -> int:
            done: int = tx.sealer.rewrap(tx.conn)
            data = {"key": tx.ring.current, "rewrapped": done}
            tx.events.append(Event(tenant="", kind="keys.rotate", at=now, actor=by, data=data))
            return done

        return self._written("", step)

    def back_up(self, target: Path) -> None:
        """Copy a SQLite store to a new file while it is in use. Data keys are not in the copy.

        Raises:
            ConfigError: not a SQLite file, or the target exists or cannot be written.
        """
        source = file_of(self._database.url)
        if source is None:
            raise ConfigError("back_up copies SQLite files; use pg_dump for PostgreSQL")
        if target.exists():
            raise ConfigError(f"{target} exists already")
        # The online backup API takes a consistent copy beside running writers.
        try:
            writer = sqlite3.connect(target)
        except sqlite3.OperationalError as error:
            raise ConfigError(f"{target} cannot be written: {error}") from None
        reader = sqlite3.connect(source)
        try:
            reader.backup(writer)
        finally:
            reader.close()
            writer.close()
