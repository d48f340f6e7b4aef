"""The decision log under load: what a kill loses, whether exchanges fail, what an answer costs.

    python -m benchmarks.log [--quick]

Bars: no exchange fails and a killed process loses at most half a second of released answers, on both stores,
under 1, 4 and 8 saturating threads, 200 tasks and beside three spinning threads; 400 bytes a passed exchange,
compressed; a million exchanges put before a policy in 5 minutes on two cores and 2 GiB, the same
rows to the byte on Ray and after a kill. Figures without a bar's measurement are null, and short.
"""

import json
import sys
import time
import zlib
from datetime import timedelta

from benchmarks.log_backtest import figures_of
from benchmarks.log_load import ANSWER, QUESTION, Load, guard_over, killed_under
from benchmarks.report import close
from benchmarks.ticket_load import NOW, Opener, postgres, sqlite

from handrail.ids import new_id
from handrail.policy.runtime.log_row import PASSED, as_data, read_row
from handrail.records import CallCost
from handrail.store.audit.log import LOSS_WINDOW_S
from handrail.tickets.ports import DecisionEntry

MOST_BYTES = 400.0
MOST_S, MOST_MB = 300.0, 2048.0
COST = CallCost(
    latency_us={"screen": 131, "model": 812_345, "judge": 87},
    asked=1,
    usage={"prompt_tokens": 412, "completion_tokens": 57, "total_tokens": 469},
)
LOADS = {
    "1 thread": Load(threads=1),
    "4 threads": Load(threads=4),
    "8 threads": Load(threads=8),
    "200 tasks": Load(tasks=200),
    "beside 3 spinning": Load(threads=1, spinning=3, pause_s=0.005),
}


def main() -> None:
    """Run, print a table and one JSON line; exit 1 if a bar is missed."""
    kills = 1 if "--quick" in sys.argv[1:] else 20
    figures: dict[str, float | None] = {
        "lost_after_kill_s": 0.0,
        "longest_wait_s": 0.0,
        "failed_exchanges": 0,
    }
    print(f"{'':32}{'released':>10}{'lost':>8}{'lost s':>8}{'waited s':>10}{'failed':>8}")
    for name, stores in (("sqlite", sqlite), ("postgresql", postgres)):
        with stores() as opener:
            for load_name, load in LOADS.items():
                killed(f"{name}, {load_name}", opener, load, kills, figures)
    with sqlite() as opener:
        figures["bytes_per_passed"], figures["write_us"] = written(opener, 2_000)
    figures |= figures_of(100_000 if "--quick" in sys.argv[1:] else 1_000_000)
    close("log", figures, missed(figures))


def killed(name: str, opener: Opener, load: Load, kills: int, figures: dict[str, float | None]) -> None:
    """Kill processes under one load and keep the worst of what it cost."""
    losses = [killed_under(opener, load, after_s=1 + 2 * kill / kills) for kill in range(kills)]
    lost_s, waited_s = max(loss.lost_s for loss in losses), max(loss.longest_wait_s for loss in losses)
    released, lost = sum(loss.released for loss in losses), sum(loss.lost for loss in losses)
    failed = sum(loss.failed for loss in losses)
    print(f"{name:32}{released:>10,}{lost:>8,}{lost_s:>8.2f}{waited_s:>10.2f}{failed:>8}")
    for figure, value in (("lost_after_kill_s", lost_s), ("longest_wait_s", waited_s)):
        figures[figure] = round(max(figures[figure] or 0.0, value), 3)
    figures["failed_exchanges"] = (figures["failed_exchanges"] or 0) + failed


def written(opener: Opener, count: int) -> tuple[float, float]:
    """Return the compressed bytes of one passed exchange in an export, and the CPU that its record takes."""
    store = opener()
    guard = guard_over(store)
    outcome = guard.begin(QUESTION).finish(ANSWER)
    assert outcome.is_released
    store.flush()
    began = time.process_time()
    for number in range(count):
        entry = DecisionEntry(
            decision=outcome.decision,
            exchange=new_id(),
            tenant="default",
            at=NOW + timedelta(seconds=number),
            cost=COST,
            model="gpt-4.1-mini",
            adapter="http",
            conversation=f"c{number // 4}",
            customer=f"u{number // 8}",
            sources=guard.policy.fact_sources,
        )
        store.log(entry)
    store.flush()
    write_us = (time.process_time() - began) / count * 1e6
    rows = [row for row in map(read_row, store.export()) if row is not None]
    lines = [json.dumps(as_data(row)) for row in rows if row.outcome == PASSED]
    store.close()
    packed = zlib.compress("\n".join(lines).encode(), 9)
    size = len(packed) / len(lines)
    print(f"one passed exchange: {size:.0f} bytes compressed, {write_us:.0f} µs of CPU to write")
    return round(size, 1), round(write_us, 1)


def missed(figures: dict[str, float | None]) -> list[str]:
    """Return the figures that miss their bar."""
    bars = {
        "lost_after_kill_s": LOSS_WINDOW_S,
        "longest_wait_s": LOSS_WINDOW_S,
        "failed_exchanges": 0,
        "bytes_per_passed": MOST_BYTES,
        "backtest_1m_s": MOST_S,
        "backtest_1m_mb": MOST_MB,
        "unreadable": 0,
    }
    equal = [name for name in ("rows_equal_ray", "resume_equal") if figures[name] is False]
    return [name for name, bar in bars.items() if (figures[name] or 0.0) > bar] + equal


if __name__ == "__main__":
    main()
