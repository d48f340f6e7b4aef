"""What the guard adds to one exchange of 1 kB without a ticket: `python -m benchmarks.overhead`."""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import close

from handrail import Guard

TEXT = (
    "Thank you for your message about the order that you placed with us last week. The parcel left our "
    "warehouse on the next working day and is now with the carrier, who will bring it to your door. You can "
    "follow its way with the link in the letter that we sent when it left. Should it not arrive within five "
    "working days, write to us again and we will look for it together with the carrier at once. "
)
BAR_P50_US = 1000.0


def answer(question: str) -> str:
    """Stand for a model; free of any cost of its own."""
    return (TEXT * 3)[:1024]


def sample(fn: Callable[[str], str], rounds: int) -> list[float]:
    """Time single calls in microseconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        fn(TEXT)
        times.append((time.perf_counter_ns() - start) / 1000)
    return times


def main() -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 300 if parser.parse_args().quick else 3000
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        guard = Guard.from_policy("support", store=f"sqlite:///{folder}/bench.db")
        guarded = guard(answer)
        with guard.context(customer="c1"):
            sample(guarded, 50)
            bare, again = sample(answer, rounds), sample(answer, rounds)
            with_guard = sample(guarded, rounds)
        with guard.context(customer="c1", conversation="v1"):
            in_conversation = sample(guarded, rounds)
        guard.close()
    base = statistics.median(bare)
    rows = {
        "bare call": bare,
        "bare call again": again,
        "guarded": with_guard,
        "guarded, in a conversation": in_conversation,
    }
    print(f"{'':28}{'p50 us':>10}{'p99 us':>10}")
    for name, times in rows.items():
        print(f"{name:28}{statistics.median(times):10.1f}{statistics.quantiles(times, n=100)[98]:10.1f}")
    figures = {
        "exchange_p50_us": round(statistics.median(with_guard) - base, 1),
        "exchange_p99_us": round(statistics.quantiles(with_guard, n=100)[98] - base, 1),
        "conversation_p50_us": round(statistics.median(in_conversation) - base, 1),
    }
    short = ["exchange_p50_us"] if figures["exchange_p50_us"] > BAR_P50_US else []
    return close("overhead", figures, short)


if __name__ == "__main__":
    sys.exit(main())
