"""Seeded histories of a guard, its store and a desk: crashes, repeats, a moving clock; beside a plain model.

One store in memory serves many histories; each is a tenant of its own. `run(world, seed)` gives the same
history for the same seed, and raises `AssertionError` with the seed where the store and the model part.
"""

import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, select

from handrail import Guard, HandoffRequired
from handrail.desk.timers import Escalation
from handrail.errors import CheckFailed, StoreUnavailable, TicketError, TicketNotFound
from handrail.policy import load, load_people
from handrail.scan import default_scanner
from handrail.store import Actor, SqlStore
from handrail.store.crypto.keys import FixedKeys, new_ring
from handrail.store.crypto.sealing import Sealer
from handrail.store.crypto.signing import Signing
from handrail.store.database import Database
from handrail.store.migrate import prepare, prepare_keys
from handrail.store.tables import tickets
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import ENDED, UNDECIDED, State
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Ticket, Verdict
from support.scenes import PEOPLE, POLICY
from support.stores import NOW

AMOUNTS = (39, 92, 240, 640)
LIMIT = 500
SCANNER = default_scanner()


class Crash(Exception):
    """The process is gone at this point."""


class Flaky(Database):
    """A database whose process dies before, within or after a transaction when it is told to."""

    plan: str = ""

    @contextlib.contextmanager
    def _transaction(self, tenant: str, *, is_write: bool) -> Iterator[Any]:
        plan, self.plan = (self.plan, "") if is_write else ("", self.plan)
        if plan == "before":
            raise Crash
        if plan == "away":
            raise StoreUnavailable("store", why="simulated")
        with super()._transaction(tenant, is_write=is_write) as conn:
            yield conn
            if plan == "within":
                raise Crash
        if plan == "after":
            raise Crash


class Pile:
    """A spool in memory: what it holds survives a crash."""

    def __init__(self) -> None:
        self.held: dict[str, Ticket] = {}

    def put(self, ticket: Ticket) -> None:
        """Keep a ticket."""
        self.held[ticket.id] = ticket

    def drain(self, store: SqlStore) -> None:
        """Open what is held."""
        for name in list(self.held):
            store.open(self.held[name])
            del self.held[name]


@dataclass
class World:
    """What all histories share."""

    database: Flaky
    store: SqlStore
    policy: Any
    people: Any
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


def new_world(folder: Path) -> World:
    """Build the store and load the policy once."""
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "people.yaml").write_text(PEOPLE)
    policy = load(folder / "policy.yaml")
    database, keys = Flaky(make_url("sqlite+pysqlite://")), Database(make_url("sqlite+pysqlite://"))
    sealer = Sealer(FixedKeys(new_ring()), apart=keys)
    database.prepare_with(lambda tables: prepare(tables, sealer.ring))
    keys.prepare_with(prepare_keys)
    store = SqlStore(database, sealer, Signing(), clock=lambda: NOW)
    return World(database, store, policy, load_people(folder / "people.yaml", policy))


