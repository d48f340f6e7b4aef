"""Figures of a replay: hand-offs compared with how the conversations ended, with an interval over tasks."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handrail.records import Trigger
from handrail.replay.records import UnreadableLine
from handrail.replay.run import ReplayedRun

RESAMPLES = 2000
LEVEL = 0.05
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """Results of a replay: the runs in file order and the lines that held none."""

    runs: tuple[ReplayedRun, ...]
    bad: tuple[UnreadableLine, ...] = ()


def as_data(report: ReplayReport) -> dict[str, object]:
    """Return the figures of a replay as plain data; what the records do not tell is None.

    `stopped_ci_low` is the lower end of a one-sided 95 % bootstrap interval over tasks of the share of
    stopped runs that had failed. A task's gold list breaks the policy if it does in every run of that task.
    """
    runs = report.runs
    graded = [run for run in runs if run.record.is_failed is not None]
    stopped = [run for run in runs if run.stop is not None]
    breaks = _gold_breaks(runs)
    obeying = [run for run in stopped if run.record.gold is not None and run.record.task not in breaks]
    failed = [run for run in graded if run.record.is_failed]
    transfers = [run for run in runs if run.record.wants_transfer]
    micros = sorted(value for run in runs for value in run.micros)
    has_grades, has_gold = bool(graded), any(run.record.gold is not None for run in runs)
    return {
        "runs": len(runs),
        "exchanges": sum(run.exchanges for run in runs),
        "errors": len(report.bad),
        "hand_offs": _counted(run.hand_offs for run in runs),
        "blocks": sum(run.blocks for run in runs),
        "by_rule": _counted(run.rules for run in runs),
        "stopped_forbidden": len(stopped),
        "stopped_forbidden_failed": _failed(stopped) if has_grades else None,
        "stopped_ci_low": bootstrap_low(graded) if has_grades else None,
        "failed": len(failed) if has_grades else None,
        "failed_stopped_share": _share(_failed(stopped), len(failed)),
        "stopped_gold_obeys": len(obeying) if has_gold else None,
        "stopped_gold_obeys_failed": _failed(obeying) if has_gold and has_grades else None,
        "gold_breaks": [
            {"task": task, "rule": rule, "tool": tool}
            for task in breaks
            for rule, tool in sorted(breaks[task])
        ],
        "gold_unsure": sum(run.gold_unsure for run in runs) if has_gold else None,
        "stopped_by_rule": _by_rule(stopped),
        "gold_transfer": len(transfers) if any(r.record.wants_transfer is not None for r in runs) else None,
        "gold_transfer_caught": sum(run.is_handed_off for run in transfers) if transfers else None,
        "p50_us": _quantile(micros, 0.5),
        "p99_us": _quantile(micros, 0.99),
        "bad_lines": [{"line": bad.line, "problem": bad.problem} for bad in report.bad],
    }


def bootstrap_low(runs: Sequence[ReplayedRun]) -> float | None:
    """Return the one-sided lower bound of the failed share of stopped runs, resampling whole tasks.

    Runs of one task resemble each other, so tasks and not runs are drawn (cluster bootstrap, percentile
    method). None if no run was stopped.
    """
    tasks: dict[str, tuple[int, int]] = {}
    for run in runs:
        stopped, failed = tasks.get(run.record.task, (0, 0))
        is_stopped = run.stop is not None
        is_both = is_stopped and bool(run.record.is_failed)
        tasks[run.record.task] = (stopped + is_stopped, failed + is_both)
    counts = list(tasks.values())
    chance = random.Random(SEED)  # noqa: S311 - resampling, not secrecy
    shares = []
    for _ in range(RESAMPLES):
        drawn = chance.choices(counts, k=len(counts)) if counts else []
        stopped = sum(count for count, _ in drawn)
        if stopped:
            shares.append(sum(count for _, count in drawn) / stopped)
    low = _quantile(sorted(shares), LEVEL)
    return round(low, 4) if low is not None else None


def _gold_breaks(runs: Sequence[ReplayedRun]) -> dict[str, frozenset[tuple[str, str]]]:
    found: dict[str, frozenset[tuple[str, str]]] = {}
    for run in runs:
        if run.gold_rules is not None:
            found[run.record.task] = found.get(run.record.task, run.gold_rules) & run.gold_rules
    return {task: broken for task, broken in found.items() if broken}


def _counted(counts: Iterable[Counter[Trigger] | Counter[str]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update({str(name): times for name, times in count.items()})
    return dict(sorted(total.items()))


def _by_rule(stopped: Sequence[ReplayedRun]) -> list[dict[str, object]]:
    by_rule: dict[str, list[ReplayedRun]] = {}
    for run in stopped:
        for rule in run.stop.rules if run.stop else ():
            by_rule.setdefault(rule, []).append(run)
    ranked = sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0]))
    return [{"rule": rule, "runs": len(runs), "failed": _failed(runs)} for rule, runs in ranked]


def _failed(runs: Sequence[ReplayedRun]) -> int:
    return sum(bool(run.record.is_failed) for run in runs)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 4) if ordered else None
