"""The inbox with 10,000 open tickets: how long pages take, and 200 reviewers with 50 live streams at once.

    python -m benchmarks.inbox [--quick]

Server time is that of the application itself, without a network; it is measured one page at a time. The load
is a server in a process of its own, SQLite, whose reviewers each look at their list every ten seconds while a
ticket is opened every second.
"""

import argparse
import asyncio
import socket
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.gateway_load import memory_mb
from benchmarks.inbox_load import PEOPLE, Load, Pages, load, quantile, served, stir, write
from benchmarks.report import close

from handrail.store import Filter

STREAMS = 50
WARM_S = 45.0
BAR_LIST_MS, BAR_TICKET_MS = 100.0, 50.0
BAR_PAGE_BYTES = 60_000
BAR_GROWTH_MB = 16.0
BAR_WAIT_S = 2.0


async def pages(folder: Path, rounds: int) -> dict[str, float]:
    """Return the milliseconds and bytes of pages, asked one after the other."""
    asked = Pages(folder)
    try:
        ids = [row.id for row in asked.store.list("default", Filter(limit=rounds)).rows]
        await asked.times(["/", f"/tickets/{ids[0]}", "/api/v1/tickets"] * 3)
        found = {
            "list": await asked.times(["/"] * rounds),
            "api_list": await asked.times(["/api/v1/tickets"] * rounds),
            "ticket": await asked.times([f"/tickets/{one}" for one in ids]),
            "api_ticket": await asked.times([f"/api/v1/tickets/{one}" for one in ids]),
        }
        figures = {f"{name}_p50_ms": round(quantile(took, 0.5), 1) for name, took in found.items()}
        figures |= {f"{name}_p95_ms": round(quantile(took, 0.95), 1) for name, took in found.items()}
        figures["list_bytes"] = await asked.weight("/")
        figures["ticket_bytes"] = await asked.weight(f"/tickets/{ids[0]}")
    finally:
        asked.store.close()
    return figures


async def crowd(folder: Path, config: Path, seconds: float) -> dict[str, float]:
    """Return what many reviewers saw, and by how much the server's memory grew while they looked."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asked = Pages(folder)
    with served(config, port) as pid:
        first = Load()
        # Threads, connections and their caches come with the first few hundred pages.
        await load(port, pollers=PEOPLE, streams=STREAMS, seconds=max(seconds, WARM_S), seen=first)
        before, seen = memory_mb(pid), Load()
        until = time.monotonic() + seconds
        await asyncio.gather(
            load(port, pollers=PEOPLE, streams=STREAMS, seconds=seconds, seen=seen),
            stir(asked.store, until=until),
        )
        growth = memory_mb(pid) - before
    asked.store.close()
    for kind, count in (first.failures + seen.failures).items():
        print(f"failed: {count} {kind}")
    seen.seconds.sort()
    return {
        "reviewers": PEOPLE,
        "streams": STREAMS,
        "pages": seen.pages,
        "failures": (first.failures + seen.failures).total(),
        "changes_heard": seen.changes,
        "wait_p50_s": round(quantile(seen.seconds, 0.5), 3),
        "wait_p95_s": round(quantile(seen.seconds, 0.95), 3),
        "memory_growth_mb": round(growth, 1),
    }


def main() -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer tickets and a shorter load")
    is_quick = parser.parse_args().quick
    count, rounds, seconds = (1_000, 40, 15.0) if is_quick else (10_000, 200, 60.0)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        config = write(folder, count)
        figures = {"open_tickets": float(count), **asyncio.run(pages(folder, rounds))}
        figures |= asyncio.run(crowd(folder, config, seconds))
    for figure, value in figures.items():
        print(f"{figure:24}{value:>12}")
    missed = {
        "list_p95_ms": figures["list_p95_ms"] > BAR_LIST_MS,
        "api_list_p95_ms": figures["api_list_p95_ms"] > BAR_LIST_MS,
        "ticket_p95_ms": figures["ticket_p95_ms"] > BAR_TICKET_MS,
        "api_ticket_p95_ms": figures["api_ticket_p95_ms"] > BAR_TICKET_MS,
        "list_bytes": figures["list_bytes"] > BAR_PAGE_BYTES,
        "ticket_bytes": figures["ticket_bytes"] > BAR_PAGE_BYTES,
        "failures": figures["failures"] > 0,
        # Streams that tell of nothing would be no load.
        "changes_heard": figures["changes_heard"] < STREAMS,
        "wait_p95_s": figures["wait_p95_s"] > BAR_WAIT_S,
        "memory_growth_mb": figures["memory_growth_mb"] > BAR_GROWTH_MB,
    }
    return close("inbox", figures, [name for name, is_missed in missed.items() if is_missed])


if __name__ == "__main__":
    sys.exit(main())
