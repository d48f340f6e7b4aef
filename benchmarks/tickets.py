"""Tickets: whole cycles a second on SQLite and PostgreSQL, races, lists over a million; peers beside them.

    python -m benchmarks.tickets [--quick]

Bars: one worker's `open` p99 is at most three times the p99 of an fsync of that disk, taken in turns, for a
customer's first ticket too; 8 workers on PostgreSQL do at least .06 times as many cycles as that server's own
`pgbench -N -M prepared` does transactions; lists and counts p95 within 10 ms beside 100,000 tickets, the list
of open tickets within 50 ms beside a million closed ones; no race with two winners.
"""

import sys
import time
from datetime import timedelta

from benchmarks.pgbench import transactions_per_s
from benchmarks.report import close
from benchmarks.ticket_list import asked_beside_closed, refunds
from benchmarks.ticket_load import (
    NOW,
    Opener,
    open_beside_fsync,
    postgres_on,
    postgres_server,
    quantile,
    races,
    rate,
    sqlite,
)
from benchmarks.ticket_peers import PEERS

PG_SHARE = 0.06
MOST = {
    "open_p99_over_fsync_p99": 3.0,
    "open_new_p99_over_fsync_p99": 3.0,
    "list_100k_ms": 10.0,
    "list_of_a_role_100k_ms": 10.0,
    "counts_100k_ms": 10.0,
    "list_of_a_role_1m_ms": 50.0,
    "refund_after_10000_over_first": 1.3,
}


def main() -> None:
    """Run, print a table and one JSON line; exit 1 if a bar is missed."""
    quick = "--quick" in sys.argv[1:]
    figures: dict[str, float] = {}
    print(f"{'':28}{'cycles/s':>10}{'p50 ms':>10}{'p99 ms':>10}")
    with sqlite() as opener:
        rates("sqlite", opener, figures, quick=quick)
        fsync(opener, figures, count=100 if quick else 1000)
        raced(opener, figures, count=30 if quick else 500)
    with postgres_server() as server:
        opener, seconds = postgres_on(server), 3 if quick else 10
        before = transactions_per_s(server, clients=8, seconds=seconds)
        rates("pg", opener, figures, quick=quick)
        after = transactions_per_s(server, clients=8, seconds=seconds)
        figures["pgbench_per_s"] = round((before + after) / 2, 1)
        cycles = figures["pg_cycles_per_s_8"]
        figures["pg_cycles_over_pgbench"] = round(cycles / figures["pgbench_per_s"], 3)
        raced(opener, figures, count=30 if quick else 500)
    for name, peer in PEERS.items():
        per_s, p50, p99 = peer(30 if quick else 150)
        figures[f"{name}_cycles_per_s_1"] = round(per_s, 1)
        row(f"{name}, 1 worker", per_s, p50, p99)
    grown(figures, quick=quick)
    close("tickets", figures, missed(figures, quick=quick))


def grown(figures: dict[str, float], *, quick: bool) -> None:
    """Ask stores that hold much: lists, counts, and a customer's next refund."""
    begun = time.perf_counter()
    later = NOW + timedelta(days=1)
    for closed in (99_000,) if quick else (99_000, 1_000_000):
        for name, took in asked_beside_closed(open_count=1000, closed_count=closed, now=later).items():
            figures[f"{name}_{'1m' if closed > 100_000 else '100k'}_ms"] = round(quantile(took, 0.95), 2)
            p50, p95 = quantile(took, 0.5), quantile(took, 0.95)
            print(f"{name} beside {closed:,} closed: p50 {p50:.1f} ms, p95 {p95:.1f} ms", flush=True)
    first, later_one = refunds(earlier=10_000, rounds=30 if quick else 200)
    figures["refund_after_10000_over_first"] = round(later_one / first, 2)
    print(f"a refund {first:.2f} ms, after 10,000 others {later_one:.2f} ms")
    print(f"{time.perf_counter() - begun:.0f} s to fill the stores and ask")


def rates(name: str, opener: Opener, figures: dict[str, float], *, quick: bool) -> None:
    """Measure cycles with 1, 8 and 32 workers."""
    for workers in (1, 8, 32):
        cycles = (100 if quick else 600) * (1 if workers == 1 else 2)
        found = rate(opener, workers, cycles)
        figures[f"{name}_cycles_per_s_{workers}"] = round(found.per_s, 1)
        row(f"handrail on {name}, {workers} workers", found.per_s, found.p50_ms, found.p99_ms)


def fsync(opener: Opener, figures: dict[str, float], *, count: int) -> None:
    """Compare `open` with an fsync of the same disk at the same time.

    A customer's first ticket makes their key durable before it, in a file of its own: a second fsync.
    """
    found = open_beside_fsync(opener, count)
    sync = quantile(found.syncs, 0.99)
    every = sorted(found.new + found.known)
    figures["open_p99_over_fsync_p99"] = round(quantile(every, 0.99) / sync, 2)
    figures["open_new_p99_over_fsync_p99"] = round(quantile(found.new, 0.99) / sync, 2)
    figures["open_known_p99_over_fsync_p99"] = round(quantile(found.known, 0.99) / sync, 2)
    rows = (("open, customer new", found.new), ("open, customer known", found.known), ("fsync", found.syncs))
    for name, values in rows:
        row(
            name, 1 / (sum(values) / len(values)), 1000 * quantile(values, 0.5), 1000 * quantile(values, 0.99)
        )


def raced(opener: Opener, figures: dict[str, float], *, count: int) -> None:
    """Count races, and those that two processes won."""
    total, double = races(opener, count)
    figures["races"] = figures.get("races", 0) + total
    figures["races_with_two_winners"] = figures.get("races_with_two_winners", 0) + double


def missed(figures: dict[str, float], *, quick: bool) -> list[str]:
    """Name the bars that were missed."""
    short = []
    if figures["races_with_two_winners"]:
        short.append("races_with_two_winners")
    if not quick and figures["races"] < 1000:
        short.append("races")
    if figures["pg_cycles_over_pgbench"] < PG_SHARE:
        short.append("pg_cycles_over_pgbench")
    short += [name for name, most in MOST.items() if figures.get(name, most) > most]
    return short


def row(name: str, per_s: float, p50: float, p99: float) -> None:
    """Print one row."""
    print(f"{name:28}{per_s:10.1f}{p50:10.2f}{p99:10.2f}")


if __name__ == "__main__":
    main()
