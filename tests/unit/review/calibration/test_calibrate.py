import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from handrail.confidence.calibration import artefact
from handrail.confidence.calibration.apply import CalibrationScope, apply, score_of
from handrail.confidence.calibration.artefact import Calibration
from handrail.errors import ConfigError
from handrail.records import Confidence
from handrail.review.calibration.calibrate import (
    AuditBudget,
    CalibrationSettings,
    RiskBound,
    Subject,
    calibrate,
)
from handrail.review.calibration.decision_log import LoggedAnswer, periods, read_log, settled

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def row(place: int = 0, **changes: object) -> dict[str, object]:
    base = {
        "exchange": f"e{place}", "at": (MONDAY + timedelta(minutes=20 * place)).isoformat(), "score": 0.9,
        "method": "label", "model": "m", "prompt_sha256": "p", "audit_probability": 1.0, "audited": True,
        "verdict": "right", "escalated": True,
    }  # fmt: skip
    return base | changes


def lines(rows: Sequence[dict[str, object]]) -> list[str]:
    return [json.dumps(each) for each in rows]


def traffic(
    count: int,
    *,
    first: int = 0,
    seed: int = 0,
    error: float = 0.1,
    made: Calibration | None = None,
    is_slice_bad: bool = False,
) -> list[dict[str, object]]:
    """Answers whose error falls with the score; audited by the plan of `made`, all of them without one."""
    rng = np.random.default_rng(seed)
    rows = []
    for at in range(first, first + count):
        score = float(rng.random())
        plan = made.plan if made is not None else None
        odds = 1.0 if plan is None else plan.probability(score)
        audited = bool(rng.random() < odds)
        slice_name = "bad" if at % 5 == 0 else "good"
        chance = 2 * error * (1 - score) + (0.5 if is_slice_bad and slice_name == "bad" else 0.0)
        verdict = "wrong" if rng.random() < chance else "right"
        rows.append(
            row(
                at,
                score=score,
                audit_probability=odds,
                audit_floor=None if plan is None else plan.floor,
                audited=audited,
                verdict=verdict if audited else None,
                escalated=plan is None or not plan.passes(score),
                slice=slice_name,
                signals={"sequence": score, "self_reported": round(float(rng.random()), 2)},
            )
        )
    return rows


def logged(rows: Sequence[dict[str, object]]) -> tuple[LoggedAnswer, ...]:
    return read_log(lines(rows))


def test_a_log_of_verdicts_gives_a_threshold_and_a_plan() -> None:
    made = calibrate(logged(traffic(800)), CalibrationSettings(), now=NOW)
    assert made.guarantee.threshold is not None
    assert 0 < made.guarantee.rate < 1
    assert made.guarantee.verdicts == made.guarantee.answers == 600
    assert made.guarantee.level == pytest.approx(0.1 * 6 / math.pi**2)
    assert (made.model, made.prompt_sha256, made.method) == ("m", "p", "label")
    sure = apply(
        made, Confidence(value=0.999, method="label"), scope=CalibrationScope(model="m", prompt_sha256="p")
    )
    assert sure.value is not None
    assert sure.threshold is not None
    assert sure.value >= sure.threshold


def test_with_few_verdicts_everything_is_handed_off_and_the_missing_ones_are_counted() -> None:
    made = calibrate(logged(traffic(40)), CalibrationSettings(), now=NOW)
    assert made.guarantee.threshold is None
    assert made.guarantee.needed > 0
    assert not made.plan.passes(1.0)
    found = apply(
        made, Confidence(value=0.999, method="label"), scope=CalibrationScope(model="m", prompt_sha256="p")
    )
    assert found.value is None
    assert str(made.guarantee.needed) in found.method


