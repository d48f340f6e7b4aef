"""Plants and tools in policies that are not the shop's."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail.cli import build
from handrail.errors import ConfigError
from handrail.policy import loads
from handrail.policy.file.cases import run_cases
from handrail.testing.plants import NEEDLESS, PLANTED_RULE, TOO_LAX, TOO_LOW, plant
from handrail.testing.quarter import QuarterSettings, quarter

SMALL = QuarterSettings(weeks=1, weekly=200)
ROLES = """\
policy: haulage
version: "1"
if_unsure: desk
roles:
  desk: {answer_within: 30 minutes}
  chief: {answer_within: 1 hour}
"""
LISTED = f"""{ROLES}
tools: {{find_parcel: reads, move_date: acts, redirect: acts}}
unlisted: hand_off
facts:
  move.days: {{type: whole number, min: 0, max: 60, from: move_date.args.days}}
  sure: {{type: number, optional: true, from: confidence}}
  kind: {{type: one of, from: tool.kind}}
hand_offs:
  - id: far
    when: move.days > 7
    to: desk
    trigger: high_stakes
  - id: unsure
    when: sure < 0.6
    to: desk
    trigger: low_confidence
tests:
  - {{name: far, given: {{tool.name: move_date, move.days: 10, sure: 0.9}}, expect: {{effect: hand_off}}}}
  - {{name: near, given: {{tool.name: move_date, move.days: 5, sure: 0.9}}, expect: {{effect: pass}}}}
  - {{name: looks, given: {{tool.name: find_parcel}}, expect: {{effect: pass}}}}
"""
OPEN = f"""{ROLES}
facts:
  called: {{type: text, from: tool.name}}
  pay.sum: {{type: money, currencies: [EUR], from: pay.args.sum}}
  paid:
    {{type: money, currencies: [EUR], from: ledger, sum: pay.sum, where: pay, per: customer, within: 30 days}}
hand_offs:
  - id: much
    when: called == "pay" and paid + pay.sum > 80 EUR
    to: desk
    trigger: high_stakes
tests:
  - name: a letter is read
    given: {{called: read_letter}}
    expect: {{effect: pass}}
"""
ONE_OF = OPEN.replace("called: {type: text", "called: {type: one of, values: [pay, get_bill, read_letter]")


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        (LISTED, {"find_parcel", "move_date", "redirect"}),
        (OPEN, {"pay", "read_letter"}),
        (ONE_OF, {"pay", "get_bill", "read_letter"}),
        (
            f"{ROLES}facts:\n  late: {{type: yes/no}}\nhand_offs:\n  - {{id: late, when: late, to: desk}}\n",
            set(),
        ),
    ],
)
def test_only_tools_that_the_policy_names_are_called(tmp_path: Path, text: str, tools: set[str]) -> None:
    played = quarter(_written(tmp_path, text), SMALL)
    called = {facts["tool.name"] for facts in played.play().truth.facts if "tool.name" in facts}
    assert called == tools


def test_how_tools_and_confidence_are_drawn_is_said(tmp_path: Path) -> None:
    drawn = "\n".join(quarter(_written(tmp_path, LISTED), SMALL).drawn)
    assert "tool.name, kind: in 60% one of the tools" in drawn
    assert "find_parcel, move_date, redirect" in drawn
    assert "drawn: sure: around 0.93" in drawn


def test_what_a_tool_does_follows_from_the_tool(tmp_path: Path) -> None:
    for facts in quarter(_written(tmp_path, LISTED), SMALL).play().truth.facts:
        reads = {"find_parcel": "reads", "move_date": "acts", "redirect": "acts"}
        assert facts.get("kind") == reads.get(str(facts.get("tool.name")))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        (LISTED, 'tool.name in ["find_parcel"]'),
        (OPEN, 'called in ["read_letter"]'),
        (ONE_OF, 'called in ["get_bill", "read_letter"]'),
    ],
)
def test_a_needless_rule_is_about_tools_of_the_policy_that_no_rule_names(
    tmp_path: Path, text: str, condition: str
) -> None:
    made = plant(_written(tmp_path, text), (NEEDLESS,))
    rules = {rule.id: rule.when.text for rule in loads(made.text).hand_offs}
    assert rules[PLANTED_RULE] == condition


@pytest.mark.parametrize(
    ("limit", "fact", "moved"),
    [
        ("move.days > 7", "move.days", "move.days > 2"),
        ("move.days >= 7", "move.days", "move.days >= 2"),
        ("move.days + move.more > 8", "move.days + move.more", "move.days + move.more > 2"),
        ("late > 20 minutes", "late", "late > 5 minutes"),
        ("risk > 0.5", "risk", "risk > 0.125"),
        ("share > 10%", "share", "share > 2%"),
    ],
)
def test_a_limit_of_any_size_can_be_moved_down(tmp_path: Path, limit: str, fact: str, moved: str) -> None:
    more = """
  move.more: {type: whole number, from: move_date.args.more}
  late: {type: duration}
  risk: {type: number}
  share: {type: percent}
