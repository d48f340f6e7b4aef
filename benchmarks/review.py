"""The weekly review against quarters whose truth is known: what it finds, when, and what it finds wrongly.

Run: `python -m benchmarks.review [--quick]`. Needs no data: `handrail.testing.quarter` plays the quarters.
"""

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from benchmarks.report import close
from benchmarks.review_quarter import DRIFT_WEEK, WEEKS, Recovered, Watched, recover, watch

QUARTERS, QUICK = 200, 24
NOMINAL, DELTA = 0.95, 0.1


def main() -> None:
    """Play the quarters, print tables and close."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} quarters in place of {QUARTERS}")
    parser.add_argument("--quarters", type=int, default=0, help="as many quarters as this")
    arguments = parser.parse_args()
    count = arguments.quarters or (QUICK if arguments.quick else QUARTERS)
    with ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        watched = list(pool.map(watch, range(count), chunksize=2))
        recovered = list(pool.map(recover, range(count), chunksize=2))
    figures = _figures(watched, recovered)
    _print(watched, recovered)
    bars = {
        "missed_interval_coverage": lambda value: value >= NOMINAL - 0.02,
        "risk_above_target": lambda value: value <= DELTA,
        "planted_rule_found": lambda value: value >= 0.90,
        "rubber_stamper_found": lambda value: value >= 0.90,
        "drift_found": lambda value: value >= 0.90,
        "false_findings": lambda value: value <= 0.05,
        "utility_recovered_8w": lambda value: value >= 0.80,
        "certified_raised": lambda value: value == 0,
    }
    close("review", figures, [name for name, holds in bars.items() if not holds(figures[name])])


def _figures(watched: Sequence[Watched], recovered: Sequence[Recovered]) -> dict[str, float]:
    return {
        "missed_interval_coverage": _share(each for one in watched for each in one.covered),
        "risk_above_target": _share(one.above for one in watched),
        "planted_rule_found": _share(week is not None for one in watched for week in one.rules.values()),
        "rubber_stamper_found": _share(week is not None for one in watched for week in one.stampers.values()),
        "drift_found": _share(one.drift is not None for one in watched if one.is_drifting),
        "false_findings": _share(bool(one.false) for one in watched),
        "utility_recovered_8w": _recovered(recovered),
        "certified_raised": float(sum(one.certified_raised for one in watched)),
    }


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return round(float(np.mean(found)), 4) if found else 0.0


def _recovered(recovered: Sequence[Recovered]) -> float:
    """Return what was gained of what could be gained, over all quarters together."""
    gained = sum(one.reached - one.start for one in recovered)
    possible = sum(one.best - one.start for one in recovered)
    return round(gained / possible, 4)


def _print(watched: Sequence[Watched], recovered: Sequence[Recovered]) -> None:
    curves = {
        "needless rule": [one.rules["needless"] for one in watched if "needless" in one.rules],
        "missing rule": [one.rules["missing"] for one in watched if "missing" in one.rules],
        "rubber-stamper": [week for one in watched for week in one.stampers.values()],
        f"drift (from week {DRIFT_WEEK + 1})": [one.drift for one in watched if one.is_drifting],
    }
    print(f"{len(watched)} quarters of {WEEKS} weeks; share found by the end of week")
    print(f"{'':24}" + "".join(f"{week + 1:6}" for week in range(WEEKS)))
    for name, weeks in curves.items():
        by_week = [np.mean([w is not None and w <= week for w in weeks]) for week in range(WEEKS)]
        print(f"{name:24}" + "".join(f"{share:6.2f}" for share in by_week) + f"   n={len(weeks)}")
    print(f"weeks above the target after a drift began: {sum(one.weeks_above_drifting for one in watched)}")
    covered = np.array([one.covered for one in watched])
    print("coverage by week:", " ".join(f"{share:.2f}" for share in covered.mean(axis=0)))
    loose = [one.thresholds[-1] for one in watched if not one.is_drifting]
    print(f"certified threshold at the end, without drift: median {np.median(loose):.3f}")
    print("findings:", sum(one.findings for one in watched))
    for words, times in Counter(word for one in watched for word in one.false).most_common(12):
        print(f"  false: {words} ({times})")
    shares = [(one.reached - one.start) / (one.best - one.start) for one in recovered if one.best > one.start]
    print(
        "recovered by quarter, tenths:",
        " ".join(f"{q:.2f}" for q in np.quantile(shares, [0.1, 0.25, 0.5, 0.75, 0.9])),
    )
    for words, times in Counter(word for one in recovered for word in one.accepted).most_common(8):
        print(f"  accepted: {words} ({times})")


if __name__ == "__main__":
    main()
