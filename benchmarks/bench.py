"""Runs every benchmark and writes the page: `make bench`.

    python -m benchmarks.bench [--quick | --full] [--only NAME ...] [--out docs] [--minutes 25]

Peers are installed first, each in an environment of its own. A benchmark ends with one JSON line; the page
holds those lines as tables, what each is short of, and a chart of how many times a peer's cost is ours.

The whole ends within 25 minutes: benchmarks that would take many minutes run with fewer rounds, and the page
says which. `--full` runs all of them with all rounds, without a bound; `--quick` all with fewer.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from benchmarks import overhead_peers, peers

NAMES = (
    "startup",
    "overhead",
    "overhead_parts",
    "walk",
    "scan_speed",
    "scan_quality",
    "scan_hostile",
    "signals",
    "policy",
    "written_policies",
    "confidence",
    "log",
    "tickets",
    "gateway",
    "inbox",
    "review",
)
LONG = frozenset({"signals", "written_policies", "confidence", "log", "tickets", "inbox", "review"})
"""Those that take many minutes with all rounds."""

MINUTES, QUICK_MINUTES, FULL_MINUTES = 25.0, 12.0, 180.0
HOW_TO_READ = """\
## How to read this page

- Each benchmark is one section: what its module says it measures, its figures, and what it is *short* of:
  every bar that was missed or not measured. Nothing is left out because it came out badly.
- Ratios hold on any machine, because both sides were measured in turn in one run: a peer's CPU over
  handrail's for the same check, the gateway over itself with the guard off, a guarded model beside one that
  only passes on. Times (`_us`, `_ms`, `_per_s`) are those of the machine named above, and of whatever else
  ran on it.
- CPU is what all threads spent on a call. So a check's figure holds the writing of its durable log, which
  the peers do not keep. `p50` and `p99` are what half, and 99 of 100, stay under.
- A control that must fail stands beside a promise: that `leaks` of the gateway is 0 says something only
  because `leaks_guard_off` is not.
- Peers are other packages, each in an environment of its own, at the version that the benchmark's source
  names, with their telemetry off.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One benchmark: its figures, what it is short of, how it is described, and whether rounds were fewer."""

    name: str
    about: str
    figures: dict[str, object]
    short: tuple[str, ...]
    seconds: float
    is_quick: bool = False


def ran(name: str, *, is_quick: bool, ends: float) -> Ran:
    """Run one benchmark, showing what it prints; one that ends without its line is short of itself.

    Args:
        name: of the benchmark.
        is_quick: with fewer rounds, if it knows how.
        ends: when it is stopped, in the time of `time.monotonic`.
    """
    began = time.monotonic()
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    given = ["--quick"] if is_quick and '"--quick"' in source else []
    process = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{name}", *given],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    stop = threading.Timer(max(1.0, ends - began), process.terminate)
    stop.start()
    last: dict[str, object] = {}
    for line in process.stdout:
        print(line, end="", flush=True)
        if line.startswith('{"name"'):
            last = json.loads(line)
    process.wait()
    stop.cancel()
    how = "was stopped" if time.monotonic() >= ends else f"ended with {process.returncode}"
    figures, short = last.get("figures", {}), last.get("short", [f"{name} {how}"])
    assert isinstance(figures, dict)
    assert isinstance(short, list)
    about = source.removeprefix('"""').partition("\n")[0].removesuffix('"""')
    seconds = time.monotonic() - began
    return Ran(
        name=name,
        about=about,
        figures=figures,
        short=tuple(map(str, short)),
        seconds=seconds,
        is_quick=bool(given),
    )


def page(runs: Sequence[Ran]) -> str:
    """Return the page as Markdown; pure but for the date and the machine."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}.",
        "*Short* names bars that were missed or not measured. Each runs alone: `python -m benchmarks.NAME`.",
        "",
        "![How many times a peer's cost is handrail's](benchmarks.svg)",
        "",
        HOW_TO_READ.rstrip(),
    ]
    left_out = [name for name in NAMES if name not in {one.name for one in runs}]
    if left_out:
        lines += ["", f"Not run this time: {', '.join(f'`{name}`' for name in left_out)}."]
    for one in runs:
        lines += ["", f"## {one.name}", "", one.about, "", "| figure | value |", "|---|---|"]
        lines += [f"| `{name}` | {shown(value)} |" for name, value in one.figures.items()]
        lines += [
            "",
            f"Short: {', '.join(f'`{name}`' for name in one.short) or 'nothing'}. {one.seconds:.0f} s"
            f"{', with fewer rounds' if one.is_quick else ''}.",
        ]
    return "\n".join(lines) + "\n"


def shown(value: object) -> str:
    """Return a figure as the table shows it; pure."""
    if value is None:
        return "not measured"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def chart(runs: Sequence[Ran]) -> str:
    """Return every measured ratio as a bar on a logarithmic scale, as SVG; pure."""
    ratios = [
        (f"{one.name}: {name.replace('ratio', '').strip('_').replace('_', ' ')}", float(value))
        for one in runs
        for name, value in one.figures.items()
        if "ratio" in name and isinstance(value, int | float) and value > 0
    ]
    rows = []
    for number, (label, value) in enumerate(ratios):
        y, width = 20 + 24 * number, max(2.0, 130 * math.log10(value))
        rows.append(
            f'<text x="250" y="{y + 13}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="260" y="{y}" width="{width:.0f}" height="16" fill="#4a7ab5"/>'
            f'<text x="{266 + width:.0f}" y="{y + 13}">{value:g}×</text>'
        )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{40 + 24 * len(rows)}" '
    return head + 'font-family="sans-serif" font-size="12">' + "".join(rows) + "</svg>\n"


def main() -> None:
    """Install the peers, run the benchmarks, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    rounds = parser.add_mutually_exclusive_group()
    rounds.add_argument("--quick", action="store_true", help="fewer rounds, and no peer is installed")
    rounds.add_argument("--full", action="store_true", help="all rounds of all")
    parser.add_argument("--minutes", type=float, help="after which what is left is not run")
    parser.add_argument("--only", nargs="+", default=NAMES, choices=NAMES, help="these alone")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page")
    options = parser.parse_args()
    if not options.quick:
        peers.install()
        overhead_peers.install()
    minutes = options.minutes or (
        QUICK_MINUTES if options.quick else FULL_MINUTES if options.full else MINUTES
    )
    began = time.monotonic()
    ends = began + 60 * minutes
    runs = []
    for number, name in enumerate(options.only, 1):
        gone = (time.monotonic() - began) / 60
        if gone >= minutes:
            break
        print(f"\n== {number} of {len(options.only)}: {name}, {gone:.1f} of {minutes:.0f} min", flush=True)
        runs.append(ran(name, is_quick=options.quick or (name in LONG and not options.full), ends=ends))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "benchmarks.md").write_text(page(runs), encoding="utf-8")
    (options.out / "benchmarks.svg").write_text(chart(runs), encoding="utf-8")
    for one in runs:
        print(f"{one.name:18}{'short of ' + ', '.join(one.short) if one.short else 'holds'}")
    sys.exit(1 if any(one.short for one in runs) else 0)


if __name__ == "__main__":
    main()
