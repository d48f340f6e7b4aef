"""One transaction of a store: its connection, its tenant and keys, and what it will put on record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from handrail.errors import StoreUnavailable
from handrail.store.audit.chain import Event
from handrail.store.crypto.authentic import mac_of, part_of
from handrail.store.crypto.keys import KeyRing
from handrail.store.crypto.sealing import DataKey, Label, Sealer, seal
from handrail.store.crypto.signing import Signing
from handrail.store.prepared import Prepared, PreparedResult, run_together
from handrail.tickets.ticket import Ticket


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One transaction of a store: its connection, tenant and keys, and the events it will record."""

    conn: Connection
    tenant: str
    sealer: Sealer
    is_postgres: bool
    signing: Signing
    events: list[Event] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)
    later: list[tuple[Prepared, Mapping[str, Any]]] = field(default_factory=list)
    read: dict[str, Ticket] = field(default_factory=dict)
    said: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The rows of the resolutions that this transaction writes, by their tickets."""

    @property
    def ring(self) -> KeyRing:
        """The key ring, for keyed hashes."""
        return self.sealer.ring

    def hashed(self, value: str | None) -> str | None:
        """Return the keyed hash of a customer or conversation, None for none."""
        return None if value is None else self.ring.hashed(self.tenant, value)

    def mac(self, table: str, values: Mapping[Any, Any]) -> str | None:
        """Return the keyed hash of a row; None on PostgreSQL, where signatures and grants say what counts."""
        return None if self.is_postgres else mac_of(self.ring, table, values)

    def part_of_new(self, name: str) -> str:
        """Return the label under which a field of a row that is about to be written is sealed."""
        return name if self.is_postgres else part_of(name, is_authentic=True)

    def label(self, ticket: str, part: str) -> Label:
        """Return the label of one sealed field."""
        return Label(tenant=self.tenant, ticket=ticket, field=part)

    def seal(self, key: DataKey, ticket: str, part: str, text: str) -> bytes:
        """Encrypt one field of a ticket with a key at hand."""
        return seal(key, text.encode(), self.label(ticket, part))

    def sealed(self, subject: str, ticket: str, part: str, text: str) -> bytes:
        """Encrypt a text for a data subject."""
        return self.seal(self.sealer.key_for(self.conn, self.tenant, subject), ticket, part, text)

    def put(self, prepared: Prepared, values: Mapping[str, Any]) -> None:
        """Run a statement whose answer nobody needs; PostgreSQL gets it together with the commit."""
        if self.is_postgres:
            self.later.append((prepared, values))
        else:
            prepared(self.conn, values)

    def ask(self, prepared: Prepared, values: Mapping[str, Any]) -> PreparedResult:
        """Run a statement that must see what was `put` before it; both go to PostgreSQL on one way."""
        before, self.later = self.later, []
        return run_together(self.conn, [*before, (prepared, values)])[-1]

    def sealed_like(self, row: Row[Any], part: str, text: str) -> bytes:
        """Encrypt a text with the key of a row's content. The row is locked, so its key stays."""
        if row.content is None:
            raise StoreUnavailable("ticket", why=f"the content of ticket {row.id} was erased")
        return self.seal(self.sealer.key_of(self.conn, row.content), row.id, part, text)

    def opened(self, blob: bytes, ticket: str, part: str) -> str:
        """Decrypt a text."""
        return self.sealer.unseal(self.conn, blob, self.label(ticket, part)).decode()
