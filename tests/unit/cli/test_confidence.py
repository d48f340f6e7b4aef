import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from handrail.cli import confidence
from handrail.confidence.calibration import artefact
from handrail.errors import ConfigError

APP = typer.Typer()
APP.add_typer(confidence.commands, name="confidence")
APP.command("calibrate")(confidence.calibrate)
RUNNER = CliRunner()


def log(path: Path, count: int) -> Path:
    chance = random.Random(0)
    start = datetime(2026, 1, 5, tzinfo=UTC)
    with path.open("w") as file:
        for at in range(count):
            score = chance.random()
            row = {
                "exchange": f"e{at}", "at": (start + timedelta(minutes=20 * at)).isoformat(), "score": score,
                "method": "label", "model": "m", "prompt_sha256": "p", "audit_probability": 1.0,
                "audited": True,
                "verdict": "wrong" if chance.random() > 0.8 + 0.2 * score else "right", "escalated": True,
                "slice": "refunds",
            }  # fmt: skip
            file.write(json.dumps(row) + "\n")
    return path


def test_recorded_scores_are_measured_and_drawn(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    file.write_text("\n".join(json.dumps({"p": p / 10, "ok": p > 4}) for p in range(11)))
    args = [
        "confidence",
        "eval",
        str(file),
        "--score",
        "p",
        "--right",
        "ok",
        "--plots",
        str(tmp_path / "out"),
        "--json",
    ]
    result = RUNNER.invoke(APP, args)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["auroc"] == 1.0
    assert len(found["plots"]) == 4
    assert RUNNER.invoke(APP, args[:-1]).output.count("wrote") == 4


def test_a_log_becomes_a_calibration_file(tmp_path: Path) -> None:
    out = tmp_path / "c.json"
    args = [
        "calibrate",
        str(log(tmp_path / "log.jsonl", 900)),
        "--out",
        str(out),
        "--target",
        "0.1",
        "--json",
    ]
    result = RUNNER.invoke(APP, [*args, "--slice-cap", "refunds=0.2"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["threshold"] == artefact.read(out.read_text()).guarantee.threshold
    assert "slice refunds" in summary


def test_too_few_verdicts_end_with_one_and_say_how_many_are_missing(tmp_path: Path) -> None:
    args = ["calibrate", str(log(tmp_path / "log.jsonl", 30)), "--out", str(tmp_path / "c.json")]
    result = RUNNER.invoke(APP, args)
    assert result.exit_code == 1
    assert "everything is handed off" in result.output
    assert (tmp_path / "c.json").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--target", "5"], "--target"),
        (["--slice-cap", "refunds"], "--slice-cap"),
        (["--slice-cap", "refunds=much"], "--slice-cap"),
        (["--previous", "nowhere.json"], "cannot be read"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(tmp_path: Path, options: list[str], problem: str) -> None:
    args = ["calibrate", str(log(tmp_path / "log.jsonl", 30)), "--out", str(tmp_path / "c.json"), *options]
    result = RUNNER.invoke(APP, args)
    assert isinstance(result.exception, ConfigError)
    assert problem in str(result.exception)


def test_help_shows_examples() -> None:
    for command in (["confidence", "eval"], ["calibrate"]):
        assert "handrail " in RUNNER.invoke(APP, [*command, "--help"]).output