def test_weekly_refits_go_on_where_the_last_one_stopped() -> None:
    first = calibrate(logged(traffic(800)), CalibrationSettings(), now=NOW)
    more = traffic(1600, first=800, seed=1, made=first)
    second = calibrate(logged(traffic(800) + more), CalibrationSettings(), now=NOW, previous=first)
    assert second.guarantee.start == 1
    assert second.guarantee.grid == first.guarantee.grid
    assert second.guarantee.answers == first.guarantee.answers + 1600
    assert first.guarantee.threshold is not None
    assert second.guarantee.threshold is not None
    assert second.guarantee.threshold <= first.guarantee.threshold
    assert second.passed_error is not None
    assert second.passed_error.audits > 0
    alone = calibrate(logged(more), CalibrationSettings(), now=NOW, previous=first)
    assert alone.guarantee == second.guarantee


def test_the_same_log_gives_the_same_calibration() -> None:
    rows = logged(traffic(300))
    assert artefact.write(calibrate(rows, CalibrationSettings(), now=NOW)) == artefact.write(
        calibrate(rows, CalibrationSettings(), now=NOW)
    )


@pytest.mark.parametrize("change", [{"model": "n"}, {"prompt_sha256": "q"}, {"method": "sequence"}])
def test_another_model_prompt_or_method_begins_anew_with_less_of_delta(change: dict[str, object]) -> None:
    first = calibrate(logged(traffic(400)), CalibrationSettings(), now=NOW)
    other = [each | change for each in traffic(400, first=400, seed=2)]
    second = calibrate(logged(other), CalibrationSettings(), now=NOW, previous=first)
    assert second.guarantee.start == 2
    assert second.guarantee.level == pytest.approx(first.guarantee.level / 4)


def test_only_answers_of_one_model_are_mixed() -> None:
    other = [each | {"model": "n", "exchange": f"n{at}"} for at, each in enumerate(traffic(300, seed=3))]
    rows = logged(traffic(300) + other)
    subject = Subject(model="m", prompt_sha256="p", method="label")
    assert calibrate(rows, CalibrationSettings(), now=NOW, subject=subject).guarantee.answers == 225
    with pytest.raises(ConfigError, match="no new answers"):
        calibrate(
            rows,
            CalibrationSettings(),
            now=NOW,
            subject=Subject(model="x", prompt_sha256="p", method="label"),
        )


def test_drift_withdraws_the_calibration_and_the_next_one_begins_anew() -> None:
    first = calibrate(logged(traffic(800)), CalibrationSettings(), now=NOW)
    broken = traffic(3000, first=800, seed=4, made=first, error=0.5)
    second = calibrate(logged(broken), CalibrationSettings(), now=NOW, previous=first)
    assert second.withdrawn.startswith("drift alarm at 2026-")
    assert not second.plan.passes(1.0)
    found = apply(
        second, Confidence(value=0.999, method="label"), scope=CalibrationScope(model="m", prompt_sha256="p")
    )
    assert (found.value, found.method) == (None, f"calibration withdrawn: {second.withdrawn}")
    third = calibrate(
        logged(traffic(800, first=3800, seed=5)), CalibrationSettings(), now=NOW, previous=second
    )
    assert third.guarantee.start == 2
    assert third.withdrawn == ""


def test_a_slice_above_its_cap_is_handed_off() -> None:
    settings = CalibrationSettings(bound=RiskBound(target=0.2), slice_caps={"bad": 0.1, "good": 0.1})
    first = calibrate(logged(traffic(800, error=0.02)), settings, now=NOW)
    rows = traffic(1500, first=800, seed=6, made=first, error=0.02, is_slice_bad=True)
    second = calibrate(logged(rows), settings, now=NOW, previous=first)
    assert {part.name: part.is_handed_off for part in second.slices} == {"bad": True, "good": False}


def test_audits_alone_plan_where_to_look() -> None:
    settings = CalibrationSettings(budget=AuditBudget(audits=40, has_free_verdicts=False))
    made = calibrate(logged(traffic(600)), settings, now=NOW)
    assert not made.guarantee.has_free_verdicts
    assert made.plan.probability(0.0) in (0.0, made.guarantee.rate)


