"""Passed answers that people check: kept sealed, read on record, judged once; and the log they belong to."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    String,
    Table,
    Text,
    select,
    update,
)

from handrail.errors import AlreadyDecided, NotAllowed, TicketNotFound
from handrail.store.audit.chain import Event
from handrail.store.caller import CallerStore
from handrail.store.crypto.sealing import Erased, data_subject
from handrail.store.tables import audit, insert_into, metadata, micros, moment, resolutions
from handrail.store.tickets.actor import Actor
from handrail.store.tickets.rows import listed, names
from handrail.store.transaction import Transaction
from handrail.tickets.samples import NO_LABELS, SampledAnswer, SampleLabels, SampleText, SampleVerdict

audits = Table(
    "audits",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("exchange", String(64), nullable=False),
    Column("roles", Text, nullable=False),
    Column("model", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("masked", LargeBinary),
    Column("plain", LargeBinary),
    Column("verdict", String(16)),
    Column("judged_by", String(128)),
    Column("judged_at", BigInteger),
    PrimaryKeyConstraint("tenant", "exchange"),
)
Index(
    "ix_audits_waiting",
    audits.c.tenant,
    audits.c.at,
    audits.c.exchange,
    sqlite_where=audits.c.verdict.is_(None),
)
Index("ix_audits_judged", audits.c.tenant, audits.c.judged_at)

VIEWED, UNMASKED, JUDGED, PRUNED = "answer.view", "answer.unmask", "answer.judge", "answer.prune"
CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """One answer to check, as a list shows it: without content."""

    exchange: str
    at: datetime
    model: str
    roles: tuple[str, ...]
    verdict: SampleVerdict | None
    judged_by: str | None
    judged_at: datetime | None


def keep(store: CallerStore, answer: SampledAnswer, *, at: datetime) -> None:
    """Keep an answer for whoever checks it, sealed with its data subject's key. Safe to repeat."""
    with store.write(answer.tenant) as tx:
        own = ("answer", answer.exchange)
        subject = data_subject(tx.ring, tx.tenant, answer.customer, answer.conversation, own=own)
        values = {
            "tenant": answer.tenant,
            "exchange": answer.exchange,
            "roles": listed(answer.roles),
            "model": answer.model[:128],
            "at": micros(at),
            "masked": tx.sealed(subject, answer.exchange, "audit", answer.masked.model_dump_json()),
            "plain": tx.sealed(subject, answer.exchange, "audit.plain", answer.plain.model_dump_json()),
        }
        tx.conn.execute(insert_into(audits, tx.conn.dialect.name).values(**values).on_conflict_do_nothing())


def waiting(store: CallerStore, tenant: str, *, limit: int = 50, judged: bool = False) -> list[SampleRow]:
    """Return answers that wait to be checked, oldest first; with `judged` those that were, newest first."""
    query = select(audits).where(audits.c.tenant == tenant).limit(limit)
    if judged:
        query = query.where(audits.c.verdict.is_not(None)).order_by(audits.c.judged_at.desc())
    else:
        query = query.where(audits.c.verdict.is_(None)).order_by(audits.c.at, audits.c.exchange)
    with store.read(tenant) as tx:
        return [_row(row) for row in tx.conn.execute(query)]


def show(
    store: CallerStore, tenant: str, exchange: str, actor: Actor, *, unmask: bool = False
) -> tuple[SampleRow, SampleText | None]:
    """Show an answer to a member of its roles; that they looked is recorded first, durably.

    Returns:
        The row, and the words, masked unless `unmask` is set; None once the data subject was erased.

    Raises:
        TicketNotFound: no answer of this exchange is kept.
        NotAllowed: not a member of its roles.
    """
    with store.write(tenant) as tx:
        row = _load(tx, exchange)
        role = _role(row, actor)
        tx.events.append(_event(tx, UNMASKED if unmask else VIEWED, exchange, actor, role))
    with store.read(tenant) as tx:
        return _row(row), _words(tx, row, unmask=unmask)


def judge(
    store: CallerStore,
    tenant: str,
    exchange: str,
    verdict: SampleVerdict,
    actor: Actor,
    labels: SampleLabels = NO_LABELS,
) -> None:
    """Record whether an answer was right, and what else was found of it; once.

    Calibrations are made from the verdict; the labels stand in the audit log alone.

    Raises:
        TicketNotFound: no answer of this exchange is kept.
        NotAllowed: not a member of its roles.
        AlreadyDecided: somebody has judged it.
    """
    with store.write(tenant) as tx:
        role = _role(_load(tx, exchange), actor)
        done = tx.conn.execute(
            update(audits)
            .where(audits.c.tenant == tenant, audits.c.exchange == exchange, audits.c.verdict.is_(None))
            .values(verdict=verdict.value, judged_by=actor.person, judged_at=micros(actor.now))
        )
        if done.rowcount != 1:
            raise AlreadyDecided(exchange, "this answer was judged before")
        told = {"labels": labels.data()} if labels.data() else {}
        tx.events.append(_event(tx, JUDGED, exchange, actor, role, verdict=verdict.value, **told))


