"""What a policy says of calibrations: where they lie, what they were, and how many answers are checked."""

import hashlib
from pathlib import Path

import pytest

from handrail.errors import PolicyError
from handrail.policy import load, loads

TEXT = """\
policy: answers
version: "1"
if_unsure: queue_manager
roles: {queue_manager: {answer_within: 30 minutes}}
thresholds: {answer: calibration.json, other: none.json}
facts: {confidence: {type: number, min: 0, max: 1}}
hand_offs:
  - {id: doubtful, when: confidence < model.threshold, to: queue_manager, because: Too unsure.}
"""


def test_a_policy_knows_the_calibrations_it_was_loaded_with(tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text(TEXT)
    (tmp_path / "calibration.json").write_text('{"threshold": 0.62}')
    policy = load(tmp_path / "answers.yaml")
    assert list(policy.calibrations) == ["answer"]
    file = policy.calibrations["answer"]
    assert file.path == tmp_path / "calibration.json"
    assert file.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("rate", "value"), [("0.25", 0.25), ("1", 1.0)])
def test_the_share_of_answers_that_are_checked_is_part_of_the_policy(rate: str, value: float) -> None:
    policy = loads(f"{TEXT}audit_rate: {rate}\n")
    assert policy.audit_rate == value
    assert policy.ref.sha256 != loads(TEXT).ref.sha256
    assert loads(TEXT).audit_rate is None


@pytest.mark.parametrize("rate", ["0", "1.5", "-1", "often", ".nan"])
def test_a_share_that_is_none_is_an_error(rate: str) -> None:
    with pytest.raises(PolicyError, match=r"audit_rate|decimal"):
        loads(f"{TEXT}audit_rate: {rate}\n")


@pytest.mark.parametrize("name", ["model.threshold", "model.threshold.other"])
@pytest.mark.parametrize("way", ["rule", "source"])
def test_a_threshold_without_its_calibration_says_where_it_comes_from(name: str, way: str) -> None:
    text = TEXT.replace("thresholds: {answer: calibration.json, other: none.json}\n", "")
    text = text.replace("model.threshold", name if way == "rule" else "0.5")
    if way == "source":
        text = text.replace("facts: {", f"facts: {{limit: {{type: number, from: {name}}}, ")
    key = "other" if name.endswith("other") else "answer"
    with pytest.raises(PolicyError, match=rf"{name} comes from `thresholds:`, e.g. thresholds: {{{key}: "):
        loads(text)
