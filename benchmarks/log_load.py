"""A process that answers as fast as it can until it is killed; what it released is on record elsewhere."""

import asyncio
import ctypes
import json
import multiprocessing
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawArray
from typing import Any

from sqlalchemy import select

from handrail import Guard
from handrail.errors import StoreUnavailable
from handrail.policy import Policy, load
from handrail.records import Draft, Message, Speaker
from handrail.store import SqlStore
from handrail.store.tables import audit
from handrail.tickets.ticket import Ticket

FORK = multiprocessing.get_context("fork")
MOST = 200_000
QUESTION = (Message(speaker=Speaker.USER, text="Where is my parcel?"),)
ANSWER = (Draft(text="It left our warehouse this morning and comes on Friday. " * 8),)
Opener = Callable[[], SqlStore]


class _NoSpool:
    def put(self, ticket: Ticket) -> None:
        raise StoreUnavailable("no spool")


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a process does beside its exchanges: threads and tasks that answer, threads that only spin."""

    threads: int = 0
    tasks: int = 0
    spinning: int = 0
    pause_s: float = 0.0

    @property
    def lanes(self) -> int:
        """How many answer at once."""
        return self.threads + self.tasks


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a kill cost: answers released, those not on record, and how long before the kill the first was.

    `longest_wait_s` is what the log itself says of the longest wait up to the kill.
    """

    released: int
    lost: int
    lost_s: float
    failed: int
    longest_wait_s: float


class Released:
    """Memory shared with the process: when each lane released which answer. Written without a system call."""

    def __init__(self, lanes: int) -> None:
        self.name = uuid.uuid4().hex[:8]
        self.most = MOST // lanes
        self.lanes = lanes
        self.times = RawArray(ctypes.c_double, self.most * lanes)
        self.counts = RawArray(ctypes.c_long, lanes)
        self.failed = RawArray(ctypes.c_long, lanes)
        self.longest = RawArray(ctypes.c_double, 1)

    def exchange(self, lane: int, number: int) -> str:
        """The id of a lane's exchange; no other run has it."""
        return f"{self.name}-{lane}-{number}"

    def note(self, lane: int, number: int, at: float) -> None:
        """Note an answer the moment it is released."""
        self.times[lane * self.most + number] = at
        self.counts[lane] = number + 1

    def all(self) -> Mapping[str, float]:
        """Every released answer by its exchange."""
        return {
            self.exchange(lane, number): self.times[lane * self.most + number]
            for lane in range(self.lanes)
            for number in range(self.counts[lane])
        }


def killed_under(opener: Opener, under: Load, *, after_s: float) -> Loss:
    """Run a process under a load, kill it after some seconds of answering, and count what the log lacks."""
    released = Released(under.lanes)
    process: Any = FORK.Process(target=_answer, args=(opener, under, released))
    process.start()
    _wait(lambda: any(released.counts), process)
    time.sleep(after_s)  # the load itself: nothing is awaited
    before = time.monotonic()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    known = _logged(opener)
    answers = released.all()
    missing = [at for exchange, at in answers.items() if exchange not in known]
    return Loss(
        released=len(answers),
        lost=len(missing),
        lost_s=max(0.0, before - min(missing)) if missing else 0.0,
        failed=sum(released.failed),
        longest_wait_s=released.longest[0],
    )


def _wait(is_so: Callable[[], bool], process: Any) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert process.is_alive(), "the process ended by itself"
        assert time.monotonic() < deadline, "no answer came"
        time.sleep(0.01)


def _logged(opener: Opener) -> set[str]:
    store = opener()
    try:
        with store.read("default") as tx:
            rows = tx.conn.execute(select(audit.c.data).where(audit.c.kind == "decision.pass"))
            return {json.loads(row.data)["exchange"] for row in rows}
    finally:
        store.close()


def guard_over(store: SqlStore, policy: Policy | None = None) -> Guard:
    """A guard under a policy, by default the shipped one that any program may start from."""
    return Guard(policy or load("baseline"), store=store, spool=_NoSpool())


def _answer(opener: Opener, under: Load, released: Released) -> None:
    store = opener()
    guard = guard_over(store)
    for _ in range(under.spinning):
        threading.Thread(target=_spin, daemon=True).start()
    lanes = [
        threading.Thread(target=_lane, args=(guard, store, released, lane, under.pause_s), daemon=True)
        for lane in range(under.threads)
    ]
    for thread in lanes:
        thread.start()
    if under.tasks:
        asyncio.run(_tasks(guard, store, released, under))
    for thread in lanes:
        thread.join()


def _spin() -> None:
    while True:
        sum(range(1000))


def _lane(guard: Guard, store: Any, released: Released, lane: int, pause_s: float) -> None:
    for number in range(released.most):
        try:
            outcome = guard.begin(QUESTION, exchange=released.exchange(lane, number)).finish(ANSWER)
            is_released = outcome.is_released
        except Exception:  # noqa: BLE001 - whatever it is, it is counted
            is_released = False
        _note(store, released, lane, number, is_released=is_released)
        if pause_s:
            time.sleep(pause_s)


async def _tasks(guard: Guard, store: Any, released: Released, under: Load) -> None:
    async def lane(index: int) -> None:
        for number in range(released.most):
            try:
                call = await guard.abegin(QUESTION, exchange=released.exchange(index, number))
                is_released = (await call.afinish(ANSWER)).is_released
            except Exception:  # noqa: BLE001 - whatever it is, it is counted
                is_released = False
            _note(store, released, index, number, is_released=is_released)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for index in range(under.tasks):
            group.create_task(lane(index))


def _note(store: Any, released: Released, lane: int, number: int, *, is_released: bool) -> None:
    if is_released:
        released.note(lane, number, time.monotonic())
    else:
        released.failed[lane] += 1
    released.longest[0] = store.longest_log_wait_s
