"""Streams through the gateway, guarded and with the guard off: `python -m benchmarks.gateway [--quick]`.

Bars: at least 70 % of the throughput with the guard off; no unguarded byte; memory that does not grow.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.gateway_load import SECRET_EVERY, Load, cpu_seconds, gateway, load, memory_mb, provider, ready
from benchmarks.report import close

CALLERS = 500
PORTS = {"off": 18101, "on": 18102}
BAR_RATIO = 0.70
BAR_GROWTH_MB = 20.0


async def measure(folder: Path, *, rounds: int, seconds: float) -> dict[str, list[Load]]:
    """Run both kinds in turn, so that the machine's moods fall on both; a warm-up goes first."""
    seen: dict[str, list[Load]] = {"off": [], "on": []}
    async with provider() as upstream:
        with (
            gateway(folder, upstream, PORTS["off"], guard=False) as off,
            gateway(folder, upstream, PORTS["on"], guard=True) as on,
        ):
            pids = {"off": off, "on": on}
            for port in PORTS.values():
                await ready(port)
                await load(port, callers=CALLERS, until=time.monotonic() + seconds, seen=Load())
            for at in range(rounds):
                for kind in ("off", "on") if at % 2 == 0 else ("on", "off"):
                    one, start, used = Load(), time.monotonic(), cpu_seconds(pids[kind])
                    await load(PORTS[kind], callers=CALLERS, until=start + seconds, seen=one)
                    one.elapsed = time.monotonic() - start
                    one.cpu, one.memory = cpu_seconds(pids[kind]) - used, memory_mb(on)
                    seen[kind].append(one)
    return seen


def main() -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    is_quick = parser.parse_args().quick
    rounds, seconds = (2, 4.0) if is_quick else (6, 12.0)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        seen = asyncio.run(measure(Path(folder), rounds=rounds, seconds=seconds))
    print(f"{'guard':8}{'streams/s':>12}{'cpu ms each':>13}{'p50 s':>9}{'p99 s':>9}{'leaks':>7}")
    rate: dict[str, float] = {}
    cpu: dict[str, float] = {}
    for kind, loads in seen.items():
        rate[kind] = statistics.median(len(one.seconds) / one.elapsed for one in loads)
        cpu[kind] = statistics.median(one.cpu / len(one.seconds) for one in loads) * 1000
        times = [second for one in loads for second in one.seconds]
        p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        leaks = sum(one.leaks for one in loads)
        print(f"{kind:8}{rate[kind]:12.1f}{cpu[kind]:13.2f}{p50:9.2f}{p99:9.2f}{leaks:7}")
    on = seen["on"]
    growth = on[-1].memory - on[0].memory
    figures = {
        "streams_per_s": round(rate["on"], 1),
        "streams_per_s_guard_off": round(rate["off"], 1),
        "ratio": round(rate["on"] / rate["off"], 3),
        "cpu_ms": round(cpu["on"], 2),
        "cpu_ms_guard_off": round(cpu["off"], 2),
        "cpu_ratio": round(cpu["off"] / cpu["on"], 3),
        "leaks": sum(one.leaks for one in on),
        "leaks_guard_off": sum(one.leaks for one in seen["off"]),
        "failures": sum(one.failures for one in on),
        "memory_growth_mb": round(growth, 1),
        "callers": CALLERS,
        "secret_every": SECRET_EVERY,
    }
    missed = {
        "ratio": rate["on"] < BAR_RATIO * rate["off"],
        "leaks": any(one.leaks for one in on),
        # The control must leak, or the figure above says nothing.
        "leaks_guard_off": not any(one.leaks for one in seen["off"]),
        "failures": any(one.failures for one in on),
        "memory_growth_mb": growth > BAR_GROWTH_MB,
    }
    return close("gateway", figures, [name for name, is_missed in missed.items() if is_missed])


if __name__ == "__main__":
    sys.exit(main())
