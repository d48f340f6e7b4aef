"""Passkeys by which people show anew who they are: public halves only, each under the person it is of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from handrail.errors import NotPermitted
from handrail.store.audit.chain import Event
from handrail.store.crypto.authentic import authentic
from handrail.store.tables import metadata, micros, moment
from handrail.store.transaction import Transaction

passkeys = Table(
    "passkeys",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("id", String(1400), nullable=False),
    Column("person", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("mac", String(64)),
    PrimaryKeyConstraint("tenant", "id"),
    Index("ix_passkeys_person", "tenant", "person"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One passkey; `id` and `public_key` are base64url, `uses` is the count its authenticator last told."""

    id: str
    person: str
    name: str
    public_key: str
    uses: int
    made_at: datetime


def add(tx: Transaction, passkey: Passkey) -> None:
    """Keep a new passkey, and put on record whose it is; raises IntegrityError for one that is known."""
    values = {
        "tenant": tx.tenant,
        "id": passkey.id,
        "person": passkey.person,
        "name": passkey.name,
        "public_key": passkey.public_key,
        "uses": passkey.uses,
        "made_at": micros(passkey.made_at),
    }
    tx.conn.execute(insert(passkeys).values(**values, mac=tx.mac("passkeys", values)))
    _record(tx, "passkey.added", passkey.person, passkey.made_at, passkey.id)


def of_person(tx: Transaction, person: str) -> tuple[Passkey, ...]:
    """Return a person's passkeys, oldest first.

    Raises:
        StoreUnavailable: one was altered.
    """
    query = (
        select(passkeys)
        .where(passkeys.c.tenant == tx.tenant, passkeys.c.person == person)
        .order_by(passkeys.c.made_at, passkeys.c.id)
    )
    rows = [row._mapping for row in tx.conn.execute(query)]
    for row in rows:
        authentic(tx.ring, "passkeys", row)
    return tuple(_passkey(row) for row in rows)


def used(tx: Transaction, passkey: Passkey, uses: int) -> None:
    """Keep how often a passkey was used; the same use, or an earlier one, does not count again.

    Raises:
        NotPermitted: another use came in between.
    """
    values = {
        "tenant": tx.tenant,
        "id": passkey.id,
        "person": passkey.person,
        "name": passkey.name,
        "public_key": passkey.public_key,
        "uses": uses,
        "made_at": micros(passkey.made_at),
    }
    done = tx.conn.execute(
        update(passkeys)
        .where(
            passkeys.c.tenant == tx.tenant,
            passkeys.c.id == passkey.id,
            passkeys.c.person == passkey.person,
            passkeys.c.uses == passkey.uses,
        )
        .values(uses=uses, mac=tx.mac("passkeys", values))
    )
    if done.rowcount != 1:
        raise NotPermitted("step_up", "level")


def remove(tx: Transaction, person: str, passkey: str, now: datetime) -> bool:
    """Forget a passkey of a person; returns whether there was one."""
    done = tx.conn.execute(
        passkeys.delete().where(
            passkeys.c.tenant == tx.tenant, passkeys.c.id == passkey, passkeys.c.person == person
        )
    )
    if done.rowcount:
        _record(tx, "passkey.removed", person, now, passkey)
    return bool(done.rowcount)


def _record(tx: Transaction, kind: str, person: str, at: datetime, passkey: str) -> None:
    # The beginning tells it from others; whole, an id may be longer than a line.
    data = {"passkey": passkey[:16]}
    tx.events.append(Event(tenant=tx.tenant, kind=kind, at=at, actor=person, data=data))


def _passkey(row: Mapping[Any, Any]) -> Passkey:
    return Passkey(
        id=row["id"],
        person=row["person"],
        name=row["name"],
        public_key=row["public_key"],
        uses=row["uses"],
        made_at=moment(row["made_at"]),
    )
