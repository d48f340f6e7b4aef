"""The weekly review against quarters whose truth is known: what it finds, when, and what it finds wrongly.

Run: `python -m benchmarks.review [--quick]`. Needs no data: `handrail.testing.quarter` plays the quarters.

Effects are fixed: a needless rule hands off every look-up, a missing one lets a tool go that people should
see (60 % of its answers are wrong), a limit stands at a quarter of the right one, a confidence is asked for
at half of the right one, a rubber-stamper catches 3 % and takes 4 s, a drift multiplies the odds of a wrong
answer by five. What is wrong outside of the policy's text is described in `benchmarks.review_notes`.
"""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import numpy as np
from benchmarks.report import close
from benchmarks.review_notes import note_figures, note_quarter, print_notes
from benchmarks.review_recovered import BAD, VERDICTS, Recovered, recover, share_recovered
from benchmarks.review_recovered import WEEKS as RECOVERY_WEEKS
from benchmarks.review_slices import SliceRisks, differing
from benchmarks.review_watched import DRIFT_WEEK, WEEKS, Watched, watch
from rich.console import Console
from rich.progress import track

QUARTERS, QUICK = 200, 24
NOMINAL, DELTA = 0.95, 0.1
BARS: dict[str, Callable[[float], bool]] = {
    "missed_interval_coverage": lambda value: value >= NOMINAL - 0.02,
    "risk_above_target": lambda value: value <= DELTA,
    "slice_risk_above_target": lambda value: value <= DELTA,
    "planted_rule_found": lambda value: value >= 0.90,
    "rubber_stamper_found": lambda value: value >= 0.90,
    "drift_found": lambda value: value >= 0.90,
    "false_findings": lambda value: value <= 0.05,
    "planted_note_found": lambda value: value >= 0.90,
    "false_notes": lambda value: value <= 0.05,
    "utility_recovered_8w": lambda value: value >= 0.80,
    "certified_raised": lambda value: value == 0,
}
Played = TypeVar("Played")


