import json
import math
from dataclasses import replace

import pytest

from handrail.confidence.calibration import artefact
from handrail.confidence.calibration.apply import CalibrationScope, apply
from handrail.confidence.calibration.artefact import Calibration
from handrail.errors import ConfigError
from handrail.records import Confidence

SCOPE = CalibrationScope(model="m", prompt_sha256="p")
RAW = Confidence(value=0.97, method="label")


def document(**changes: object) -> Calibration:
    guarantee = {
        "target": 0.05, "delta": 0.1, "level": 0.06, "threshold": 0.9, "rate": 0.1,
        "grid": [0.5, 0.9], "log_wealth": [[0.0], [3.0]], "is_certified": [False, True],
        "answers": 100, "verdicts": 90,
    }  # fmt: skip
    base: dict[str, object] = {
        "id": "c1", "model": "m", "prompt_sha256": "p", "method": "label", "created": "2026-01-05T00:00:00Z",
        "log_range": {"first": "2026-01-01T00:00:00Z", "last": "2026-01-04T00:00:00Z"},
        "curve": {"kind": "platt", "mean": 3.0, "sd": 2.0, "slope": 1.0, "intercept": 1.0},
        "guarantee": guarantee | changes.pop("guarantee", {}),  # type: ignore[operator]
    }  # fmt: skip
    return artefact.read(json.dumps(base | changes))


def test_a_value_is_calibrated_and_carries_its_threshold() -> None:
    found = apply(document(), RAW, scope=SCOPE)
    assert found.value == pytest.approx(document().probability(0.97))
    assert found.threshold == pytest.approx(document().probability(0.9))
    assert found.calibration == "c1"
    assert found.method == "label"


@pytest.mark.parametrize("slope", [0.0, 1e-18, 1.0])
def test_a_score_below_the_certified_one_never_reaches_the_threshold(slope: float) -> None:
    curve = {"kind": "platt", "mean": 3.0, "sd": 2.0, "slope": slope, "intercept": 40.0}
    made = document(curve=curve)
    below = apply(made, replace(RAW, value=math.nextafter(0.9, 0)), scope=SCOPE)
    at = apply(made, replace(RAW, value=0.9), scope=SCOPE)
    assert below.value is not None
    assert below.threshold is not None
    assert below.value < below.threshold
    assert at.value == at.threshold


@pytest.mark.parametrize(
    ("changes", "confidence", "scope", "method"),
    [
        ({}, RAW, CalibrationScope(model="n", prompt_sha256="p"), "uncalibrated: another model"),
        ({}, RAW, CalibrationScope(model="m", prompt_sha256="q"), "uncalibrated: another prompt"),
        ({}, replace(RAW, method="self_reported"), SCOPE, "uncalibrated: another method"),
        ({}, Confidence(value=None, method="none"), SCOPE, "none"),
        ({"withdrawn": "drift alarm"}, RAW, SCOPE, "calibration withdrawn: drift alarm"),
        (
            {"guarantee": {"threshold": None, "needed": 37}},
            RAW,
            SCOPE,
            "nothing certified: 37 more verdicts at least",
        ),
    ],
)
def test_what_a_calibration_does_not_speak_for_is_unknown_and_says_why(
    changes: dict[str, object], confidence: Confidence, scope: CalibrationScope, method: str
) -> None:
    found = apply(document(**changes), confidence, scope=scope)
    assert (found.value, found.method) == (None, method)
    assert "calibration" in found.missing


def test_a_slice_above_its_cap_is_unknown_and_others_are_not() -> None:
    part = {"name": "x", "cap": 0.1, "rate": 0.2, "low": 0.1, "high": 0.3, "passed": 9, "audits": 9}
    made = document(slices=[part | {"is_handed_off": True}])
    assert apply(made, RAW, scope=replace(SCOPE, slice="x")).method == "slice above its cap"
    assert apply(made, RAW, scope=replace(SCOPE, slice="y")).value is not None


def test_several_signals_are_combined_where_the_calibration_says_so() -> None:
    term = {"name": "label", "kind": "logprob", "mean": 0.0, "sd": 1.0, "weight": 1.0}
    made = document(combiner={"terms": [term], "intercept": 0.0})
    assert apply(made, RAW, scope=SCOPE, signals={"label": 0.97}).value == pytest.approx(
        made.probability(0.97)
    )
    assert apply(made, RAW, scope=SCOPE).value is None


def test_isotonic_steps_are_read_with_straight_lines_between() -> None:
    made = document(curve={"kind": "isotonic", "knots": [-1.0, 1.0], "values": [0.2, 0.6]})
    assert [made.probability(p) for p in (0.0, 0.5, 1.0)] == pytest.approx([0.2, 0.4, 0.6])


def test_an_artefact_survives_writing_and_reading() -> None:
    assert artefact.read(artefact.write(document())) == document()


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"extra": 1}, {"curve": {"kind": "platt"}}, {"guarantee": {"threshold": "secret"}}],
)
def test_a_broken_artefact_is_refused_without_showing_its_values(change: dict[str, object]) -> None:
    raw = json.loads(artefact.write(document()))
    raw["guarantee"] |= change.pop("guarantee", {})  # type: ignore[operator]
    with pytest.raises(ConfigError) as caught:
        artefact.read(json.dumps(raw | change), source="c.json")
    assert str(caught.value).startswith("c.json: ")
    assert "secret" not in str(caught.value)


def test_the_coming_audits_are_in_the_artefact_and_stop_when_it_is_withdrawn() -> None:
    assert document().plan.passes(0.9)
    assert document().plan.probability(0.9) == 0.1
    assert document().plan.probability(0.1) == 1.0
    assert not document(withdrawn="drift alarm").plan.passes(1.0)
    assert document(withdrawn="drift alarm").plan.probability(1.0) == 1.0
