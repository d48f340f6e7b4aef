"""How the time to read a text grows on texts made to hurt: `python -m benchmarks.scan_hostile`.

Beside a list of known shapes every unit of one to three characters is tried, one of each class of character,
repeated; the scanner and the signals read each.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks import peers
from benchmarks.report import close

from handrail.scan import default_scanner
from handrail.signals.read import hear

SHAPES = {
    "a.a.a.": "a.",
    "aaaa@a.a.a": "aaaa@a.a.a ",
    "1.1.1.": "1.",
    "1:1:1::": "1:",
    "http://http://": "http://",
    "+1 (1) +1 (": "+1 (1) ",
    "1 1 1 1": "1 ",
    "AB12 AB12": "AB12 ",
    "%41%41": "%41",
    "base64 run": "QUJD",
    "password: password:": "password: ",
    "Aa Aa Aa": "Aa ",
}
CLASSES = "aA14 .-@:/%\n,é我"
"""One or two of each class of character."""

SMALL, LARGE = 16 << 10, 128 << 10
BAR = 9.5
BAR_S = 3.0
"""Seconds for 4 MB."""
PRESIDIO_LIMIT_S = 20


def scan(text: str) -> object:
    """Look for sensitive data."""
    return default_scanner().scan(text)


READERS: dict[str, Callable[[str], object]] = {"scan": scan, "signals": hear}


def cpu_s(text: str, rounds: int, read: Callable[[str], object] = scan) -> float:
    """Return the best CPU seconds of one reading."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        read(text)
        best = min(best, time.process_time() - start)
    return best


def units(longest: int) -> Iterator[str]:
    """Yield every unit of up to so many characters."""
    for length in range(1, longest + 1):
        yield from map("".join, itertools.product(CLASSES, repeat=length))


def growth(unit: str, rounds: int, read: Callable[[str], object]) -> tuple[float, float]:
    """Return the growth from the small to the large text, and the seconds for 4 MB at the latter's rate."""
    small, large = (cpu_s(unit * (size // len(unit)), rounds, read) for size in (SMALL, LARGE))
    return large / small, large * (4 << 20) / LARGE


def family(longest: int) -> dict[str, float]:
    """Try every unit with each reader; the slowest are measured again before they count."""
    figures: dict[str, float] = {}
    for name, read in READERS.items():
        first = {unit: growth(unit, 1, read) for unit in units(longest)}
        worst = {unit for which in (0, 1) for unit in sorted(first, key=lambda unit: -first[unit][which])[:8]}
        again = {unit: growth(unit, 3, read) for unit in worst}
        grown = max(again, key=lambda unit: again[unit][0])
        slow = max(again, key=lambda unit: again[unit][1])
        mean = sum(seconds for _, seconds in first.values()) / len(first)
        print(
            f"{name}: {len(first)} units, {mean:.2f} s for 4 MB in the mean; "
            f"{again[slow][1]:.2f} s of {slow!r}; growth {again[grown][0]:.1f} of {grown!r}"
        )
        figures[f"{name}_unit_growth_8x"] = round(again[grown][0], 2)
        figures[f"{name}_unit_4mb_s"] = round(again[slow][1], 2)
    return figures


def presidio_line() -> None:
    """Print how long Presidio's URL case takes beside ours."""
    peer = peers.start("presidio")
    if peer is None:
        return
    with peer:
        for size in (1 << 10, 4 << 10):
            text = "a." * (size // 2)
            spent = peer.seconds([text], 0.001, limit_s=PRESIDIO_LIMIT_S)
            theirs = f"{spent:.2f} s" if spent is not None else f"over {PRESIDIO_LIMIT_S} s"
            print(f"Presidio on {size >> 10} kB of a.a.a.: {theirs}; here {cpu_s(text, 3) * 1000:.2f} ms")


def main() -> int:
    """Run the benchmark; returns the exit code."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    options.add_argument("--quick", action="store_true", help="fewer rounds, units of up to two characters")
    quick = options.parse_args().quick
    rounds = 2 if quick else 5
    for read in READERS.values():
        read("warm up 1 2 3")
    worst = 0.0
    print(f"{'shape':22} {'16 kB ms':>9} {'128 kB ms':>10} {'growth':>7}")
    for name, unit in SHAPES.items():
        small, large = (unit * (size // len(unit)) for size in (SMALL, LARGE))
        first, second = cpu_s(small, rounds), cpu_s(large, rounds)
        worst = max(worst, second / first)
        print(f"{name:22} {first * 1000:9.2f} {second * 1000:10.2f} {second / first:7.1f}")
    presidio_line()
    figures = {"worst_growth_8x": round(worst, 2), **family(2 if quick else 3)}
    bars = {name: BAR_S if name.endswith("_s") else BAR for name in figures}
    return close("scan_hostile", figures, [name for name, bar in bars.items() if figures[name] > bar])


if __name__ == "__main__":
    sys.exit(main())
