"""The batched log of decisions: bounded, written by one thread, with a stated window of loss."""

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from handrail.errors import StoreUnavailable

T = TypeVar("T")

LOSS_WINDOW_S: Final = 0.5
MOST_WAITING: Final = 10_000
BATCH: Final = 1024
GATHER_S: Final = LOSS_WINDOW_S / 10
LATE_S: Final = LOSS_WINDOW_S / 4
SLOW_S: Final = LOSS_WINDOW_S / 4
CALM_S: Final = 4 * LOSS_WINDOW_S
PATIENCE_S: Final = 4 * LOSS_WINDOW_S

log = logging.getLogger("handrail")


@dataclass(slots=True)
class _Queued(Generic[T]):
    """A decision that waits. `since` is when its answer went out, None while its caller waits for it."""

    decision: T
    since: float | None
    at: float


class DecisionLog(Generic[T]):
    """Queues decisions and writes them in batches, so that an answer waits for no disk.

    A process that dies loses at most what was queued within `LOSS_WINDOW_S` seconds while the store could be
    written. Threads that are busier than the writing one would leave it behind, so callers may have to wait:
    one that finds the oldest decision unwritten for `LATE_S`, or the queue full, until that has changed; and
    before the first batch is written, and for `CALM_S` after one that took longer than `SLOW_S`, every one
    until its own decision is written. A writing thread that was kept from its work once, by other threads or
    by other processes, is kept from it again, and then nothing but waiting bounds what is lost. None waits
    for more than `PATIENCE_S`, nor while the store cannot be written: then `MOST_WAITING` may be queued.

    A program that ends by itself without closing its guard loses nothing that can be written: what waits is
    written as the interpreter ends.
    """

    def __init__(self, write: Callable[[Sequence[T]], None]) -> None:
        self._write = write
        self._reset()
        _OPEN.add(self)

    def _reset(self) -> None:
        self._waiting: deque[_Queued[T]] = deque()
        lock = threading.Lock()
        self._arrived, self._written = threading.Condition(lock), threading.Condition(lock)
        self._flushing = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_failing = False
        self._longest_wait_s = 0.0
        # A store that has not written yet is not known to be fast.
        self._slow_until = float("inf")
        self._added = self._done = 0
        self._pid = os.getpid()

    def add(self, decision: T) -> None:
        """Queue a decision.

        Raises:
            StoreUnavailable: too many wait already.
        """
        if os.getpid() != self._pid:
            # The parent writes what it had queued; a child's copy of it would be a second time.
            self._reset()
        with self._arrived:
            if self._must_wait():
                self._written.wait_for(lambda: not self._must_wait(), timeout=PATIENCE_S)
            if len(self._waiting) >= MOST_WAITING:
                raise StoreUnavailable("decision log", why="too many decisions wait to be written")
            now = time.monotonic()
            is_slow = now < self._slow_until and not self._is_failing
            queued = _Queued(decision, None if is_slow else now, now)
            self._waiting.append(queued)
            self._added += 1
            number = self._added
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="handrail-log", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._arrived.notify()
            if is_slow:
                self._written.wait_for(lambda: self._done >= number or self._is_failing, timeout=PATIENCE_S)
                queued.since = time.monotonic()

    @property
    def longest_wait_s(self) -> float:
        """For how many seconds a decision whose answer was out had waited at most when it was written."""
        return self._longest_wait_s

    @property
    def is_slow(self) -> bool:
        """True when the next decision may have to wait; read without a lock, so it is a hint."""
        try:
            since = self._waiting[0].at
        except IndexError:
            since = float("inf")
        now = time.monotonic()
        return now - since > LATE_S or now < self._slow_until

    def _must_wait(self) -> bool:
        if self._is_failing or not self._waiting:
            return False
        return len(self._waiting) >= MOST_WAITING or time.monotonic() - self._waiting[0].at > LATE_S

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._arrived:
                self._arrived.wait_for(lambda: self._waiting or self._closing.is_set())
                is_slow = time.monotonic() < self._slow_until
            if self._is_failing or not is_slow:
                self._closing.wait(LOSS_WINDOW_S if self._is_failing else GATHER_S)
            try:
                self.flush()
            except StoreUnavailable:
                # They stay queued, and `add` refuses more once too many wait.
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, a thread that ends would lose the log
                log.error("decisions not written, tried again: %s", type(error).__name__)

    def flush(self) -> None:
        """Write what waits, in order.

        Raises:
            StoreUnavailable: the store cannot be written; nothing is dropped.
        """
        if os.getpid() != self._pid:
            self._reset()
        with self._flushing:
            left = len(self._waiting)
            while left:
                batch = [self._waiting[index] for index in range(min(BATCH, left))]
                began = time.monotonic()
                try:
                    self._write([queued.decision for queued in batch])
                except BaseException:
                    self._ended(0, began, is_failing=True)
                    raise
                self._ended(len(batch), began, is_failing=False)
                left -= len(batch)

    def _ended(self, count: int, began: float, *, is_failing: bool) -> None:
        with self._written:
            now = time.monotonic()
            for _ in range(count):
                since = self._waiting.popleft().since
                if since is not None:
                    self._longest_wait_s = max(self._longest_wait_s, now - since)
            self._done += count
            self._is_failing = is_failing
            if not is_failing:
                is_first = self._slow_until == float("inf")
                if now - began > SLOW_S:
                    self._slow_until = now + CALM_S
                elif is_first:
                    self._slow_until = now
            self._written.notify_all()

    @property
    def waiting(self) -> tuple[T, ...]:
        """What is queued and not written yet, in order."""
        with self._arrived:
            return tuple(queued.decision for queued in self._waiting)

    def close(self) -> None:
        """Stop the thread and write what waits.

        Raises:
            StoreUnavailable: the store cannot be written; `waiting` is what is lost with this process.
        """
        with self._arrived:
            self._closing.set()
            self._arrived.notify_all()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(timeout=5)
        self.flush()

    def end(self) -> None:
        """Write what waits as the process ends; what cannot be written is told in the program's log."""
        if not self._waiting or self._pid != os.getpid():
            return
        with self._arrived:
            self._closing.set()
            self._arrived.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=PATIENCE_S)
        try:
            # A write that hangs holds the lock of `flush`, and must not keep the process from ending.
            if self._thread is None or not self._thread.is_alive():
                self.flush()
        except Exception as error:  # noqa: BLE001 - the process ends, and there is nobody to raise it to
            log.error("decisions not written: %s", type(error).__name__)
        if self._waiting:
            log.error("%d decisions are lost with this process", len(self._waiting))


_OPEN: "Final[weakref.WeakSet[DecisionLog[Any]]]" = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for found in list(_OPEN):
        found.end()
