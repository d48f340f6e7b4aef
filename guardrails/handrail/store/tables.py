"""The tables. Times are microseconds since 1970 UTC; people and conversations are keyed hashes."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

metadata: Final = MetaData(
    naming_convention={"ix": "ix_%(column_0_N_label)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)
keys_metadata: Final = MetaData()

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def insert_into(table: Table, dialect: str) -> Any:
    """Return an INSERT that can say what happens on a conflict; only this dialect is imported."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as on_postgres

        return on_postgres(table)
    from sqlalchemy.dialects.sqlite import insert

    return insert(table)


def micros(moment: datetime) -> int:
    """Return a moment as microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def micros_or_none(moment: datetime | None) -> int | None:
    """Return a moment as microseconds, None for none."""
    return None if moment is None else micros(moment)


def moment(value: int) -> datetime:
    """Return the moment of some microseconds since 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=value)


def moment_or_none(value: int | None) -> datetime | None:
    """Return a moment, None for none."""
    return None if value is None else moment(value)


tickets = Table(
    "tickets",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("id", String(64), nullable=False),
    Column("dedupe_key", String(128), nullable=False),
    Column("conversation", String(64)),
    Column("subject", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("role", String(64), nullable=False),
    Column("slot", String(64), nullable=False),
    Column("waiting_for", Text, nullable=False),
    Column("agreed", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("on_expiry", String(16), nullable=False),
    Column("level", Integer, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("trigger", String(32), nullable=False),
    Column("reason_code", String(128), nullable=False),
    Column("policy_sha256", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("claimed_by", String(128)),
    Column("is_taken_over", Boolean, nullable=False),
    Column("lease_until", BigInteger),
    Column("start_by", BigInteger),
    Column("warn_at", BigInteger),
    Column("decide_by", BigInteger),
    Column("paused_at", BigInteger),
    Column("leg_at", BigInteger, nullable=False),
    Column("next_timer", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("content", LargeBinary),
    Column("sealed", LargeBinary),
    Column("mac", String(64)),
    Column("duplicate_of", String(64)),
    Column("reference", String(16)),
    Column("tool", String(128)),
    Column("snoozed_until", BigInteger),
    Column("extended_at", BigInteger),
    Column("is_seeded", Boolean),
    PrimaryKeyConstraint("tenant", "id"),
)
_OPEN = tickets.c.is_open.is_(True)
# The migrations' scripts make the tables, PostgreSQL's partial indexes included; naming its options here
# would import its dialect into every process.
Index(
    "uq_tickets_open_dedupe",
    tickets.c.tenant,
    tickets.c.dedupe_key,
    unique=True,
    sqlite_where=_OPEN,
)
Index(
    "uq_tickets_open_conversation",
    tickets.c.tenant,
    tickets.c.conversation,
    unique=True,
    sqlite_where=_OPEN,
)
Index(
    "ix_tickets_open_by_role",
    tickets.c.tenant,
    tickets.c.role,
    tickets.c.decide_by,
    tickets.c.id,
    sqlite_where=_OPEN,
)
_TIMED = tickets.c.next_timer.is_not(None)
Index("ix_tickets_timer", tickets.c.next_timer, sqlite_where=_TIMED)
Index(
    "ix_tickets_conversation",
    tickets.c.tenant,
    tickets.c.conversation,
    tickets.c.is_open,
    tickets.c.updated_at,
)
Index("ix_tickets_open_due", tickets.c.tenant, tickets.c.decide_by, tickets.c.id, sqlite_where=_OPEN)
APPLYING = tickets.c.state == literal_column("'applying'")
"""Written out, so that a database sees that its index is of these."""
Index("ix_tickets_applying", tickets.c.next_timer, sqlite_where=APPLYING)
Index("ix_tickets_subject", tickets.c.tenant, tickets.c.subject)
Index("uq_tickets_reference", tickets.c.tenant, tickets.c.reference, unique=True)
Index("ix_tickets_rule", tickets.c.tenant, tickets.c.reason_code, tickets.c.is_open, tickets.c.created_at)
Index("ix_tickets_state", tickets.c.tenant, tickets.c.state, tickets.c.created_at, tickets.c.id)

attempts = Table(
    "attempts",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("ticket", String(64), nullable=False),
    Column("exchange", String(64), nullable=False),
    Column("alias", String(64)),
    Column("at", BigInteger, nullable=False),
    Column("content", LargeBinary),
    PrimaryKeyConstraint("tenant", "ticket", "exchange"),
    Index("ix_attempts_alias", "tenant", "alias"),
)

# The name in the database is older than the word; see docs/decisions/0013-resolution-and-decision.md.
resolutions = Table(
    "decisions",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("id", String(64), nullable=False),
    Column("ticket", String(64), nullable=False),
    Column("round", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("is_final", Boolean, nullable=False),
    Column("person", String(128), nullable=False),
    Column("role", String(64), nullable=False),
    Column("slot", String(64), nullable=False),
    Column("agreed", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("content_sha256", String(64), nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("idempotency_key", String(128), nullable=False),
    Column("content", LargeBinary),
    Column("key_id", String(64), nullable=False),
    Column("signature", LargeBinary),
    Column("mac", String(64)),
    Column("undone_at", BigInteger),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "ticket", "round", "turn"),
    UniqueConstraint("tenant", "ticket", "idempotency_key"),
)

uses = Table(
    "uses",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("ticket", String(64), nullable=False),
    Column("round", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "ticket", "round"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("id", String(160), nullable=False),
    Column("tool", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("customer", String(64)),
    Column("conversation", String(64)),
    Column("digest", String(64), nullable=False),
    Column("ticket", String(64)),
    Column("state", String(16), nullable=False),
    Column("amounts", Text, nullable=False),
    Column("mac", String(64)),
    PrimaryKeyConstraint("tenant", "id"),
    Index("ix_ledger_customer", "tenant", "tool", "customer", "at"),
    Index("ix_ledger_conversation", "tenant", "tool", "conversation", "at"),
    Index("ix_ledger_tenant", "tenant", "tool", "at"),
)

# What entries of the ledger come to; triggers keep it, see the migration that made it.
ledger_totals = Table(
    "ledger_totals",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("tool", String(128), nullable=False),
    Column("per", String(16), nullable=False),
    Column("key", String(64), nullable=False),
    Column("level", Integer, nullable=False),
    Column("bucket", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("scale", Integer, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("units", Numeric, nullable=False),
    PrimaryKeyConstraint("tenant", "tool", "per", "key", "level", "bucket", "name", "currency", "scale"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("ticket", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("role", String(64), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("trigger", String(32), nullable=False),
    Column("decide_by", BigInteger),
    Column("at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("available_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", String(64), nullable=False),
    UniqueConstraint("tenant", "ticket", "version"),
)
_PENDING = outbox.c.state == "pending"
Index("ix_outbox_pending", outbox.c.available_at, sqlite_where=_PENDING)

audit = Table(
    "audit",
    metadata,
    Column("writer", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("ticket", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("role", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Column("prev", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("writer", "seq"),
    Index("ix_audit_ticket", "tenant", "ticket", "version"),
    Index("ix_audit_at", "tenant", "at"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("writer", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("floor_seq", BigInteger, nullable=False),
    Column("floor_hash", String(64), nullable=False),
    Column("mac", String(64)),
    Column("floor_mac", String(64)),
)

# The content of every policy that a guard of this store was given, by its hash.
policy_texts = Table(
    "policy_texts",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("version", String(128), nullable=False),
    Column("content", Text, nullable=False),
)

# Who proposed to put a policy in force, and who agreed: rows are added and never changed.
policy_changes = Table(
    "policy_changes",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("change", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(128), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("person", String(128), nullable=False),
    Column("role", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("effective_from", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("signature", LargeBinary),
    Column("mac", String(64)),
    Index("ix_policy_changes_name", "name", "at"),
)

# What is on hold: a role, or everything where the role is empty.
pauses = Table(
    "pauses",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("role", String(64), nullable=False),
    Column("person", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", String(128), nullable=False),
    Column("mac", String(64)),
    PrimaryKeyConstraint("tenant", "role"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("id", String(64), nullable=False),
    Column("person", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("scopes", String(128), nullable=False),
    Column("secret", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("mac", String(64)),
    PrimaryKeyConstraint("tenant", "id"),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("person", String(128), nullable=False),
    Column("name", String(64), nullable=False),
    Column("query", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "person", "name"),
)

# When people who decide last looked at their list, and since when their sessions count.
reviewers = Table(
    "reviewers",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("person", String(128), nullable=False),
    Column("seen_at", BigInteger),
    Column("signed_out_at", BigInteger),
    PrimaryKeyConstraint("tenant", "person"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "subject", "at"),
)

data_keys = Table(
    "data_keys",
    keys_metadata,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("ring_key", String(64), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    UniqueConstraint("tenant", "subject"),
)
