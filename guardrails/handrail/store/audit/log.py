"""The batched log of passed decisions: bounded, written by one thread, with a stated window of loss."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from handrail.errors import StoreUnavailable

T = TypeVar("T")

LOSS_WINDOW_S: Final = 0.5
MOST_WAITING: Final = 10_000
BATCH: Final = 1024
GATHER_S: Final = LOSS_WINDOW_S / 10
LATE_S: Final = LOSS_WINDOW_S / 4
SLOW_S: Final = LOSS_WINDOW_S / 4
PATIENCE_S: Final = 2 * LOSS_WINDOW_S


class _Queued(NamedTuple, Generic[T]):
    since: float
    decision: T


class DecisionLog(Generic[T]):
    """Queues decisions and writes them in batches, so that an answer waits for no disk.

    A process that dies loses at most what was queued within `LOSS_WINDOW_S` seconds while the store could be
    written. Threads that are busier than the writing one would leave it behind, so callers may have to wait:
    one that finds the oldest decision unwritten for `LATE_S`, or the queue full, until that has changed; one
    that finds that the last batch took longer than `SLOW_S`, until its own decision is written. None waits
    for more than `PATIENCE_S`, nor while the store cannot be written: then `MOST_WAITING` may be queued.
    """

    def __init__(self, write: Callable[[Sequence[T]], None]) -> None:
        self._write = write
        self._reset()

    def _reset(self) -> None:
        self._waiting: deque[_Queued[T]] = deque()
        lock = threading.Lock()
        self._arrived, self._written = threading.Condition(lock), threading.Condition(lock)
        self._flushing = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_failing = False
        self._longest_wait_s = self._last_write_s = 0.0
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
            self._waiting.append(_Queued(time.monotonic(), decision))
            self._added += 1
            number = self._added
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="handrail-log", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._arrived.notify()
            if self._last_write_s > SLOW_S and not self._is_failing:
                self._written.wait_for(lambda: self._done >= number or self._is_failing, timeout=PATIENCE_S)

    @property
    def longest_wait_s(self) -> float:
        """For how many seconds a written decision had waited at most, since this log was opened."""
        return self._longest_wait_s

    def _must_wait(self) -> bool:
        if self._is_failing or not self._waiting:
            return False
        return len(self._waiting) >= MOST_WAITING or time.monotonic() - self._waiting[0].since > LATE_S

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._arrived:
                self._arrived.wait_for(lambda: self._waiting or self._closing.is_set())
            self._closing.wait(LOSS_WINDOW_S if self._is_failing else GATHER_S)
            try:
                self.flush()
            except StoreUnavailable:
                # They stay queued, and `add` refuses more once too many wait.
                continue

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
        now = time.monotonic()
        with self._written:
            if count:
                self._longest_wait_s = max(self._longest_wait_s, now - self._waiting[0].since)
            for _ in range(count):
                self._waiting.popleft()
            self._done += count
            self._last_write_s, self._is_failing = now - began, is_failing
            self._written.notify_all()

    def close(self) -> None:
        """Stop the thread and write what waits."""
        with self._arrived:
            self._closing.set()
            self._arrived.notify_all()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(timeout=5)
        self.flush()