def labels_of(store: CallerStore, tenant: str, rows: Sequence[SampleRow]) -> dict[str, Mapping[str, str]]:
    """Return the labels of answers that were judged, by exchange; those without any are left out."""
    moments = [micros(row.judged_at) for row in rows if row.judged_at is not None]
    if not moments:
        return {}
    query = select(audit.c.data).where(
        audit.c.tenant == tenant, audit.c.kind == JUDGED, audit.c.at.between(min(moments), max(moments))
    )
    with store.read(tenant) as tx:
        found = [json.loads(row.data) for row in tx.conn.execute(query)]
    wanted = {row.exchange for row in rows}
    return {one["exchange"]: one["labels"] for one in found if "labels" in one and one["exchange"] in wanted}


def prune(store: CallerStore, tenant: str, *, before: datetime, by: str, now: datetime) -> int:
    """Remove the words of answers that were kept before a moment; returns how many had some.

    Verdicts stay, for calibrations are made from them. An answer that nobody judged counts as wrong then.
    """
    with store.write(tenant) as tx:
        done = tx.conn.execute(
            update(audits)
            .where(audits.c.tenant == tenant, audits.c.at < micros(before), audits.c.masked.is_not(None))
            .values(masked=None, plain=None)
        )
        data = {"before": micros(before), "answers": done.rowcount}
        tx.events.append(Event(tenant=tenant, kind=PRUNED, at=now, actor=by, data=data))
        return int(done.rowcount)


def scored(
    tx: Transaction, since: datetime | None = None
) -> Iterator[tuple[datetime, str, Mapping[str, Any]]]:
    """Yield every scored answer on record by time: when it was decided, its exchange, and its row."""
    query = select(audit.c.at, audit.c.data).where(
        audit.c.tenant == tx.tenant, audit.c.kind.like("decision.%"), audit.c.data.contains('"scored":{')
    )
    if since is not None:
        query = query.where(audit.c.at >= micros(since))
    for row in tx.conn.execution_options(yield_per=CHUNK).execute(query.order_by(audit.c.at, audit.c.seq)):
        data = json.loads(row.data)
        yield moment(row.at), str(data["exchange"]), data["scored"]


def verdicts(tx: Transaction) -> dict[str, SampleVerdict]:
    """Return every verdict by exchange: of checked answers, and of tickets that people have decided.

    An answer that was handed off was right if everybody approved it as it was.
    """
    found: dict[str, SampleVerdict] = {}
    asked = select(resolutions.c.ticket, resolutions.c.verdict).where(resolutions.c.tenant == tx.tenant)
    final = {
        row.ticket
        for row in tx.conn.execute(
            select(resolutions.c.ticket).where(resolutions.c.tenant == tx.tenant, resolutions.c.is_final)
        )
    }
    for row in tx.conn.execute(asked):
        if row.ticket in final:
            is_wrong = row.verdict != "approve" or found.get(row.ticket) is SampleVerdict.WRONG
            found[row.ticket] = SampleVerdict.WRONG if is_wrong else SampleVerdict.RIGHT
    judged = select(audits.c.exchange, audits.c.verdict).where(
        audits.c.tenant == tx.tenant, audits.c.verdict.is_not(None)
    )
    found |= {row.exchange: SampleVerdict(row.verdict) for row in tx.conn.execute(judged)}
    return found


def _load(tx: Transaction, exchange: str) -> Row[Any]:
    query = select(audits).where(audits.c.tenant == tx.tenant, audits.c.exchange == exchange)
    row = tx.conn.execute(query).first()
    if row is None:
        raise TicketNotFound(exchange, "no answer of this exchange is kept")
    return row


def _role(row: Row[Any], actor: Actor) -> str:
    for role in names(row.roles):
        acting = actor.acting_role(role)
        if acting is not None:
            return acting
    raise NotAllowed(row.exchange, f"only a member of {' or '.join(names(row.roles))} may check it")


def _words(tx: Transaction, row: Row[Any], *, unmask: bool) -> SampleText | None:
    blob, part = (row.plain, "audit.plain") if unmask else (row.masked, "audit")
    if blob is None:
        return None
    try:
        return SampleText.model_validate_json(tx.opened(blob, row.exchange, part))
    except Erased:
        return None


def _row(row: Row[Any]) -> SampleRow:
    return SampleRow(
        exchange=row.exchange,
        at=moment(row.at),
        model=row.model,
        roles=names(row.roles),
        verdict=SampleVerdict(row.verdict) if row.verdict else None,
        judged_by=row.judged_by,
        judged_at=moment(row.judged_at) if row.judged_at is not None else None,
    )


def _event(tx: Transaction, kind: str, exchange: str, actor: Actor, role: str, **data: object) -> Event:
    return Event(
        tenant=tx.tenant,
        kind=kind,
        at=actor.now,
        actor=actor.person,
        role=role,
        data={"exchange": exchange, **data},
    )
