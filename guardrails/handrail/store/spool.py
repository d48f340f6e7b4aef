"""Tickets on disk while the store is out of reach: one encrypted file each, synced before it counts."""

import fcntl
import hashlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from handrail.errors import StoreUnavailable
from handrail.store.crypto import keys as environment
from handrail.store.crypto.cipher import decrypt, encrypt
from handrail.store.crypto.keys import (
    KEY_BYTES,
    EnvKeys,
    FileKeys,
    KeyProvider,
    KeyRing,
    ring_of,
    sync_folder,
)
from handrail.store.crypto.sealing import ticket_subject
from handrail.store.database import file_of, parse_url
from handrail.store.tables import micros
from handrail.tickets.ports import TicketReceipt
from handrail.tickets.ticket import Ticket

_SAFE = re.compile(r"[^A-Za-z0-9_-]")
WAITING, DAMAGED = ".ticket", ".damaged"


class TicketOpener(Protocol):
    """Where drained tickets go."""

    def open(self, ticket: Ticket) -> TicketReceipt:
        """Make a ticket durable; safe to repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What a drain did: opened, dropped because the data subject was erased, set aside as damaged."""

    opened: int = 0
    erased: int = 0
    damaged: int = 0


class Spool:
    """A folder of tickets that wait for the store. Any number of processes may use it at once.

    Args:
        path: the folder; made on first use, for its owner only.
        key_provider: where the key ring comes from.
    """

    def __init__(self, path: Path | str, key_provider: KeyProvider) -> None:
        self.path, self._provider = Path(path), key_provider

    @classmethod
    def beside(cls, url: str, key_provider: KeyProvider | None = None) -> "Spool":
        """Return the spool that belongs to a store: beside a SQLite file, else in the working folder."""
        file = file_of(parse_url(url))
        if file is not None:
            own: KeyProvider = FileKeys(file.with_name(f"{file.name}.key"), create=True)
            provider = key_provider or environment.key_provider() or own
            return cls(file.with_name(f"{file.name}.spool"), provider)
        if url.startswith("sqlite"):
            folder = Path(tempfile.gettempdir(), f"handrail-{os.getuid()}-{os.getpid()}.spool")
            own = FileKeys(folder.with_suffix(".key"), create=True)
            return cls(folder, key_provider or own)
        return cls(Path("handrail.spool"), key_provider or environment.key_provider() or EnvKeys())

    def put(self, ticket: Ticket) -> None:
        """Write a ticket durably: when this returns it survives a loss of power.

        Raises:
            StoreUnavailable: the disk refuses too. No answer may be given then.
        """
        try:
            self._prepare()
            ring = ring_of(self._provider)
            subject = ticket_subject(ring, ticket)
            name = f"{micros(ticket.created_at):020d}-{_SAFE.sub('_', ticket.id)}-{_digest(ticket)}{WAITING}"
            head = {"tenant": ticket.tenant, "id": ticket.id, "subject": subject}
            key = self._subject_key(ring, subject)
            label = f"spool|{ticket.tenant}|{ticket.id}|{subject}".encode()
            record = {**head, "body": encrypt(key, ticket.model_dump_json().encode(), label).hex()}
            self._write(self.path / name, json.dumps(record))
        except OSError as error:
            raise StoreUnavailable("spool", why=type(error).__name__) from None

    def waiting(self) -> int:
        """Return how many tickets wait."""
        return len(self._names())

    def drain(self, store: TicketOpener) -> Drained:
        """Open every waiting ticket in the store, oldest first; each is removed once it is durable there.

        Raises:
            StoreUnavailable: the store is out of reach still; what was not opened goes on waiting.
        """
        opened = erased = damaged = 0
        if not self._names():
            return Drained()
        with self._alone():
            for path in self._names():
                try:
                    ticket = self._read(path)
                except (ValueError, KeyError, TypeError, ValidationError):
                    path.rename(path.with_suffix(DAMAGED))
                    damaged += 1
                    continue
                if ticket is None:
                    erased += 1
                else:
                    store.open(ticket)
                    opened += 1
                path.unlink(missing_ok=True)
                sync_folder(self.path)
        return Drained(opened=opened, erased=erased, damaged=damaged)

    def shred(self, tenant: str, customer: str) -> bool:
        """Destroy the key of a data subject, so that its waiting tickets cannot be read any more."""
        subject = ring_of(self._provider).hashed(tenant, "customer", customer)
        path = self._key_path(subject)
        try:
            path.unlink()
            sync_folder(path.parent)
        except FileNotFoundError:
            return False
        return True

    def _names(self) -> list[Path]:
        return sorted(self.path.glob(f"*{WAITING}"))

    def _prepare(self) -> None:
        if not self.path.is_dir():
            (self.path / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            sync_folder(self.path.parent)

    def _read(self, path: Path) -> Ticket | None:
        """Return a waiting ticket, None if its key was shredded."""
        record = json.loads(path.read_text())
        try:
            key = self._unwrapped(ring_of(self._provider), record["subject"])
        except FileNotFoundError:
            return None
        label = f"spool|{record['tenant']}|{record['id']}|{record['subject']}".encode()
        return Ticket.model_validate_json(decrypt(key, bytes.fromhex(record["body"]), label))

    def _subject_key(self, ring: KeyRing, subject: str) -> bytes:
        try:
            return self._unwrapped(ring, subject)
        except FileNotFoundError:
            pass
        label = f"spool|{subject}".encode()
        wrapped = encrypt(ring.key(ring.current), secrets.token_bytes(KEY_BYTES), label)
        record = {"ring_key": ring.current, "wrapped": wrapped.hex()}
        self._write(self._key_path(subject), json.dumps(record), keep_first=True)
        return self._unwrapped(ring, subject)

    def _unwrapped(self, ring: KeyRing, subject: str) -> bytes:
        record = json.loads(self._key_path(subject).read_text())
        label = f"spool|{subject}".encode()
        return decrypt(ring.key(record["ring_key"]), bytes.fromhex(record["wrapped"]), label)

    def _key_path(self, subject: str) -> Path:
        return self.path / "keys" / subject

    def _write(self, path: Path, text: str, *, keep_first: bool = False) -> None:
        scratch = path.with_name(f".{secrets.token_hex(8)}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if keep_first:
                _link_once(scratch, path)
            else:
                scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
        sync_folder(path.parent)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One drain at a time; a second one waits and finds nothing left."""
        with (self.path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _link_once(scratch: Path, path: Path) -> None:
    # Where another process made this key first, its own counts.
    with suppress(FileExistsError):
        os.link(scratch, path)


def _digest(ticket: Ticket) -> str:
    return hashlib.sha256(f"{ticket.tenant}|{ticket.id}".encode()).hexdigest()[:8]
