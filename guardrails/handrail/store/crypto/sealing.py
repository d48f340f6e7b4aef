"""Encrypts fields with a key per data subject (AES-256-GCM); shredding the key erases every copy."""

# What a customer wrote leaves this library only encrypted. Three layers of keys make two different promises:
#
#     key ring (a file, the environment or a key service; never in a database)
#       ├─ master keys, one of them current ── wrap ──▶ data key, one per data subject
#       │                                               └── encrypts ──▶ what tickets and resolutions say
#       └─ index key ── HMAC ──▶ the names by which customers and conversations are found again
#
# Promise 1, erasure reaches every copy. All text that is held of a data subject is encrypted with that
# subject's key. Destroying this one row makes the text unreadable in the store, in an old backup and in an
# export alike, without finding them. This holds only while no copy of the store carries the keys: a SQLite
# store keeps them in a file of its own (`apart`), and backups of PostgreSQL leave the table `data_keys` out.
#
# Promise 2, a text cannot be moved. The associated data of each ciphertext is its `Label`: tenant, ticket,
# field and version. A ciphertext that was copied to another row, field or tenant does not decrypt, and an
# altered one fails its tag. A wrapped data key is bound to its tenant, subject and id in the same way.
#
# Two details carry the first promise. `key_for`, which seals, always reads the key from the database: a
# remembered key may have been shredded by another process, and what it sealed would be lost at once. Only
# `key_of`, which opens, remembers keys; text it opens after an erasure elsewhere is text it could have kept
# anyway. And two processes that meet a new customer at the same moment both insert a key; the first one
# counts, because both read it back.
#
# Master keys rotate without touching a ticket: `rewrap` wraps each data key anew. The index key never
# rotates, or nothing would be found again.
#
# A ciphertext is: format byte | id of the data key (16) | nonce (12, random) | AES-GCM ciphertext and tag.
#
# Proofs: `tests/contract/test_stores_upkeep.py` (erased from store, backup and spool; moved content does not
# open; rotation; a process that still has the old ring) and `tests/prove/test_forgery.py`.

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, Row, Select, bindparam, delete, select, update

from handrail.errors import ConfigError, StoreUnavailable
from handrail.store.crypto.cipher import decrypt, encrypt
from handrail.store.crypto.keys import KEY_BYTES, KeyProvider, KeyRing, ring_of
from handrail.store.prepared import Prepared, PreparedResult
from handrail.store.tables import data_keys, insert_into
from handrail.tickets.ticket import Sealed, Ticket

FORMAT = b"\x01"
ID_BYTES = 16
REMEMBERED_KEYS = 4096


def data_subject(
    ring: KeyRing, tenant: str, customer: str | None, conversation: str | None, *, own: tuple[str, str]
) -> str:
    """Return whose data a record holds: the customer's, the conversation's or its own (kind and id); pure."""
    if customer is not None:
        return ring.hashed(tenant, "customer", customer)
    if conversation is not None:
        return ring.hashed(tenant, "conversation", conversation)
    return ring.hashed(tenant, *own)


def ticket_subject(ring: KeyRing, ticket: Ticket) -> str:
    """Return whose data a ticket holds; pure."""
    sealed = ticket.sealed or Sealed()
    own = ("ticket", ticket.id)
    return data_subject(ring, ticket.tenant, sealed.customer, sealed.conversation, own=own)


