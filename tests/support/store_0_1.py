"""The stores that 0.1 left behind: a copy of one opened, and told as plain data like that of `expected.json`.

`tests/data/store_0_1/make_store_0_1.py` made the stores with the 0.1 code; nothing here changes them.
"""

import gzip
import json
import re
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from typer.testing import CliRunner

from handrail.cli import build
from handrail.policy import load, load_people
from handrail.review.calibration.decision_log import log_lines
from handrail.store import Actor, Filter, Spool, SqlStore, Trust, open_store
from handrail.store import samples as audits
from handrail.store.crypto.keys import FileKeys
from handrail.store.crypto.signing import new_signer, read_signer, read_trusted
from handrail.store.database import Database
from handrail.store.migrate import upgrade
from handrail.store.outbox import OutboxMessage
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import LedgerQuery
from support.stores import Logins, Sides, empty_database, logins_of

FOLDER = Path(__file__).parents[1] / "data" / "store_0_1"
BACKENDS = ("sqlite", "postgresql")
TENANTS = ("default", "acme")
LATER = timedelta(days=30)
MEMBERS = {
    "finance_lead": "fay",
    "supervisor": "sue",
    "billing": "bill",
    "queue_manager": "quinn",
    "process_owner": "petra",
}
CUSTOMERS = ("cora", "joan", "tara", "paula", "edda", "alma", "fred", "una", "wanda", "erika", "acme-1")
CONVERSATIONS = (
    "v-ready", "v-claimed", "v-waiting", "v-joined", "v-taken", "v-approved", "v-edited", "v-applied",
    "v-rejected", "v-answered", "v-expired", "v-failed", "v-unknown", "v-cancelled", "v-nobody",
)  # fmt: skip
EXPORT, CHECKPOINT = "audit_export.jsonl", "checkpoint.json"


@dataclass(frozen=True)
class Left:
    """A copy of one store with all that lay beside it."""

    sides: Sides
    folder: Path
    spool: Spool
    now: datetime

    def actor(self, person: str) -> Actor:
        """A person's hand at the moment after which nothing more was done."""
        return Actor(person=person, people=people(), now=self.now)


def expected() -> dict[str, Any]:
    """What 0.1 says of its stores."""
    told: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
    return told


def people() -> Any:
    """Who fills which role."""
    return load_people(FOLDER / "people.yaml", load(FOLDER / "policy.yaml"))


def copied(backend: str, target: Path, *, now: datetime, source: Path = FOLDER) -> Left:
    """Copy one store, with its keys for their owner only as they were, and open the copy."""
    folder = target / backend
    shutil.copytree(source / backend, folder)
    for packed in folder.glob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    if backend == "sqlite":
        return _sqlite(folder, now)
    return _postgresql(folder, now, _loaded((folder / "store.sql").read_text(encoding="utf-8")))