def main() -> None:
    """Play the quarters, print tables and close."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} quarters in place of {QUARTERS}")
    parser.add_argument("--quarters", type=int, default=0, help="as many quarters as this")
    arguments = parser.parse_args()
    count = arguments.quarters or (QUICK if arguments.quick else QUARTERS)
    with ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        watched = _played(pool, watch, count, "quarters that are watched")
        noted = _played(pool, note_quarter, count, "quarters with notes")
        recovered = _played(pool, recover, count, "quarters that are mended")
        differ = _played(pool, differing, count, "quarters whose slices differ")
    figures = _figures(watched, recovered, differ) | note_figures(noted)
    _print_found(watched)
    print_notes(noted)
    _print_promise(watched, recovered)
    _print_slices([one.slices for one in watched], differ)
    _print_recovered(recovered)
    close("review", figures, [name for name, holds in BARS.items() if not holds(figures[name])])


def _played(pool: ProcessPoolExecutor, play: Callable[[int], Played], count: int, words: str) -> list[Played]:
    done = pool.map(play, range(count), chunksize=2)
    return list(track(done, words, total=count, console=Console(stderr=True), transient=True))


def _figures(
    watched: Sequence[Watched], recovered: Sequence[Recovered], differ: Sequence[SliceRisks]
) -> dict[str, float]:
    raised = sum(len(one.attempts.raised) for one in watched) + sum(one.raised for one in recovered)
    return {
        "missed_interval_coverage": _share(each for one in watched for each in one.covered),
        "risk_above_target": _share(one.is_above for one in watched),
        "risk_above_target_in_any_week": _share(one.is_ever_above for one in watched),
        # Of the two kinds of traffic the worse: a mean would hide one in the other.
        "slice_risk_above_target": max(
            _share(one.slices.is_above for one in watched), _share(one.is_above for one in differ)
        ),
        "planted_rule_found": _share(week is not None for one in watched for week in one.rules.values()),
        "rubber_stamper_found": _share(week is not None for one in watched for week in one.stampers.values()),
        "drift_found": _share(one.drift is not None for one in watched if one.is_drifting),
        "false_findings": _share(bool(one.false) for one in watched),
        "utility_recovered_8w": share_recovered(recovered),
        "certified_raised": float(raised),
    }


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return round(float(np.mean(found)), 4) if found else 0.0


def _print_found(watched: Sequence[Watched]) -> None:
    curves = {
        f"{kind} rule".replace("too_low rule", "limit too low"): [
            one.rules[kind] for one in watched if kind in one.rules
        ]
        for kind in ("needless", "missing", "too_low")
    }
    curves["rubber-stamper"] = [week for one in watched for week in one.stampers.values()]
    curves[f"drift (from week {DRIFT_WEEK + 1})"] = [one.drift for one in watched if one.is_drifting]
    print(f"{len(watched)} quarters of {WEEKS} weeks; share found by the end of week")
    print(f"{'':24}" + "".join(f"{week + 1:6}" for week in range(WEEKS)))
    for name, weeks in curves.items():
        by_week = [np.mean([w is not None and w <= week for w in weeks]) for week in range(WEEKS)]
        print(f"{name:24}" + "".join(f"{share:6.2f}" for share in by_week) + f"   n={len(weeks)}")
    covered = np.array([one.covered for one in watched])
    print("coverage by week:", " ".join(f"{share:.2f}" for share in covered.mean(axis=0)))
    print("findings:", sum(one.findings for one in watched))
    likely = [is_so for one in watched for is_so in one.likely]
    print(f"proposed as likely and never proved or not yet: {len(likely)}, not so: {likely.count(False)}")
    for words, times in Counter(word for one in watched for word in one.false).most_common(12):
        print(f"  false: {words} ({times})")


def _print_promise(watched: Sequence[Watched], recovered: Sequence[Recovered]) -> None:
    calm = [one.thresholds[-1] for one in watched if all(one.is_calm)]
    print(f"certified threshold at the end, without a change: median {np.median(calm):.3f}")
    drifting = [one for one in watched if one.is_drifting]
    above = np.array([[risk > 0.05 for risk in one.risks] for one in drifting]).reshape(-1, WEEKS)
    print(
        "drift: share of quarters above the target by week:", " ".join(f"{x:.2f}" for x in above.mean(axis=0))
    )
    suspended = sum(one.suspended for one in watched if not one.is_drifting)
    weeks = WEEKS * sum(not one.is_drifting for one in watched)
    print(f"suspended without a drift: {suspended} of {weeks} weeks")
    made, raised = Counter[str](), Counter[str]()
    for one in watched:
        made.update(one.attempts.made)
        raised.update(one.attempts.raised)
    print("attempts to raise what is certified:", ", ".join(f"{kind} {n}" for kind, n in made.items()))
    print(
        f"  raised: {dict(raised)}; accepted changes: {sum(one.changes for one in recovered)}, "
        f"of these raised {sum(one.raised for one in recovered)}"
    )


def _print_slices(quarters: Sequence[SliceRisks], differ: Sequence[SliceRisks]) -> None:
    for words, found in (("of simulated quarters", quarters), ("that differ", differ)):
        certified, above = sum(one.certified for one in found), sum(one.is_above for one in found)
        print(f"slices {words}: {certified} thresholds in force for a week; above in {above} of {len(found)}")


def _print_recovered(recovered: Sequence[Recovered]) -> None:
    print(f"recovered in {RECOVERY_WEEKS} weeks with {VERDICTS} verdicts a week")
    for kinds in dict.fromkeys(kinds for _, kinds, _ in BAD):
        for is_attacked in (False, True):
            some = [one for one in recovered if one.bad == kinds and one.is_attacked == is_attacked]
            if not some:
                continue
            start, reached, best = (
                float(np.mean([getattr(one, name) for one in some])) for name in ("start", "reached", "best")
            )
            words = f"{' + '.join(kinds)}{', attacked' if is_attacked else ''}"
            told = f"{start:.3f} to {reached:.3f}, best {best:.3f}, n={len(some)}"
            print(f"  {words:40}{share_recovered(some):6.2f}   {told}")
    for words, times in Counter(word for one in recovered for word in one.accepted).most_common(12):
        print(f"  accepted: {words} ({times})")


if __name__ == "__main__":
    main()
