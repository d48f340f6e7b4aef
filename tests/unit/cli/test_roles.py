import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from handrail.cli.roles import commands

PEOPLE = """
roles:
  queue_manager: [quinn]
  support_agent: [sam, ana]
  support_lead: [lee]
  finance_lead: [fay]
  billing_specialist: [bo]
  approved_specialist: [ada]
  process_owner_returns: [pat]
  supervisor: [suri]
"""
NIGHTS = """
calendars: {urgent: {zone: UTC, hours: {mon-fri: 09:00-17:00}, deadlines: run}}
hours: {default: urgent}
"""
WEEK = ["--from", "2026-11-23"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.yaml").write_text(PEOPLE)


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, ["--policy", "support", "--people", "people.yaml", *words])


def test_people_who_are_always_there_are_enough() -> None:
    done = run(*WEEK)
    assert done.exit_code == 0
    assert "end well" in done.stdout


def test_each_rule_of_the_policy_is_followed_for_every_hour() -> None:
    report = json.loads(run(*WEEK, "--json").stdout)
    assert (report["ok"], report["hours"], report["empty_roles"]) == (True, 168, [])
    rules = {route["rule"]: route for route in report["routes"]}
    assert rules["if_unsure"]["role"] == "queue_manager"
    assert rules["refund-over-500"]["staffed_hours"] == {"finance_lead": 168}
    triggers = {route["trigger"] for route in report["routes"]}
    assert {"high_stakes", "sensitive_data", "complaint", "policy_conflict", "unsure"} <= triggers


def test_nights_end_at_the_safe_default_where_deadlines_run_on() -> None:
    Path("desk.yaml").write_text(NIGHTS)
    done = run(*WEEK, "--desk", "desk.yaml", "--json")
    assert done.exit_code == 0
    routes = json.loads(done.stdout)["routes"]
    assert all(route["safe_default_hours"] > 100 and route["dead_end_hours"] == 0 for route in routes)
    assert all(route["safe_default"] != "approve" for route in routes)


def test_a_role_that_is_away_and_has_no_deadline_is_a_dead_end() -> None:
    Path("own.yaml").write_text(
        "policy: own\nversion: '1'\nif_unsure: queue_manager\n"
        "roles:\n  queue_manager: {}\nfacts:\n  tool.name: {type: text}\n"
        "hand_offs:\n  - {id: all, when: 'tool.name == \"x\"', to: queue_manager, because: b}\n"
    )
    Path("few.yaml").write_text("roles: {queue_manager: [quinn]}\n")
    Path("desk.yaml").write_text("away: {quinn: [{from: 2026-01-01, to: 2029-01-01}]}\n")
    done = CliRunner().invoke(
        commands, ["-p", "own.yaml", "--people", "few.yaml", "--desk", "desk.yaml", *WEEK]
    )
    assert done.exit_code == 1, done.output
    assert "DEAD END" in done.stdout


def test_too_long_a_wait_fails_where_a_limit_is_set() -> None:
    Path("desk.yaml").write_text(NIGHTS.replace("run", "pause"))
    assert run(*WEEK, "--desk", "desk.yaml", "--max-wait", "65").exit_code == 0
    assert run(*WEEK, "--desk", "desk.yaml", "--max-wait", "63").exit_code == 1


def test_a_role_that_nobody_fills_fails() -> None:
    Path("people.yaml").write_text(PEOPLE.replace("finance_lead: [fay]", "finance_lead: []"))
    done = run(*WEEK)
    assert done.exit_code == 1
    assert "finance_lead" in done.output


@pytest.mark.parametrize(
    "words",
    [["--from", "yesterday"], ["--desk", "none.yaml"], ["--people", "none.yaml"], ["-p", "none.yaml"]],
)
def test_files_that_cannot_be_used_are_another_exit_code(words: list[str]) -> None:
    assert run(*words).exit_code == 2