"""
    text = LISTED.replace("when: move.days > 7", f"when: {limit}").split("tests:")[0]
    made = plant(_written(tmp_path, text.replace("\n  sure:", f"{more}  sure:")), (TOO_LOW,))
    assert {rule.id: rule.when.text for rule in loads(made.text).hand_offs}["far"] == moved
    assert made.plants[0].fact == fact


@pytest.mark.parametrize("limit", ["move.days > 0", "paid > 80", "clock.time > 22:00"])
def test_a_limit_that_shows_in_no_traffic_is_not_moved(tmp_path: Path, limit: str) -> None:
    more = """
  paid: {type: number, from: ledger, sum: move.days, where: move_date, per: customer, within: 30 days}
  clock.time: {type: time of day}
"""
    text = LISTED.replace("when: move.days > 7", f"when: {limit}").split("tests:")[0]
    text = text.replace("type: whole number", "type: number").replace("\n  sure:", f"{more}  sure:")
    with pytest.raises(ConfigError, match="stops nothing above a limit"):
        plant(_written(tmp_path, text), (TOO_LOW,))


def test_a_sum_is_moved_where_no_amount_stands_alone(tmp_path: Path) -> None:
    (low,) = plant(_written(tmp_path, OPEN), (TOO_LOW,)).plants
    assert (low.fact, low.planted, low.right) == ("paid + pay.sum", 20, 80)


def test_a_confidence_of_any_name_can_be_asked_for_too_little(tmp_path: Path) -> None:
    made = plant(_written(tmp_path, LISTED), (TOO_LAX,))
    assert "when: sure < 0.30" in made.text


def test_a_file_that_is_not_written_in_blocks_is_refused_without_a_place_in_it(tmp_path: Path) -> None:
    text = LISTED.split("hand_offs:")[0] + 'hand_offs: [{id: far, when: "move.days > 7", to: desk}]\n'
    with pytest.raises(ConfigError, match="needless cannot be planted in this file as it is written"):
        plant(_written(tmp_path, text), (NEEDLESS,))


@pytest.mark.parametrize(("kind", "kept"), [(NEEDLESS, {"far", "near"}), (TOO_LOW, {"far", "looks"})])
def test_the_faulty_policy_keeps_the_tests_that_hold_of_it(tmp_path: Path, kind: str, kept: set[str]) -> None:
    assert all(result.is_passed for result in run_cases(loads(LISTED)))
    made = plant(_written(tmp_path, LISTED), (kind,))
    results = run_cases(loads(made.file))
    assert {result.case.name for result in results} == kept
    assert all(result.is_passed for result in results)
    assert loads(made.file).ref.sha256 == loads(made.text).ref.sha256


def test_the_command_writes_a_policy_only_where_it_differs(tmp_path: Path) -> None:
    policy = _written(tmp_path, LISTED)
    for kind in ("role", "too_low"):
        log = tmp_path / f"{kind}.jsonl"
        arguments = ["simulate", policy, "--weeks", "1", "--plant", kind, "--out", str(log)]
        done = CliRunner().invoke(build(), arguments)
        assert done.exit_code == 0, done.output
        faulty = tmp_path / f"{kind}.policy.yaml"
        assert faulty.exists() is (kind == "too_low")
        assert f"--policy {faulty if faulty.exists() else policy}" in done.output.replace("\n", "")
        assert json.loads(log.read_text().splitlines()[0])
    assert "name: far" in (tmp_path / "too_low.policy.yaml").read_text()


@pytest.mark.parametrize("kind", ["topic", "prompt"])
def test_what_no_log_shows_is_refused(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "quarter.jsonl"
    done = CliRunner().invoke(build(), ["simulate", "support", "--plant", kind, "--out", str(log)])
    assert done.exit_code == 2
    assert "texts of tickets" in done.output
    assert not log.exists()


def _written(folder: Path, text: str) -> str:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)