class Erased(Exception):
    """The key of this text was shredded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a ciphertext belongs to; it opens under no other label."""

    tenant: str
    ticket: str
    field: str
    version: int = 1

    def data(self) -> bytes:
        """Return the associated data."""
        return f"{self.tenant}|{self.ticket}|{self.field}|{self.version}".encode()


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key and its id."""

    id: str
    key: bytes = field(repr=False)


def seal(key: DataKey, text: bytes, label: Label) -> bytes:
    """Encrypt a text: format byte, key id, nonce, ciphertext."""
    return FORMAT + bytes.fromhex(key.id) + encrypt(key.key, text, label.data())


def key_id_of(blob: bytes) -> str:
    """Return the id of the key that a ciphertext needs."""
    return blob[1 : 1 + ID_BYTES].hex()


def unseal(key: DataKey, blob: bytes, label: Label) -> bytes:
    """Decrypt a text.

    Raises:
        StoreUnavailable: it was altered, or belongs elsewhere.
    """
    start = 1 + ID_BYTES
    try:
        return decrypt(key.key, blob[start:], label.data())
    except ValueError:
        raise StoreUnavailable("decrypt", why=f"{label.field} of ticket {label.ticket} was altered") from None


class Keyed(Protocol):
    """A database of its own for data keys."""

    def write(self, tenant: str = "") -> AbstractContextManager[Connection]:
        """Run a writing transaction."""

    def ask(self, prepared: Prepared, values: Mapping[str, Any], tenant: str = "") -> PreparedResult:
        """Answer a question that takes one statement."""

    def close(self) -> None:
        """Let go of it."""


class Sealer:
    """Seals and unseals with the key of each data subject, kept wrapped by a master key.

    Args:
        provider: gives the master keys; asked again when a key is wrapped by one that is not known yet.
        apart: where data keys lie, if not in the store itself. A copy of the store alone then holds no key.
    """

    def __init__(self, provider: KeyProvider, apart: Keyed | None = None) -> None:
        self.provider, self.ring, self.apart = provider, ring_of(provider), apart
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def key_for(self, conn: Connection, tenant: str, subject: str) -> DataKey:
        """Return the key of a data subject, making one if there is none. Always asks, never remembers.

        A remembered key may have been shredded meanwhile; what it sealed would be lost at once.
        """
        row = self._asked(conn, _KEY, {"tenant": tenant, "subject": subject}).first()
        if row is not None:
            return self.key_of_row(row)
        with self._writing(conn) as keys:
            return self._made(keys, tenant, subject)

    def asking(self, tenant: str, subject: str) -> tuple[Prepared, Mapping[str, Any]]:
        """Return the statement that reads the key of a data subject, to be sent with others."""
        return _KEY, {"tenant": tenant, "subject": subject}

    def _asked(self, conn: Connection, prepared: Prepared, values: Mapping[str, Any]) -> PreparedResult:
        return prepared(conn, values) if self.apart is None else self.apart.ask(prepared, values)

    def _writing(self, conn: Connection) -> AbstractContextManager[Connection]:
        return nullcontext(conn) if self.apart is None else self.apart.write()

    def fresh(self, tenant: str, subject: str) -> tuple[DataKey, tuple[Prepared, Mapping[str, Any]]]:
        """Return a new key for a data subject without one, and the statement that keeps it.

        The statement belongs into the transaction of what the key seals. If another process made a key for
        them first it raises `UniqueViolation`, and nothing was sealed with this one.
        """
        made = DataKey(id=secrets.token_hex(ID_BYTES), key=secrets.token_bytes(KEY_BYTES))
        return made, (_NEW_KEY, self._row_of(made, tenant, subject))

    def _row_of(self, made: DataKey, tenant: str, subject: str) -> dict[str, Any]:
        return {
            "id": made.id,
            "tenant": tenant,
            "subject": subject,
            "ring_key": self.ring.current,
            "wrapped": _wrap(self._master(self.ring.current), made, tenant, subject),
        }

    def _made(self, keys: Connection, tenant: str, subject: str) -> DataKey:
        """Make a key, or take the one that another process made first."""
        made = DataKey(id=secrets.token_hex(ID_BYTES), key=secrets.token_bytes(KEY_BYTES))
        if _FIRST_KEY(keys, self._row_of(made, tenant, subject)).rowcount:
            return made
        return self.key_of_row(_KEY(keys, {"tenant": tenant, "subject": subject}).first())

    def key_of_row(self, row: Row[Any]) -> DataKey:
        """Return the key of a row that `asking` just gave, in the transaction that seals with it."""
        return DataKey(id=row.id, key=self._unwrapped(row))

    def key_of(self, conn: Connection, blob: bytes) -> DataKey:
        """Return the key that a ciphertext was sealed with.

        Raises:
            Erased: it is gone.
        """
        key_id = key_id_of(blob)
        with self._lock:
            known = self._known.get(key_id)
        return DataKey(key_id, known if known is not None else self._load(conn, key_id))

    def unseal(self, conn: Connection, blob: bytes, label: Label) -> bytes:
        """Decrypt a text.

        Raises:
            Erased: its key is gone.
            StoreUnavailable: it was altered.
        """
        return unseal(self.key_of(conn, blob), blob, label)

    def _load(self, conn: Connection, key_id: str) -> bytes:
        row = self._asked(conn, _KEY_BY_ID, {"id": key_id}).first()
        if row is None:
            raise Erased
        key = self.key_of_row(row).key
        with self._lock:
            self._known[key_id] = key
            while len(self._known) > REMEMBERED_KEYS:
                self._known.popitem(last=False)
        return key

    def shred(self, conn: Connection, tenant: str, subject: str) -> int:
        """Destroy the key of a data subject; returns how many were destroyed (0 or 1)."""
        with self._writing(conn) as keys:
            found = keys.execute(_select(tenant, subject)).all()
            keys.execute(
                delete(data_keys).where(data_keys.c.tenant == tenant, data_keys.c.subject == subject)
            )
        with self._lock:
            for row in found:
                self._known.pop(row.id, None)
        return len(found)

    def rewrap(self, conn: Connection) -> int:
        """Wrap every data key by the provider's current master key; returns how many were wrapped anew."""
        ring = self.ring = ring_of(self.provider)
        with self._writing(conn) as keys:
            rows = keys.execute(select(data_keys).where(data_keys.c.ring_key != ring.current)).all()
            for row in rows:
                wrapped = _wrap(ring.key(ring.current), self.key_of_row(row), row.tenant, row.subject)
                keys.execute(
                    update(data_keys)
                    .where(data_keys.c.id == row.id)
                    .values(ring_key=ring.current, wrapped=wrapped)
                )
        return len(rows)

    def _master(self, name: str) -> bytes:
        try:
            return self.ring.key(name)
        except ConfigError:
            self.ring = ring_of(self.provider)
            return self.ring.key(name)

    def _unwrapped(self, row: Row[Any]) -> bytes:
        label, wrapped = f"{row.tenant}|{row.subject}|{row.id}".encode(), row.wrapped
        try:
            return decrypt(self._master(row.ring_key), wrapped, label)
        except ValueError:
            raise StoreUnavailable(
                "decrypt", why="a data key was altered or the key ring is another"
            ) from None


def _wrap(master: bytes, key: DataKey, tenant: str, subject: str) -> bytes:
    return encrypt(master, key.key, f"{tenant}|{subject}|{key.id}".encode())


_NEW_KEY = Prepared(lambda _: data_keys.insert())
_FIRST_KEY = Prepared(lambda dialect: insert_into(data_keys, dialect).on_conflict_do_nothing())
_KEY = Prepared(
    lambda _: select(data_keys).where(
        data_keys.c.tenant == bindparam("tenant"), data_keys.c.subject == bindparam("subject")
    )
)
_KEY_BY_ID = Prepared(lambda _: select(data_keys).where(data_keys.c.id == bindparam("id")))


def _select(tenant: str, subject: str) -> Select[Any]:
    return select(data_keys).where(data_keys.c.tenant == tenant, data_keys.c.subject == subject)