def test_signals_are_combined_on_rows_that_the_bound_leaves_out() -> None:
    settings = CalibrationSettings(combine=True, fit_verdicts=60)
    made = calibrate(logged(traffic(800)), settings, now=NOW)
    assert made.method == "combined"
    assert made.combiner is not None
    assert made.guarantee.answers == 740
    seen = {"sequence": 0.9, "self_reported": 0.5}
    assert score_of(made, Confidence(value=None, method="none"), seen) is not None
    with pytest.raises(ConfigError, match="needs 60 verdicts"):
        calibrate(logged(traffic(30)), settings, now=NOW)
    bare = [each | {"signals": {}} for each in traffic(100)]
    with pytest.raises(ConfigError, match="needs signals"):
        calibrate(logged(bare), settings, now=NOW)


def test_many_verdicts_allow_an_isotonic_curve_that_survives_writing() -> None:
    rng = np.random.default_rng(0)
    rows = traffic(3000)
    for each in rows:
        score = float(each["score"])  # type: ignore[arg-type]
        each["verdict"] = "right" if rng.random() < (0.2 if score < 0.9 else 0.99) else "wrong"
    made = calibrate(logged(rows), CalibrationSettings(), now=NOW)
    assert made.curve.kind == "isotonic"
    assert artefact.read(artefact.write(made)) == made


@pytest.mark.parametrize("field", ["audit_probability", "audited"])
def test_a_row_without_its_audit_odds_is_refused(field: str) -> None:
    bad = row(1)
    del bad[field]
    with pytest.raises(ConfigError, match=rf"log.jsonl:2: {field} is missing; verdicts on answers"):
        read_log(lines([row(0), bad]), source="log.jsonl")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"audit_probability": 0.0}, "audited although"),
        ({"audited": False}, "not audited although"),
        ({"score": 1.5}, "score: less_than_equal"),
        ({"verdict": "maybe"}, "verdict: literal_error"),
        ({"at": "2026-01-05T00:00:00"}, "at: timezone_aware"),
        ({"exchange": "e0"}, "logged twice"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused_by_line(change: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_log(lines([row(0), row(1, **change)]))


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(ConfigError, match="no rows"):
        read_log(["", " "])


def test_unaudited_answers_need_the_plans_floor() -> None:
    loose = {"audit_probability": 0.1, "audited": False, "verdict": None, "escalated": False}
    with pytest.raises(ConfigError, match="audit_floor is missing"):
        list(periods(logged([row(0), row(1, **loose)])))
    with pytest.raises(ConfigError, match="below audit_floor"):
        list(periods(logged([row(0, audit_floor=0.2), row(1, audit_floor=0.2, **loose)])))
    with pytest.raises(ConfigError, match="audit_floor is 0"):
        list(periods(logged([row(0, audit_floor=0.0)])))


def test_a_period_ends_with_the_week_and_with_the_plan() -> None:
    rows = [row(0), row(1), row(2, audit_floor=0.5), row(600, audit_floor=0.5)]
    assert [len(period.rows) for period in periods(logged(rows))] == [2, 1, 1]


def test_late_verdicts_hold_up_what_follows_until_they_are_given_up() -> None:
    rows = logged([row(0), row(1, verdict=None), row(2), row(3)])
    assert len(settled(rows, grace_days=14)) == 1
    assert len(settled(rows, grace_days=0)) == 4
    assert rows[1].is_wrong
    assert not rows[1].is_known
    with pytest.raises(ConfigError, match="still to come"):
        calibrate(rows[1:], CalibrationSettings(), now=NOW)


def test_a_verdict_without_a_draw_is_not_read() -> None:
    odd = logged([row(0, audit_probability=0.1, audit_floor=0.1, audited=False, escalated=False)])
    assert not odd[0].is_known