class History:
    """One seeded history."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.seed, self.chance = world, seed, random.Random(seed)
        self.tenant, self.now = f"s{next(world.numbers)}-{seed}", NOW
        self.pile, self.effects = Pile(), Counter[str]()
        self.known: dict[str, State] = {}
        self.approved: set[str] = set()
        self.auto = 0
        self.steps: list[str] = []
        self._restart()

    def _restart(self) -> None:
        self.guard = Guard(
            self.world.policy,
            store=self.world.store,
            spool=self.pile,
            people=self.world.people,
            scanner=SCANNER,
            clock=lambda: self.now,
        )
        self.refund = self.guard.tool(name="issue_refund")(self._refund)

    def _refund(self, order_id: str, amount: int) -> str:
        self.effects[self.running or "auto"] += 1
        if not self.running:
            self.auto += amount
        return "done"

    running: str = ""

    def run(self, length: int) -> None:
        """Take random steps, checking after each, then let time pass until everything has ended."""
        for _ in range(length):
            step = self.chance.choice(self.STEPS)
            self.world.database.plan = self.chance.choices(
                ("", "before", "within", "after", "away"), (80, 4, 6, 6, 4)
            )[0]
            self.steps.append(f"{step}/{self.world.database.plan}")
            self._attempt(step)
            self.check()
        self._end()

    def _attempt(self, step: str) -> None:
        try:
            getattr(self, step)()
        except Crash:
            self._restart()
        except (HandoffRequired, TicketError, CheckFailed):
            # Refused or out of reach: what the promises say of it is checked on the state.
            pass
        finally:
            self.world.database.plan = ""
            self.running = ""

    STEPS = ("act", "act", "claim", "decide", "decide", "apply", "apply", "vanish", "tick", "sweep", "drain")

    def act(self) -> None:
        """The assistant tries a refund; if it is handed off, the ticket it names must exist."""
        pending = self._open_ticket()
        before = self.effects["auto"]
        with self.guard.context(tenant=self.tenant, customer="c1", conversation="v1"):
            try:
                self.refund("o1", self.chance.choice(AMOUNTS))
            except HandoffRequired as error:
                self.known.setdefault(error.handoff.ticket, State.READY)
        assert not (pending and self.effects["auto"] > before), "acted while a person has the conversation"

    def claim(self) -> None:
        """Somebody, perhaps of another role, claims something."""
        self.world.store.claim(self.tenant, self._any(), self._actor())

    def decide(self) -> None:
        """Somebody decides; `fay` may, others may not."""
        name, actor = self._any(), self._actor()
        verdict = self.chance.choice((Verdict.APPROVE, Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT))
        changes = {"amount": self.chance.choice(AMOUNTS)} if verdict is Verdict.EDIT else {}
        key = self.chance.choice(("", "click"))
        if verdict is not Verdict.REJECT and actor.person in ("fay", "petra"):
            self.approved.add(name)
        resolution = Resolution(verdict=verdict, changes=changes, idempotency_key=key)
        self.world.store.resolve(self.tenant, name, resolution, actor)

    def apply(self) -> None:
        """The application carries something out, perhaps twice, perhaps failing on the way."""
        name = self._any()
        with (
            self.guard.context(tenant=self.tenant, customer="c1", conversation="v1"),
            self.guard.authorised(name) as action,
        ):
            self.running = action.idempotency_key
            action.run()
            if self.chance.random() < 0.2:
                raise Crash

    def vanish(self) -> None:
        """A process begins an action and is never heard of again."""
        self.world.store.begin(self.tenant, self._any(), now=self.now)

    def tick(self) -> None:
        """Time passes, or the clock is set back."""
        self.now += timedelta(minutes=self.chance.choice((-20, 1, 6, 10, 16, 31, 90)))

    def sweep(self) -> None:
        """The desk looks at its timers."""
        chosen = Escalation(roles=self.world.policy.roles)
        self.world.store.sweep(self.now, limit=50, step=chosen)
        self.world.store.recover(self.now)

    def drain(self) -> None:
        """The spool is drained."""
        self.pile.drain(self.world.store)

    def _actor(self) -> Actor:
        person = self.chance.choice(("fay", "fay", "fay", "petra", "quinn", "c1"))
        return Actor(person=person, people=self.world.people, now=self.now)

    def _any(self) -> str:
        return self.chance.choice(sorted(self.known)) if self.known else "none"

    def _open_ticket(self) -> str | None:
        status = self.world.store.conversation(self.tenant, "v1")
        return status.ticket if status.state in ("pending", "human") else None

    def check(self) -> None:
        """Compare the store with what may be true by the model."""
        with self.world.store.read(self.tenant) as tx:
            rows = states_of(tx)
        for name in [name for name in self.known if name not in rows]:
            assert name in self.pile.held or self._has_joined(name), f"ticket {name} is lost"
        for key, count in self.effects.items():
            if key == "auto":
                continue
            assert count == 1, f"{key} had {count} effects"
            name = key.rpartition("-")[0]
            assert name in self.approved, f"{name} acted without an approval"
        for name, new in rows.items():
            old = self.known.get(name, State.READY)
            assert _may_follow(old, new), f"{name} went from {old} to {new}"
            if new in (State.DECIDED, State.APPLYING, State.APPLIED):
                assert name in self.approved, f"{name} is {new} and nobody approved it"
            if new is State.APPLIED:
                acted = any(key.startswith(f"{name}-") for key in self.effects)
                assert acted, f"{name} is applied and never acted"
            self.known[name] = new
        assert sum(state in UNDECIDED for state in rows.values()) <= 1, "two open in one conversation"
        assert self.auto <= LIMIT, f"{self.auto} went out without a person"

    def _has_joined(self, name: str) -> bool:
        """True if a spooled ticket joined another one: whoever asks for it is led there."""
        try:
            self.world.store.resolution(self.tenant, name)
        except TicketNotFound:
            return False
        return True

    def _end(self) -> None:
        """Long after everything, nothing is open, nothing was approved by waiting, and the log is whole."""
        self.pile.drain(self.world.store)
        decided = {name for name, state in self.known.items() if state is State.DECIDED}
        for _ in range(8):
            self.now += timedelta(days=2)
            self.sweep()
        self.check()
        with self.world.store.read(self.tenant) as tx:
            ended = states_of(tx)
        for name, state in ended.items():
            assert state in {*ENDED, State.OUTCOME_UNKNOWN}, f"{name} is still {state}"
            if name in decided:
                assert state is State.EXPIRED, f"{name} was decided, never used, and is {state}"


def states_of(tx: Transaction) -> dict[str, State]:
    """The state of each ticket of a tenant."""
    query = select(tickets.c.id, tickets.c.state).where(tickets.c.tenant == tx.tenant)
    return {row.id: State(row.state) for row in tx.conn.execute(query)}


def _may_follow(old: State, new: State) -> bool:
    """Whatever happened in between: what has ended stays ended, but for what a person may reopen."""
    if old is new:
        return True
    if old in (State.APPLIED, State.REJECTED, State.ANSWERED, State.EXPIRED, State.CANCELLED):
        return False
    if old in (State.APPLYING, State.OUTCOME_UNKNOWN):
        return new in (State.APPLIED, State.FAILED, State.OUTCOME_UNKNOWN)
    return True


def run(world: World, seed: int, *, length: int = 14) -> None:
    """Run the history of a seed.

    Raises:
        AssertionError: a promise broke; the message holds the seed and the steps up to there.
    """
    history = History(world, seed)
    try:
        history.run(length)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}; steps: {' '.join(history.steps)}") from error
