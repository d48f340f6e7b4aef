"""The gateway at a low load for minutes: `python -m benchmarks.gateway_soak [--seconds 600] [--rate 40]`.

Bars: no unguarded byte, no failure, and neither memory nor open files that grow once everything has been used
for a while. It prints a table with a line for each part of the time.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gateway_load import Clock, cpu_seconds, gateway, memory_mb, paced, provider, ready
from benchmarks.report import close

PORT = 18104
PARTS = 40
# What comes before fills caches and pools.
SETTLED = 0.25
BAR_GROWTH = 0.05
BAR_FILES = 8


@dataclass
class Seen:
    """What was seen at the end of each part of the time."""

    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    asked: int = 0
    leaks: int = 0
    cpu: float = 0.0


def open_files(pid: int) -> int:
    """How many files, sockets among them, a process holds open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid: int) -> int:
    """How many threads a process has."""
    return len(os.listdir(f"/proc/{pid}/task"))


async def soak(folder: Path, *, seconds: float, rate: float) -> Seen:
    """Ask at a steady rate, and look at the gateway's process after each part of the time."""
    seen, clock = Seen(), Clock()
    head = f"{'minute':>7}{'answers':>9}{'memory MB':>11}{'open files':>12}"
    print(f"{head}{'threads':>9}{'cpu %':>7}{'leaks':>7}")
    async with provider(clock) as upstream:
        with gateway(folder, upstream, PORT, guard=True) as pid:
            await ready(PORT)
            began, used = time.monotonic(), cpu_seconds(pid)
            for _ in range(PARTS):
                part = await paced(PORT, rate=rate, seconds=seconds / PARTS, clock=clock)
                seen.leaks += part.leaks
                seen.asked += len(part.after_last)
                seen.memory.append(memory_mb(pid))
                seen.files.append(open_files(pid))
                seen.threads.append(threads(pid))
                passed = time.monotonic() - began
                share = 100 * (cpu_seconds(pid) - used) / passed
                told = f"{passed / 60:7.1f}{seen.asked:9}{seen.memory[-1]:11.1f}{seen.files[-1]:12}"
                print(f"{told}{seen.threads[-1]:9}{share:7.1f}{seen.leaks:7}", flush=True)
            seen.cpu = (cpu_seconds(pid) - used) / seen.asked * 1000
    return seen


def growth(values: list[float]) -> float:
    """How much larger the last quarter is than the second, as a share; medians, so that one peak is none."""
    settled, quarter = int(len(values) * SETTLED), len(values) // 4
    early = statistics.median(values[settled : settled + quarter])
    return statistics.median(values[-quarter:]) / early - 1


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long")
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second")
    parser.add_argument("--quick", action="store_true", help="40 seconds")
    options = parser.parse_args()
    seconds = 40.0 if options.quick else options.seconds
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        seen = asyncio.run(soak(Path(folder), seconds=seconds, rate=options.rate))
    files = growth([float(count) for count in seen.files]) * seen.files[0]
    figures = {
        "minutes": round(seconds / 60, 1),
        "answers": seen.asked,
        "cpu_ms": round(seen.cpu, 2),
        "memory_mb": round(seen.memory[-1], 1),
        "memory_growth": round(growth(seen.memory), 4),
        "open_files": seen.files[-1],
        "open_files_growth": round(files, 1),
        "threads": seen.threads[-1],
        "leaks": seen.leaks,
    }
    missed = {
        "memory_growth": growth(seen.memory) > BAR_GROWTH,
        "open_files_growth": files > BAR_FILES,
        "leaks": seen.leaks > 0,
        "answers": seen.asked < int(options.rate * seconds / PARTS) * PARTS,
    }
    return close("gateway_soak", figures, [name for name, is_missed in missed.items() if is_missed])


if __name__ == "__main__":
    sys.exit(main())
