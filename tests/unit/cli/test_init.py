"""`handrail init` writes files that load, pass their own tests and name the same roles."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from handrail.cli import build
from handrail.cli.init import init
from handrail.errors import ConfigError
from handrail.policy import load, load_people
from handrail.policy.file.cases import run_cases


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command("init")(init)
    return made


def test_the_starter_files_load_and_their_tests_pass(app: typer.Typer, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, [str(tmp_path / "guard")])
    assert ran.exit_code == 0, ran.output
    policy = load(tmp_path / "guard" / "policy.yaml")
    load_people(tmp_path / "guard" / "people.yaml", policy)
    assert policy.warnings == ()
    assert [result.differences for result in run_cases(policy) if not result.is_passed] == []


def test_a_check_of_the_starter_policy_has_nothing_to_say_against_it(
    tmp_path: Path, app: typer.Typer, monkeypatch: pytest.MonkeyPatch
) -> None:
    CliRunner().invoke(app, [str(tmp_path)])
    monkeypatch.chdir(tmp_path)
    checked = CliRunner().invoke(build(), ["policy", "check", "policy.yaml"])
    assert checked.exit_code == 0, checked.output
    assert "0 errors, 0 warnings" in checked.output


def test_every_rule_of_the_starter_policy_says_why_and_has_a_test(tmp_path: Path, app: typer.Typer) -> None:
    CliRunner().invoke(app, [str(tmp_path)])
    policy = load(tmp_path / "policy.yaml")
    fired = {reason.rule for result in run_cases(policy) for reason in result.decision.reasons if reason.role}
    assert {rule.id for rule in policy.hand_offs} == fired
    assert all(rule.because for rule in policy.hand_offs)


def test_files_that_are_there_are_kept_unless_forced(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text("mine")
    ran = CliRunner().invoke(app, [str(tmp_path)])
    assert isinstance(ran.exception, ConfigError)
    assert (tmp_path / "people.yaml").read_text() == "mine"
    assert not (tmp_path / "policy.yaml").exists()
    assert CliRunner().invoke(app, [str(tmp_path), "--force"]).exit_code == 0
    assert (tmp_path / "people.yaml").read_text() != "mine"
