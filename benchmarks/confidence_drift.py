"""How soon the alarm sounds when passed answers go wrong, and whether it stays quiet while they do not."""

import statistics

import numpy as np

from handrail.confidence.calibration.drift import Drift, watch

WEEKLY, PASSED, ALPHA, WEEKS = 400, 0.64, 0.05, 52


def run(seeds: int) -> tuple[dict[str, float], list[str]]:
    """Print the median week of the alarm for several joint risks and audit budgets."""
    print(f"\ndrift alarm, target {ALPHA}, {seeds} seeds of {WEEKS} weeks: median week (share that sounded)")
    for audits in (20, 50):
        cells = []
        for risk in (0.05, 0.08, 0.12):
            weeks = [week for seed in range(seeds) if (week := _alarm(seed, audits, risk)) is not None]
            median = f"{statistics.median(weeks):.0f}" if weeks else "-"
            cells.append(f"risk {risk}: {median} ({len(weeks) / seeds:.2f})")
        print(f"  {audits} audits a week | " + " | ".join(cells))
    return {}, []


def _alarm(seed: int, audits: int, risk: float) -> int | None:
    rng = np.random.default_rng(seed)
    odds = audits / (WEEKLY * PASSED)
    state = Drift(alpha=ALPHA)
    for week in range(1, WEEKS + 1):
        passed = rng.random(WEEKLY) < PASSED
        audited = rng.random(WEEKLY) < odds
        wrong = rng.random(WEEKLY) < risk / PASSED
        for is_passed, is_sampled, is_wrong in zip(passed, audited, wrong, strict=True):
            state = watch(
                state,
                is_passed=bool(is_passed),
                probability=odds,
                is_sampled=bool(is_sampled),
                is_wrong=bool(is_wrong),
            )
        if state.is_alarm:
            return week
    return None
