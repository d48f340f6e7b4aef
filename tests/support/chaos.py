"""Processes that use one store at once, to be killed at any moment, and the promises checked afterwards."""

import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from handrail.errors import HandrailError, StoreUnavailable
from handrail.store import Actor, Filter, Spool
from handrail.store.crypto.keys import FixedKeys
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import NOW, Sides, Staff, actor, new_ticket

PATIENCE_S = 1200
FORK = multiprocessing.get_context("fork")
VERDICTS = (Verdict.APPROVE, Verdict.APPROVE, Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT)


@dataclass(frozen=True)
class Scene:
    """What the processes share: how to open the store, the spool, and files that only grow."""

    sides: Callable[[], Sides]
    folder: Path
    keys: FixedKeys

    def spool(self) -> Spool:
        """The spool of this scene."""
        return Spool(self.folder / "spool", self.keys)

    def note(self, name: str, line: str) -> None:
        """Append a line to a file; a killed process cannot take it back."""
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)

    def lines(self, name: str) -> list[str]:
        """The lines of a file, none if nobody wrote any."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


def application(scene: Scene, seed: int) -> None:
    """Open tickets, some through the spool, and carry out what was approved."""
    chance, sides = random.Random(seed), scene.sides()
    spool, number = scene.spool(), 0
    while True:
        number += 1
        ticket = new_ticket(f"{seed}-{number}", customer=f"c{chance.randrange(50)}-{seed}-{number}")
        if chance.random() < 0.15:
            spool.put(ticket)
        else:
            sides.app.open(ticket)
        scene.note("told", ticket.id)
        for row in sides.app.list("default", Filter(state=State.DECIDED, limit=3)).rows:
            with contextlib.suppress(HandrailError):
                approval = sides.app.begin("default", row.id, now=NOW)
                scene.note("effects", approval.idempotency_key)
                sides.app.finish("default", row.id, Settlement.DONE, now=NOW)


def reviewer(scene: Scene, seed: int) -> None:
    """Claim and decide whatever is open."""
    chance, sides = random.Random(seed), scene.sides()
    person = Actor(person=chance.choice(["fay", "finn"]), people=Staff(), now=NOW + timedelta(minutes=1))
    while True:
        rows = list(sides.inbox.list("default", Filter(limit=20)).rows)
        chance.shuffle(rows)
        for row in rows[:5]:
            verdict = chance.choice(VERDICTS)
            resolution = Resolution(verdict=verdict, changes={"amount": 1} if verdict is Verdict.EDIT else {})
            with contextlib.suppress(HandrailError):
                if row.claimed_by is None:
                    sides.inbox.claim("default", row.id, person)
                sides.inbox.resolve("default", row.id, resolution, person)
                scene.note("decided", row.id)
        if not rows:
            time.sleep(0.005)


def desk(scene: Scene, seed: int) -> None:
    """Fire timers, deliver messages and drain the spool."""
    sides, spool = scene.sides(), scene.spool()
    moment = NOW + timedelta(minutes=16)
    while True:
        sides.desk.sweep(moment, limit=20)
        sides.desk.recover(moment)
        for notice in sides.desk.take_messages(moment, limit=20, lease=timedelta(seconds=1)):
            scene.note("delivered", f"{notice.ticket} {notice.kind}")
            sides.desk.delivered([notice.id])
        with contextlib.suppress(StoreUnavailable):
            spool.drain(sides.desk)
        moment += timedelta(milliseconds=200)


ROLES: tuple[Callable[[Scene, int], None], ...] = (application, application, reviewer, desk)


def rampage(scene: Scene, *, kills: int, tickets: int, seed: int) -> int:
    """Run every kind of process and kill them at random, spread over the opening of so many tickets."""
    chance, done, deadline = random.Random(seed), 0, time.monotonic() + PATIENCE_S
    running = {index: _started(scene, index, seed * 100_000 + index) for index in range(len(ROLES))}
    while done < kills or len(scene.lines("told")) < tickets:
        assert time.monotonic() < deadline, "the processes do not get on"
        time.sleep(chance.uniform(0.0, 0.1))
        if done >= kills or len(scene.lines("told")) * kills < done * tickets:
            continue
        index = chance.randrange(len(ROLES))
        assert running[index].is_alive(), f"{ROLES[index].__name__} ended by itself"
        os.kill(running[index].pid, signal.SIGKILL)
        running[index].join()
        running[index].close()
        done += 1
        running[index] = _started(scene, index, seed * 100_000 + 100 + done)
    for process in running.values():
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        process.close()
    return done


def _started(scene: Scene, index: int, seed: int) -> Any:
    process = FORK.Process(target=ROLES[index], args=(scene, seed), daemon=True)
    process.start()
    return process


def settle_down(scene: Scene) -> None:
    """Let one desk work alone until nothing is left to do, long after everything."""
    sides, spool = scene.sides(), scene.spool()
    moment = NOW + timedelta(days=40)
    spool.drain(sides.desk)
    sides.desk.recover(moment, limit=100_000)
    for days in range(0, 12, 2):
        sides.desk.sweep(moment + timedelta(days=days), limit=100_000)
    moment += timedelta(days=20)
    while batch := sides.desk.take_messages(moment, limit=500):
        for notice in batch:
            scene.note("delivered", f"{notice.ticket} {notice.kind}")
        sides.desk.delivered([notice.id for notice in batch])
    sides.close()


def broken_promises(scene: Scene) -> list[str]:
    """Every promise that does not hold, in words; empty if all do."""
    sides = scene.sides()
    broken: list[str] = []
    told, effects = scene.lines("told"), Counter(scene.lines("effects"))
    delivered = set(scene.lines("delivered"))
    with sides.inbox.read("default") as tx:
        rows = {row.id: row for row in tx.conn.exec_driver_sql("SELECT * FROM tickets").all()}
        verdicts = tx.conn.exec_driver_sql("SELECT ticket, verdict FROM decisions WHERE is_final").all()
    broken += [f"{name} was promised and is lost" for name in told if name not in rows]
    broken += [f"{key} had {count} effects" for key, count in effects.items() if count > 1]
    final = Counter(row.ticket for row in verdicts)
    broken += [f"{name} has {count} final decisions" for name, count in final.items() if count > 1]
    for name, row in rows.items():
        decided = row.state in ("applied", "failed", "outcome_unknown", "rejected")
        # An approval that nobody carried out in its time has run out as well.
        if decided != (name in final) and row.state != "expired":
            broken.append(f"{name} is {row.state} with {final[name]} decisions")
        if row.state in ("ready", "claimed", "waiting_info", "decided", "applying"):
            broken.append(f"the timers of {name} never fired, it is {row.state}")
        acted = f"{name}-1" in effects
        if acted and row.state not in ("applied", "outcome_unknown"):
            broken.append(f"{name} acted and is {row.state}")
        if row.state == "applied" and not acted:
            broken.append(f"{name} is applied and never acted")
    for row in verdicts:
        kind = "reject" if row.verdict == "reject" else "approve"
        if f"{row.ticket} {kind}" not in delivered:
            broken.append(f"the decision on {row.ticket} was never delivered")
    broken += [f"{name} was decided and has no decision" for name in set(scene.lines("decided")) - set(final)]
    broken += [f"audit: {problem.where}: {problem.what}" for problem in sides.admin.verify().problems]
    sides.close()
    return broken


def raced(workers: list[Callable[[Any], None]]) -> list[Any]:
    """Run workers in processes of their own and return what each put into its queue, or its error."""
    queue = FORK.SimpleQueue()
    running = [FORK.Process(target=_safely, args=(worker, queue), daemon=True) for worker in workers]
    for process in running:
        process.start()
    answers = [queue.get() for _ in workers]
    for process in running:
        process.join()
        process.close()
    return answers


def _safely(worker: Callable[[Any], None], queue: Any) -> None:
    try:
        worker(queue)
    except Exception as error:  # noqa: BLE001 - a silent worker would hang the test
        queue.put(repr(error))


def decides(sides: Sides, name: str) -> bool:
    """Try to decide a ticket that `fay` holds; True for the winner."""
    try:
        sides.inbox.resolve("default", name, Resolution(verdict=Verdict.APPROVE), actor())
    except HandrailError:
        return False
    return True


def begins(sides: Sides, name: str) -> bool:
    """Try to begin an approved action; True for the winner."""
    try:
        sides.app.begin("default", name, now=NOW)
    except HandrailError:
        return False
    return True
