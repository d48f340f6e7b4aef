"""Desks that are killed at random moments while tickets come in, and what must hold when the dust settles."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from handrail.errors import StoreUnavailable, TicketError
from handrail.store.tables import outbox, resolutions, tickets, uses
from handrail.tickets.lifecycle import UNDECIDED, State
from handrail.tickets.ports import Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.desk_scene import actor, ticket
from support.desk_worker import SECRET, fast_clock
from support.stores import Sides

TESTS = Path(__file__).parents[1]
SPEED = 900.0
STEP_S = 1800 / SPEED


@dataclass
class PostBox:
    """What the receiver of webhooks got: the genuine events by id, and how many came again or were forged."""

    url: str = ""
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeated: int = 0
    forged: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def receive(self, headers: dict[str, str], body: bytes) -> int:
        """Take a webhook; now and then as a receiver that is down, before or after it took the event."""
        if self.chance.random() < 0.1:
            return 503
        sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        if (
            Webhook(SECRET).sign(headers["webhook-id"], sent_at, body.decode())
            != headers["webhook-signature"]
        ):
            self.forged += 1
            return 401
        event = json.loads(body)
        known = self.events.setdefault(event["id"], event)
        self.repeated += known is not event
        assert known == event
        return 503 if self.chance.random() < 0.05 else 204


@contextmanager
def post_box() -> Iterator[PostBox]:
    """Serve a receiver on loopback."""
    box, lock = PostBox(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                status = box.receive({name.lower(): value for name, value in self.headers.items()}, body)
            with suppress(OSError):
                self.send_response(status)
                self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Chaos:
    """One run: `kills` desks are killed while `count` tickets come in and some of them are decided."""

    sides: Sides
    desk_url: str
    box: PostBox
    count: int
    kills: int
    seed: int
    approved: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    killed: int = 0

    def run(self, *, give_up_s: float) -> None:
        """Play the run and check what must hold."""
        chance = random.Random(self.seed)
        origin = time.time()
        now = fast_clock(origin, SPEED)
        workers = [self._start(origin) for _ in range(2)]
        try:
            for number in range(self.count):
                name = f"t{self.seed}-{number}"
                self._persist(lambda name=name: self.sides.app.open(ticket(name, at=now())))  # type: ignore[misc]
                if number % 4 == 0:
                    self._decide(name, now(), chance)
                if self.killed < self.kills * (number + 1) / self.count:
                    self._replace(workers, chance, origin)
            while self.killed < self.kills:
                time.sleep(chance.uniform(0.05, 0.4))
                self._replace(workers, chance, origin)
            self._settle(give_up_s)
        finally:
            for worker in workers:
                _kill(worker)
        self.check()

    def _start(self, origin: float) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(TESTS / "support" / "desk_worker.py"), self.desk_url]
        paths = (str(TESTS), os.environ.get("PYTHONPATH", ""))
        environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        return subprocess.Popen([*command, str(origin), str(SPEED), self.box.url], env=environ)

    def _replace(self, workers: list[subprocess.Popen[bytes]], chance: random.Random, origin: float) -> None:
        """Kill a desk at a random moment of its work, and start another; now and then its clock is off."""
        victim = chance.randrange(len(workers))
        time.sleep(chance.uniform(0.0, 0.3))
        _kill(workers[victim])
        self.killed += 1
        step = chance.choice((0.0, 0.0, 0.0, -STEP_S, STEP_S))
        workers[victim] = self._start(origin + step)

    def _decide(self, name: str, now: datetime, chance: random.Random) -> None:
        resolution = Resolution(
            verdict=Verdict.APPROVE, valid_for=timedelta(minutes=30), idempotency_key=f"decide-{name}"
        )
        # A desk may have moved the ticket on in between; then this person is not asked any more.
        with suppress(TicketError):
            self._persist(lambda: self.sides.inbox.claim("default", name, actor("fay", now)))
            self._persist(lambda: self.sides.inbox.resolve("default", name, resolution, actor("fay", now)))
            self.approved.add(name)
            if chance.random() < 0.6:
                self._persist(lambda: self.sides.app.begin("default", name, now=now))
                self.begun.add(name)
                if chance.random() < 0.5:
                    self._persist(lambda: self.sides.app.finish("default", name, Settlement.DONE, now=now))
                    self.done.add(name)

    def _persist(self, step: Any) -> None:
        for _ in range(20):
            try:
                step()
            except StoreUnavailable:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the store stayed out of reach")

    def _settle(self, give_up_s: float) -> None:
        until = time.monotonic() + give_up_s
        while time.monotonic() < until:
            with self.sides.admin.read("") as tx:
                states = list(tx.conn.execute(select(tickets.c.state)).scalars())
                waiting = tx.conn.execute(select(outbox.c.id).where(outbox.c.state != "delivered")).first()
            resting = {*UNDECIDED, State.DECIDED, State.APPLYING}
            if waiting is None and not resting.intersection(map(State, states)):
                return
            time.sleep(0.1)
        with self.sides.admin.read("") as tx:
            letters = tx.conn.execute(select(outbox).where(outbox.c.state != "delivered")).all()
            left = [(row.kind, row.state, row.attempts, row.error) for row in letters]
        raise AssertionError(f"the desks did not come to rest: {Counter(states)}, letters {left[:5]}")

    def check(self) -> None:
        """Check every invariant."""
        with self.sides.admin.read("") as tx:
            rows = {row.id: row for row in tx.conn.execute(select(tickets))}
            letters = list(tx.conn.execute(select(outbox)))
            decided = list(tx.conn.execute(select(resolutions.c.ticket)).scalars())
            used = list(tx.conn.execute(select(uses.c.ticket, uses.c.round)))
        assert len(rows) == self.count
        assert sorted(decided) == sorted(self.approved), "only people decide"
        assert len(set(used)) == len(used)
        by_ticket = defaultdict(dict)
        for letter in letters:
            by_ticket[letter.ticket][letter.version] = letter.kind
            assert letter.state == "delivered"
            assert self.box.events[letter.id]["data"]["event"] == letter.kind
        assert set(self.box.events) == {letter.id for letter in letters}
        for name, row in rows.items():
            kinds = [by_ticket[name][version] for version in range(1, row.version + 1)]
            self._check_ticket(name, State(row.state), kinds)
        assert self.box.forged == 0
        assert self.sides.admin.verify().problems == ()

    def _check_ticket(self, name: str, state: State, kinds: list[str]) -> None:
        assert kinds[0] == "open"
        assert kinds.count("open") == 1
        assert kinds.count("begin") == (name in self.begun)
        assert kinds.count("approve") == (name in self.approved)
        if name in self.done:
            assert state is State.APPLIED
        elif name in self.begun:
            assert state is State.OUTCOME_UNKNOWN
        else:
            assert state is State.EXPIRED
            assert kinds[-1] == ("lapse" if name in self.approved else "expire"), kinds
        if name not in self.approved:
            assert kinds.count("escalate") == 2, kinds


def _kill(worker: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        worker.send_signal(signal.SIGKILL)
    worker.wait()
