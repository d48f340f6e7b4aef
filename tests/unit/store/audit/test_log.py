"""The batched log keeps order, loses nothing while the store is away, and refuses more than it can hold."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from handrail.errors import StoreUnavailable
from handrail.store.audit.chain import Event
from handrail.store.audit.log import (
    BATCH,
    LATE_S,
    LOSS_WINDOW_S,
    MOST_WAITING,
    PATIENCE_S,
    SLOW_S,
    DecisionLog,
)
from support.stores import NOW


def event(number: int) -> Event:
    return Event(tenant="default", kind="decision.pass", at=NOW, data={"number": number})


class Sink:
    """Where batches go; away while `is_away`."""

    def __init__(self) -> None:
        self.batches: list[list[object]] = []
        self.is_away = False

    def __call__(self, events: Sequence[Event]) -> None:
        if self.is_away:
            raise StoreUnavailable("store")
        self.batches.append([found.data["number"] for found in events])


def test_everything_is_written_in_order_and_in_batches() -> None:
    sink = Sink()
    log = DecisionLog(sink)
    for number in range(3 * BATCH):
        log.add(event(number))
    log.close()
    assert [number for batch in sink.batches for number in batch] == list(range(3 * BATCH))
    assert max(len(batch) for batch in sink.batches) <= BATCH


def test_what_is_queued_is_written_within_the_stated_window() -> None:
    sink = Sink()
    log = DecisionLog(sink)
    log.add(event(1))
    deadline = time.monotonic() + 20 * LOSS_WINDOW_S
    while not sink.batches and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sink.batches == [[1]]
    log.close()


def test_nothing_is_dropped_while_the_store_is_away_and_too_much_is_refused() -> None:
    sink = Sink()
    sink.is_away = True
    log = DecisionLog(sink)
    for number in range(MOST_WAITING):
        log.add(event(number))
    with pytest.raises(StoreUnavailable, match="decision log"):
        log.add(event(-1))
    with pytest.raises(StoreUnavailable):
        log.flush()
    sink.is_away = False
    log.close()
    assert sum(len(batch) for batch in sink.batches) == MOST_WAITING


def test_a_caller_waits_while_the_oldest_decision_is_late_and_goes_on_once_it_is_written() -> None:
    gate, sink = threading.Event(), Sink()

    def slow(events: Sequence[Event]) -> None:
        gate.wait()
        sink(events)

    log = DecisionLog(slow)
    log.add(event(0))
    began = time.monotonic()
    while time.monotonic() - began < LATE_S * 1.5:
        continue
    opener = threading.Timer(LATE_S, gate.set)
    opener.start()
    log.add(event(1))
    assert gate.is_set()
    log.close()
    assert sink.batches[0] == [0]


def test_a_store_that_hangs_holds_a_caller_up_for_a_bounded_time_only() -> None:
    gate = threading.Event()
    log = DecisionLog(lambda _: gate.wait() and None)
    log.add(event(0))
    began = time.monotonic()
    while time.monotonic() - began < LATE_S * 1.5:
        continue
    before = time.monotonic()
    log.add(event(1))
    assert PATIENCE_S * 0.9 <= time.monotonic() - before < PATIENCE_S * 20
    gate.set()
    log.close()


def test_beside_a_slow_store_a_caller_is_released_once_its_own_decision_is_written() -> None:
    written: list[object] = []

    def slow(events: Sequence[Event]) -> None:
        began = time.monotonic()
        while time.monotonic() - began < SLOW_S * 1.2:
            continue
        written.extend(found.data["number"] for found in events)

    log = DecisionLog(slow)
    log.add(event(0))
    log.flush()
    log.add(event(1))
    assert written == [0, 1]
    log.close()


def test_no_error_ends_the_writing_thread() -> None:
    sink, failures = Sink(), [MemoryError("x"), ValueError("x"), KeyError("x")]

    def failing(events: Sequence[Event]) -> None:
        if failures:
            raise failures.pop()
        sink(events)

    log = DecisionLog(failing)
    log.add(event(1))
    deadline = time.monotonic() + 20 * LOSS_WINDOW_S
    while not sink.batches and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sink.batches == [[1]]
    log.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writing_thread_that_is_gone_is_started_again() -> None:
    sink, failures = Sink(), [SystemExit()]

    def leaving(events: Sequence[Event]) -> None:
        if failures:
            raise failures.pop()
        sink(events)

    others = set(threading.enumerate())
    log = DecisionLog(leaving)
    log.add(event(1))
    deadline = time.monotonic() + 20 * LOSS_WINDOW_S
    while set(threading.enumerate()) - others:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    log.add(event(2))
    while not sink.batches and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sink.batches == [[1, 2]]
    log.close()


def test_a_forked_child_does_not_write_what_its_parent_queued() -> None:
    sink = Sink()
    sink.is_away = True
    log = DecisionLog(sink)
    log.add(event(1))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        sink.is_away = False
        log.flush()
        os.write(writer, str(len(sink.batches)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"0"
    os.close(reader)
    os.close(writer)
    sink.is_away = False
    log.close()
    assert sink.batches == [[1]]


def test_a_program_that_ends_without_closing_has_written_what_it_decided(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    program = (
        "from handrail.store.audit.log import DecisionLog\n"
        f"def write(batch):\n    open({str(kept)!r}, 'a').writelines(f'{{one}}\\n' for one in batch)\n"
        "log = DecisionLog(write)\n"
        "for number in range(50):\n    log.add(number)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert kept.read_text().split() == [str(number) for number in range(50)]


def test_a_program_whose_last_decisions_cannot_be_written_ends_and_says_so() -> None:
    program = (
        "from handrail.errors import StoreUnavailable\n"
        "from handrail.store.audit.log import DecisionLog\n"
        "def write(batch):\n    raise StoreUnavailable('store')\n"
        "log = DecisionLog(write)\n"
        "log.add(1)\nlog.add(2)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "2 decisions are lost with this process" in ended.stderr
