"""What people who decide keep for themselves: API tokens, saved views, when they last looked, sign-outs."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from handrail.store.audit.chain import Event
from handrail.store.crypto.authentic import is_authentic, mac_of
from handrail.store.tables import (
    api_tokens,
    insert_into,
    micros,
    moment,
    moment_or_none,
    reviewers,
    saved_views,
)
from handrail.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """What is kept of an API token: whose it is and what it may do; its secret only as a keyed hash."""

    id: str
    person: str
    name: str
    scopes: tuple[str, ...]
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


def add_token(tx: Transaction, record: TokenRecord, secret: str) -> None:
    """Keep a token; that it was made is on record."""
    values = {
        "tenant": tx.tenant,
        "id": record.id,
        "person": record.person,
        "name": record.name,
        "scopes": json.dumps(list(record.scopes)),
        "secret": tx.ring.hashed(tx.tenant, "api token", record.id, secret),
        "made_at": micros(record.made_at),
        "expires_at": micros(record.expires_at),
        "revoked_at": None,
    }
    tx.conn.execute(api_tokens.insert().values(**values, mac=tx.mac("api_tokens", values)))
    data = {"token": record.id, "scopes": list(record.scopes)}
    tx.events.append(
        Event(tenant=tx.tenant, kind="token.make", at=record.made_at, actor=record.person, data=data)
    )


def token(tx: Transaction, name: str, secret: str, now: datetime) -> TokenRecord | None:
    """Return a token that is as it was made, has not ended and has this secret; None otherwise."""
    query = select(api_tokens).where(api_tokens.c.tenant == tx.tenant, api_tokens.c.id == name)
    row = tx.conn.execute(query).first()
    if row is None or (row.mac is None and not tx.is_postgres):
        return None
    if not is_authentic(tx.ring, "api_tokens", row._mapping):
        return None
    expected = tx.ring.hashed(tx.tenant, "api token", name, secret)
    is_right = hmac.compare_digest(row.secret, expected)
    is_live = row.revoked_at is None and row.expires_at > micros(now)
    return _record(row) if is_right and is_live else None


def tokens(tx: Transaction, person: str) -> tuple[TokenRecord, ...]:
    """Return a person's tokens, the newest first."""
    query = select(api_tokens).where(api_tokens.c.tenant == tx.tenant, api_tokens.c.person == person)
    return tuple(_record(row) for row in tx.conn.execute(query.order_by(api_tokens.c.made_at.desc())))


def revoke(tx: Transaction, name: str, person: str, now: datetime) -> bool:
    """End a token of a person; returns whether it was in use."""
    mine = (api_tokens.c.tenant == tx.tenant) & (api_tokens.c.id == name) & (api_tokens.c.person == person)
    row = tx.conn.execute(select(api_tokens).where(mine)).first()
    if row is None or row.revoked_at is not None:
        return False
    values: dict[str, Any] = {"revoked_at": micros(now)}
    if row.mac is not None:
        values["mac"] = mac_of(tx.ring, "api_tokens", {**row._mapping, **values})
    tx.conn.execute(update(api_tokens).where(mine).values(**values))
    event = Event(tenant=tx.tenant, kind="token.revoke", at=now, actor=person, data={"token": name})
    tx.events.append(event)
    return True


def _record(row: Any) -> TokenRecord:
    return TokenRecord(
        id=row.id,
        person=row.person,
        name=row.name,
        scopes=tuple(json.loads(row.scopes)),
        made_at=moment(row.made_at),
        expires_at=moment(row.expires_at),
        revoked_at=moment_or_none(row.revoked_at),
    )


def save_view(tx: Transaction, person: str, name: str, query: str, now: datetime) -> None:
    """Keep a person's view under a name; one of this name is replaced."""
    values = {"tenant": tx.tenant, "person": person, "name": name, "query": query, "at": micros(now)}
    statement = insert_into(saved_views, tx.conn.dialect.name).values(**values)
    again = {"query": query, "at": micros(now)}
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["tenant", "person", "name"], set_=again))


def views(tx: Transaction, person: str) -> Mapping[str, str]:
    """Return a person's saved views by name, in the order of their names."""
    query = (
        select(saved_views.c.name, saved_views.c.query)
        .where(saved_views.c.tenant == tx.tenant, saved_views.c.person == person)
        .order_by(saved_views.c.name)
    )
    return {row.name: row.query for row in tx.conn.execute(query)}


def drop_view(tx: Transaction, person: str, name: str) -> None:
    """Forget a saved view; one that is not there stays away."""
    mine = (saved_views.c.tenant == tx.tenant) & (saved_views.c.person == person)
    tx.conn.execute(delete(saved_views).where(mine, saved_views.c.name == name))


def mark(tx: Transaction, person: str, **when: datetime) -> None:
    """Keep when a person last looked (`seen_at`), or since when their sessions count (`signed_out_at`)."""
    values = {name: micros(at) for name, at in when.items()}
    statement = insert_into(reviewers, tx.conn.dialect.name).values(tenant=tx.tenant, person=person, **values)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["tenant", "person"], set_=values))


def marked(tx: Transaction, person: str) -> tuple[datetime | None, datetime | None]:
    """Return when a person last looked, and since when their sessions count; None where that is not known."""
    query = select(reviewers).where(reviewers.c.tenant == tx.tenant, reviewers.c.person == person)
    row = tx.conn.execute(query).first()
    return (moment_or_none(row.seen_at), moment_or_none(row.signed_out_at)) if row else (None, None)
