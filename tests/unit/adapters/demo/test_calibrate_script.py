"""The demo under a calibrated threshold: the calibration of its scripted model, in force."""

from importlib.resources import files
from pathlib import Path

import pytest

from handrail.confidence.calibration.artefact import read, write
from handrail_adapters.demo.calibrate_script import WRONG, calibrated, conversations
from handrail_adapters.demo.play import open_shop
from handrail_adapters.demo.scenario import SYSTEM, TURNS

SHIPPED = files("handrail_adapters.demo") / "calibration.json"
RULE = "when: confidence is known and confidence < 0.70"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The shop's policy with a calibrated threshold; a bare tool call has no words to measure."""
    text = (files("handrail_policies") / "support.yaml").read_text()
    assert RULE in text
    text = text.replace(RULE, 'when: answer.kind in ["text", "both"] and confidence < model.threshold')
    text = text.replace("facts:\n", "thresholds: {answer: calibration.json}\nfacts:\n", 1)
    text = text.replace(
        "  fault: {type: one of}\n", "  fault: {type: one of}\n  answer.kind: {type: one of}\n"
    )
    (tmp_path / "calibrated.yaml").write_text(text.partition("\ntest_defaults:")[0] + "\n")
    (tmp_path / "calibration.json").write_text(SHIPPED.read_text())
    return tmp_path / "calibrated.yaml"


def test_every_turn_of_the_demo_comes_out_as_it_does_under_the_fixed_threshold(
    policy: Path, tmp_path: Path
) -> None:
    with open_shop(store=f"sqlite:///{tmp_path}/shop.db", policy=policy) as shop:
        for turn in TURNS:
            if turn.before or turn.expects.joined:
                continue
            chat = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": turn.says}]
            with shop.guard.context(customer=turn.customer, conversation=turn.conversation):
                heard = shop.assistant.reply(chat)
            assert (heard.handoff.role if heard.handoff else None) == turn.expects.role, turn.says


def test_answers_that_are_wrong_are_handed_off_and_no_others(policy: Path, tmp_path: Path) -> None:
    with open_shop(store=f"sqlite:///{tmp_path}/shop.db", policy=policy) as shop:
        for cue, messages in conversations():
            made = shop.assistant.client.chat.completions.create(
                model=shop.assistant.model,
                messages=messages,  # type: ignore[arg-type]
            )
            said = made.choices[0].message.content or ""
            reasons = {"low-confidence"} if "queue manager" in said else set()
            assert bool(reasons) == (cue in WRONG), (cue, said)


@pytest.mark.slow
def test_the_shipped_calibration_is_what_playing_the_script_comes_to() -> None:
    assert write(calibrated()) == SHIPPED.read_text()


def test_the_shipped_calibration_is_of_the_scripted_model_and_certified() -> None:
    made = read(SHIPPED.read_text())
    assert made.model == "scripted-model"
    assert made.guarantee.threshold == 0.999
    assert 0.9 < made.threshold < 1
