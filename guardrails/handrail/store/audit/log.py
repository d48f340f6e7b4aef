"""The batched log of passed decisions: bounded, written by one thread, with a stated window of loss."""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from handrail.errors import StoreUnavailable

T = TypeVar("T")

LOSS_WINDOW_S: Final = 0.5
MOST_WAITING: Final = 10_000
BATCH: Final = 500


class DecisionLog(Generic[T]):
    """Queues decisions and writes them in batches, so that an answer waits for no disk.

    A process that dies loses at most what was queued within `LOSS_WINDOW_S` seconds while the store could be
    written. While it cannot, up to `MOST_WAITING` decisions wait; after that `add` raises.
    """

    def __init__(self, write: Callable[[Sequence[T]], None]) -> None:
        self._write = write
        self._reset()

    def _reset(self) -> None:
        self._waiting: deque[T] = deque()
        self._wake = threading.Condition()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._pid = os.getpid()

    def add(self, decision: T) -> None:
        """Queue a decision.

        Raises:
            StoreUnavailable: too many wait already.
        """
        if os.getpid() != self._pid:
            # The parent writes what it had queued; a child's copy of it would be a second time.
            self._reset()
        with self._wake:
            if len(self._waiting) >= MOST_WAITING:
                raise StoreUnavailable("decision log", why="too many decisions wait to be written")
            self._waiting.append(decision)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="handrail-log", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._is_closed:
            with self._wake:
                self._wake.wait(timeout=LOSS_WINDOW_S / 2)
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
            while self._waiting:
                batch = [self._waiting[index] for index in range(min(BATCH, len(self._waiting)))]
                self._write(batch)
                for _ in batch:
                    self._waiting.popleft()

    def close(self) -> None:
        """Stop the thread and write what waits."""
        self._is_closed = True
        with self._wake:
            self._wake.notify_all()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(timeout=5)
        self.flush()