def _loaded(dump: str) -> Logins:
    """Load a dump into a fresh database and bring its tables to the present version."""
    owner = empty_database()
    engine = create_engine(owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        for statements in (_ROLES, dump):
            conn.execution_options(no_parameters=True).exec_driver_sql(statements)
    engine.dispose()
    database = Database(owner)
    upgrade(database)
    database.close()
    return logins_of(owner)


# A dump holds no roles: they belong to the whole server.
_ROLES = "".join(
    f"DO $$ BEGIN CREATE ROLE handrail_{side} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
    for side in ("app", "inbox", "desk", "admin")
)


def _sqlite(folder: Path, now: datetime) -> Left:
    url = f"sqlite:///{folder}/store.sqlite"
    sides = Sides(
        lambda _: open_store(url, allow_volatile=True, clock=lambda: now), url=url, backend="sqlite"
    )
    return Left(sides=sides, folder=folder, spool=Spool.beside(url), now=now)


def _postgresql(folder: Path, now: datetime, logins: Logins) -> Left:
    keys = FileKeys(folder / "keys" / "handrail.key")
    trusted = read_trusted((folder / "keys" / "trusted.txt").read_text())
    signer = read_signer((folder / "keys" / "signing.key").read_text())

    def opened(side: str) -> SqlStore:
        trust = Trust(signer=signer) if side == "inbox" else Trust(trusted=trusted)
        return open_store(getattr(logins, side), key_provider=keys, trust=trust, clock=lambda: now)

    sides = Sides(opened, url=logins.app, backend="postgresql", logins=logins)
    return Left(sides=sides, folder=folder, spool=Spool(folder / "handrail.spool", keys), now=now)


def told(left: Left) -> dict[str, Any]:
    """Tell all that people and programs see of a store; changes nothing."""
    return {tenant: _tenant(left, tenant) for tenant in TENANTS}


def _tenant(left: Left, tenant: str) -> dict[str, Any]:
    sides = left.sides
    conversations = {name: _plain(sides.app.conversation(tenant, name)) for name in CONVERSATIONS}
    for conversation in conversations.values():
        # The code of a rejection, and the reference that people say, came later.
        conversation["note"] = re.sub(r" Reason: \w+\.", "", conversation["note"])
        conversation.pop("reference")
    return {
        "counts": {state.value: count for state, count in sides.inbox.counts(tenant).items()},
        "tickets": {name: _ticket(sides, tenant, name) for name in ticket_ids(sides.inbox, tenant)},
        "conversations": conversations,
        "ledger": {customer: _totals(left, tenant, customer) for customer in CUSTOMERS},
        "samples": {row.exchange: _plain(row) for row in _samples(sides.inbox, tenant)},
        "scored": [json.loads(line) for line in log_lines(sides.inbox, tenant)],
    }


def ticket_ids(store: SqlStore, tenant: str) -> list[str]:
    """Ids of every ticket of a tenant, in whatever state."""
    pages = (store.list(tenant, Filter(state=state, limit=1000)) for state in State)
    return [row.id for page in pages for row in page.rows]


def _ticket(sides: Sides, tenant: str, name: str) -> dict[str, Any]:
    resolution = sides.app.resolution(tenant, name)
    return {
        # What is at its default is left out, so that a field may go that was never filled.
        # What was decided came into the view later; it is in `resolution` here. So did the reference, which
        # every ticket has by now, and the round.
        "view": sides.inbox.get(tenant, name).model_dump(
            mode="json", exclude_defaults=True, exclude={"resolution", "reference", "round"}
        ),
        # The names of edited arguments, the reason, and what was proposed beside this one, came later.
        "resolution": None if resolution is None else _plain(resolution, without=_LATER),
        "attempts": [_plain(attempt) for attempt in sides.inbox.attempts(tenant, name)],
        "history": [_plain(event) for event in sides.inbox.history(tenant, name)],
    }


_LATER = ("changed", "beside", "reason_code", "parts", "undecided")


def _plain(value: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a dataclass as JSON holds it."""
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__ if name not in without}
    plain: dict[str, Any] = json.loads(json.dumps(fields, default=_text))
    return plain


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _totals(left: Left, tenant: str, customer: str) -> dict[str, str]:
    queries = [_query(kind, tenant, customer, left.now - LATER) for kind in ("sum", "count")]
    return {name: str(value) for name, value in left.sides.app.totals(queries).items()}


def _query(kind: Any, tenant: str, customer: str, since: datetime) -> LedgerQuery:
    return LedgerQuery(
        fact=kind,
        kind=kind,
        tenant=tenant,
        tool="issue_refund",
        amount="refund.amount",
        per="customer",
        key=customer,
        since=since,
    )


def _samples(store: SqlStore, tenant: str) -> tuple[audits.SampleRow, ...]:
    return (*audits.waiting(store, tenant), *audits.waiting(store, tenant, judged=True))


def unmasked(left: Left) -> dict[str, Any]:
    """Tell what people see of `default` unmasked; that they looked is put on record."""
    inbox, found = left.sides.inbox, dict[str, Any]()
    for name in ticket_ids(inbox, "default"):
        view = inbox.get("default", name)
        if not view.erased:
            sealed = inbox.unmask("default", name, left.actor(MEMBERS[view.role]))
            found[name] = sealed.model_dump(mode="json", exclude_defaults=True)
    for row in _samples(inbox, "default"):
        _, words = audits.show(inbox, "default", row.exchange, left.actor("quinn"), unmask=True)
        found[row.exchange] = None if words is None else words.model_dump(mode="json", exclude_defaults=True)
    return found


def outbox(left: Left) -> dict[str, Any]:
    """Tell what the outbox holds; this takes what waits and removes what was sent."""
    desk, later = left.sides.desk, left.now + LATER
    taken = desk.take_messages(later, limit=10_000)
    return {
        "waiting": sorted(_line(notice) for notice in taken),
        "dead": sorted(_line(notice) for notice in desk.dead_letters()),
        "sent": desk.prune_messages(before=later),
    }


def _line(notice: OutboxMessage) -> str:
    return f"{notice.tenant} {notice.ticket} {notice.version} {notice.kind} {notice.attempts} {notice.error}"


def verified(left: Left, checkpoint: dict[str, Any] | None = None) -> dict[str, Any]:
    """Tell what a verification of the audit chains says."""
    report = left.sides.admin.verify(checkpoint)
    problems = [[problem.where, problem.what] for problem in report.problems]
    return {"entries": report.entries, "writers": report.writers, "problems": problems}


def heads(left: Left) -> dict[str, Any]:
    """Tell where every chain ends."""
    ends: dict[str, Any] = json.loads(left.sides.admin.checkpoint(new_signer(), now=left.now))["heads"]
    return ends


def backtest(export: Path) -> dict[str, Any]:
    """Tell what the policy of the stores makes of an audit export."""
    ran = CliRunner().invoke(
        build(), ["policy", "backtest", str(export), "--policy", str(FOLDER / "policy.yaml"), "--json"]
    )
    figures: dict[str, Any] = json.loads(ran.stdout)
    return figures
