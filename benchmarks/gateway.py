"""Streams through the gateway, guarded and with the guard off: `python -m benchmarks.gateway [--quick]`.

Bars: at least 75 % of the throughput with the guard off, at 500 callers; at half that load at most 15 ms more
than without the guard until the first byte (of a stream that is held to its end: after the provider's last
piece); no unguarded byte; memory that does not grow. `benchmarks.gateway_soak` asks for minutes.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gateway_load import (
    SECRET_EVERY,
    Clock,
    FirstBytes,
    Load,
    cpu_seconds,
    gateway,
    load,
    memory_mb,
    paced,
    provider,
    ready,
)
from benchmarks.overhead import SAME_CHECK
from benchmarks.report import close

CALLERS = 500
PORTS = {"off": 18101, "on": 18102, "release": 18103}
BAR_RATIO = 0.75
BAR_FIRST_BYTE_MS = 15.0
BAR_GROWTH_MB = 20.0


@dataclass
class Seen:
    """What was seen: loads of each kind, and first bytes at half load."""

    loads: dict[str, list[Load]] = field(default_factory=lambda: {"off": [], "on": []})
    first: dict[str, FirstBytes] = field(default_factory=dict)


async def measure(folder: Path, *, rounds: int, seconds: float) -> Seen:
    """Run both kinds in turn, so that the machine's moods fall on both; a warm-up goes first."""
    seen, clock = Seen(), Clock()
    (folder / "releasing.yaml").write_text(SAME_CHECK.replace("if_unsure:", "stream: release\nif_unsure:"))
    async with provider(clock) as upstream:
        with (
            gateway(folder, upstream, PORTS["off"], guard=False) as off,
            gateway(folder, upstream, PORTS["on"], guard=True) as on,
            gateway(
                folder,
                upstream,
                PORTS["release"],
                guard=True,
                policy=str(folder / "releasing.yaml"),
            ),
        ):
            pids = {"off": off, "on": on}
            for port in PORTS.values():
                await ready(port)
                await load(port, callers=CALLERS, until=time.monotonic() + seconds / 2, seen=Load())
            for at in range(rounds):
                for kind in ("off", "on") if at % 2 == 0 else ("on", "off"):
                    one, start, used = Load(), time.monotonic(), cpu_seconds(pids[kind])
                    await load(PORTS[kind], callers=CALLERS, until=start + seconds, seen=one)
                    one.elapsed = time.monotonic() - start
                    one.cpu, one.memory = cpu_seconds(pids[kind]) - used, memory_mb(on)
                    seen.loads[kind].append(one)
            half = rate_of(seen.loads["on"]) / 2
            for kind, port in PORTS.items():
                seen.first[kind] = await paced(port, rate=half, seconds=seconds, clock=clock)
    return seen


def rate_of(loads: list[Load]) -> float:
    """Answers a second, the median of the rounds."""
    return statistics.median(len(one.seconds) / one.elapsed for one in loads)


def p99(values: list[float]) -> float:
    """The value that 99 of 100 stay under."""
    return statistics.quantiles(values, n=100)[98]


def show(loads: dict[str, list[Load]]) -> dict[str, float]:
    """Print the table; returns CPU milliseconds of an answer by kind."""
    print(f"{'guard':8}{'streams/s':>12}{'cpu ms each':>13}{'p50 s':>9}{'p99 s':>9}{'leaks':>7}")
    cpu: dict[str, float] = {}
    for kind, of_kind in loads.items():
        cpu[kind] = statistics.median(one.cpu / len(one.seconds) for one in of_kind) * 1000
        times = [second for one in of_kind for second in one.seconds]
        leaks = sum(one.leaks for one in of_kind)
        shown = f"{rate_of(of_kind):12.1f}{cpu[kind]:13.2f}{statistics.median(times):9.2f}{p99(times):9.2f}"
        print(f"{kind:8}{shown}{leaks:7}")
    return cpu


def main() -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    options = parser.parse_args()
    rounds, seconds = (2, 4.0) if options.quick else (6, 12.0)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        seen = asyncio.run(measure(Path(folder), rounds=rounds, seconds=seconds))
    cpu, on, off = show(seen.loads), seen.loads["on"], seen.loads["off"]
    held = {kind: p99(one.after_last) for kind, one in seen.first.items() if kind != "release"}
    released = seen.first["release"]
    rate = {kind: rate_of(of_kind) for kind, of_kind in seen.loads.items()}
    leaks = sum(one.leaks for one in on) + seen.first["on"].leaks + released.leaks
    figures = {
        "streams_per_s": round(rate["on"], 1),
        "streams_per_s_guard_off": round(rate["off"], 1),
        "ratio": round(rate["on"] / rate["off"], 3),
        "cpu_ms": round(cpu["on"], 2),
        "cpu_ms_guard_off": round(cpu["off"], 2),
        "cpu_ratio": round(cpu["off"] / cpu["on"], 3),
        "first_byte_p99_ms": round(held["on"], 1),
        "first_byte_p99_ms_guard_off": round(held["off"], 1),
        "first_byte_added_p99_ms": round(held["on"] - held["off"], 1),
        "released_first_byte_p50_ms": round(statistics.median(released.after_first), 1),
        "released_first_byte_p99_ms": round(p99(released.after_first), 1),
        "leaks": leaks,
        "leaks_guard_off": sum(one.leaks for one in off),
        "failures": sum(one.failures for one in on),
        "memory_growth_mb": round(on[-1].memory - on[0].memory, 1),
        "callers": CALLERS,
        "secret_every": SECRET_EVERY,
    }
    missed = {
        "ratio": rate["on"] < BAR_RATIO * rate["off"],
        "first_byte_added_p99_ms": held["on"] - held["off"] > BAR_FIRST_BYTE_MS,
        "leaks": leaks > 0,
        # The control must leak, or the figure above says nothing.
        "leaks_guard_off": not any(one.leaks for one in off),
        "failures": any(one.failures for one in on),
        "memory_growth_mb": on[-1].memory - on[0].memory > BAR_GROWTH_MB,
    }
    return close("gateway", figures, [name for name, is_missed in missed.items() if is_missed])


if __name__ == "__main__":
    sys.exit(main())
