"""A backtest of a million recorded exchanges: time, memory, rate per core; whether its rows are the same."""

import hashlib
import importlib.util
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.log_load import guard_over
from benchmarks.ticket_load import sqlite

from handrail import Guard
from handrail.bulk import added_up, backtest_job, run
from handrail.policy import load
from handrail.policy.runtime.log_row import as_data, read_row
from handrail.records import Draft, Message, Speaker, ToolCall

POLICY = "support"
MODELS = 1_000
SAID = (
    *(
        "Where is my parcel?",
        "I want to talk to a human.",
        "My card is 4111 1111 1111 1111.",
        "You are wrong!",
    ),
    *("My address is ann.smith@example.org", "I complain about this.", "Thanks, all is well."),
)
ANSWERS = ("It comes on Friday.", "Write to help@example.com.", "Your refund is on its way.", "")
RUN = "from benchmarks.log_backtest import one; one()"


def figures_of(count: int) -> dict[str, float | bool | None]:
    """Measure over some rows; what cannot be measured here is None."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = folder / "small.jsonl", folder / "large.jsonl"
        rows = recorded()
        written(rows, small, max(count // 10, 1))
        rates = [rate(small, folder / f"rate{workers}", max(count // 10, 1), workers) for workers in (1, 2)]
        written(rows, large, count)
        began = time.monotonic()
        peak = peak_mb(large, folder / "large", workers=2)
        seconds = time.monotonic() - began
        job, policy = backtest_job(POLICY)
        result = added_up(run(job, large, folder / "large"), policy)
        print(
            f"{result.records:,} decisions again in {seconds:.0f} s on 2 cores, {peak:.0f} MB, "
            f"{large.stat().st_size / 1e6:.0f} MB read, {len(result.unreadable)} unreadable"
        )
        print(f"rows a second and core: {rates[0]:,.0f} with 1 worker, {rates[1] / 2:,.0f} with 2")
        same = digest(folder / "rate1")
        return {
            "backtest_1m_s": round(seconds * 1_000_000 / count, 1),
            "backtest_1m_mb": round(peak, 1),
            "rows_equal_ray": on_ray(small, folder / "ray", same),
            "resume_equal": digest(folder / "rate2") == same and resumed(small, folder / "killed", same),
            "unreadable": len(result.unreadable),
        }


def recorded() -> list[dict[str, object]]:
    """Bring about some exchanges of every outcome; return their rows as an export has them."""
    drawn = random.Random(13)
    with sqlite() as opener:
        store = opener()
        guard = guard_over(store, load(POLICY))
        for number in range(MODELS):
            with guard.context(customer=f"u{number // 4}", conversation=f"c{number}"):
                bring_about(guard, drawn, f"e{number}")
        store.flush()
        found = [as_data(row) for entry in store.export() if (row := read_row(entry)) is not None]
        store.close()
    return found


def bring_about(guard: Guard, drawn: random.Random, exchange: str) -> None:
    """Have one exchange: words, an answer, now and then a call."""
    said = (Message(speaker=Speaker.USER, text=drawn.choice(SAID)),)
    amount = drawn.choice(("5 USD", "90 USD", "640 USD", "?", "12 EUR"))
    tool = drawn.choice(("issue_refund", "delete_account", "check_return"))
    call = ToolCall(id="t", name=tool, arguments=json.dumps({"amount": amount}))
    if drawn.random() < 0.2:
        guard.gate(call, exchange=exchange)
        return
    begun = guard.begin(said, exchange=exchange)
    if begun.outcome is None:
        calls = (call,) if drawn.random() < 0.3 else ()
        begun.used({"prompt_tokens": 412, "completion_tokens": 57})
        begun.finish([Draft(text=drawn.choice(ANSWERS), tool_calls=calls, model="m")])


def written(rows: list[dict[str, object]], path: Path, count: int) -> None:
    """Write rows again and again, each under an id and on a day of its own."""
    with path.open("w") as file:
        for number in range(count):
            row = rows[number % len(rows)]
            day = f"2026-{1 + number % 12:02}-{1 + number % 28:02}T10:00:00+00:00"
            exchange = hashlib.md5(str(number).encode()).hexdigest()
            file.write(json.dumps({**row, "exchange": exchange, "at": day}) + "\n")


def rate(log: Path, folder: Path, count: int, workers: int) -> float:
    """Return rows a second."""
    began = time.monotonic()
    run(backtest_job(POLICY)[0], log, folder, workers=workers)
    return count / (time.monotonic() - began)


def peak_mb(log: Path, folder: Path, workers: int) -> float:
    """Run in processes of their own; return the most that all of them may have held at once, in MB."""
    subprocess.run([sys.executable, "-c", RUN, str(log), str(folder), str(workers)], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000 * (workers + 1)


def one() -> None:
    """Run one job as a process of its own: the log, the folder and how many workers are its arguments."""
    log, folder, workers = sys.argv[1:4]
    run(backtest_job(POLICY)[0], Path(log), Path(folder), workers=int(workers))


def resumed(log: Path, folder: Path, same: str) -> bool:
    """Kill a run once it has written something, go on, and compare."""
    process = subprocess.Popen([sys.executable, "-c", RUN, str(log), str(folder), "1"])
    while process.poll() is None and not list(folder.glob("*.jsonl")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = run(backtest_job(POLICY)[0], log, folder, workers=2)
    print(f"killed after {again.resumed} of {again.chunks} chunks")
    return digest(folder) == same


def on_ray(log: Path, folder: Path, same: str) -> bool | None:
    """Compare with Ray's rows; None where Ray is not installed."""
    spec = importlib.util.find_spec("ray")
    if spec is None or spec.origin is None:
        print("Ray is not installed; pip install 'handrail[ray]'")
        return None
    began = time.monotonic()
    run(backtest_job(POLICY)[0], log, folder, workers=2, engine="ray")
    print(f"on Ray in {time.monotonic() - began:.0f} s")
    return digest(folder) == same


def digest(folder: Path) -> str:
    """Return the digest of all rows of a folder."""
    return hashlib.sha256(b"".join(_parts(folder))).hexdigest()


def _parts(folder: Path) -> Iterator[bytes]:
    return (part.read_bytes() for part in sorted(folder.glob("*.jsonl")))
