"""How the time to scan grows on texts made to hurt: `python -m benchmarks.scan_hostile`."""

import argparse
import sys
import time

from benchmarks import peers
from benchmarks.report import close

from handrail.scan import default_scanner

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
SMALL, LARGE = 16 << 10, 128 << 10
BAR = 9.5
PRESIDIO_LIMIT_S = 20


def cpu_s(text: str, rounds: int) -> float:
    """Return the best CPU seconds of one scan."""
    scanner = default_scanner()
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        scanner.scan(text)
        best = min(best, time.process_time() - start)
    return best


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


def main() -> None:
    """Run the benchmark."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 2 if options.parse_args().quick else 5
    default_scanner().scan("warm up 1 2 3")
    worst = 0.0
    print(f"{'shape':22} {'16 kB ms':>9} {'128 kB ms':>10} {'growth':>7}")
    for name, unit in SHAPES.items():
        small, large = (unit * (size // len(unit)) for size in (SMALL, LARGE))
        first, second = cpu_s(small, rounds), cpu_s(large, rounds)
        worst = max(worst, second / first)
        print(f"{name:22} {first * 1000:9.2f} {second * 1000:10.2f} {second / first:7.1f}")
    presidio_line()
    close("scan_hostile", {"worst_growth_8x": round(worst, 2)}, ["worst_growth_8x"] if worst > BAR else [])


if __name__ == "__main__":
    sys.exit(main())
