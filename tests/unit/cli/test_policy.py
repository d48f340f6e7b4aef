"""`handrail policy`: what it prints and how it exits."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from handrail.cli.policy import commands

CONFLICTING = """\
policy: shop
version: "1"
if_unsure: queue
roles:
  queue: {answer_within: 1 hours, backup: owner, capacity_per_day: 1}
  owner: {answer_within: 1 hours, backup: queue}
on_conflict: {to: owner}
facts:
  sale: {type: yes/no, from: context.sale}
  odd: {type: set, values: [hearts], from: input.findings}
decisions:
  d:
    answers: {yes: pass, no: block}
    rules:
      - {id: a, when: sale, then: yes}
      - {id: b, when: sale, then: no}
tests:
  - {name: wrong, given: {sale: no}, expect: {effect: pass}}
"""


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(commands, [*arguments], input=text)


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop.yaml"
    path.write_text(CONFLICTING)
    return str(path)


def test_a_clean_policy_checks_with_zero() -> None:
    result = run("check", "support", "baseline")
    assert result.exit_code == 0
    assert "0 errors, 0 warnings" in result.stdout


def test_a_conflict_fails_with_its_line_and_case(shop: str) -> None:
    result = run("check", shop)
    assert result.exit_code == 1
    assert f"{shop}:16: error conflict: 'a' says yes, 'b' says no: sale yes" in result.stdout
    assert "no scanner reports 'hearts'" in result.stdout


def scanning_policy(folder: Path, scan: str, asked: str) -> str:
    """Write a policy with this `scan:` section and one rule on one finding type; return its path."""
    path = folder / "p.yaml"
    path.write_text(
        "policy: p\nversion: '1'\nif_unsure: lead\nroles: {lead: {answer_within: 1 hours}}\n"
        f"scan: {scan}\n"
        f"facts: {{input.findings: {{type: set, values: [{asked}]}}}}\n"
        f"hand_offs: [{{id: a, when: input.findings has {asked}, to: lead, because: It is looked at.}}]\n"
    )
    return str(path)


@pytest.mark.parametrize(
    ("scan", "asked", "said"),
    [
        ("{}", "date", "'date' is looked for only with `scan: {enable: [date]}`"),
        ("{enable: [dat]}", "email", "scan.enable: handrail has no type 'dat'; did you mean 'date'?"),
        ("{disable: [emial]}", "email", "scan.disable: handrail has no type 'emial'; did you mean 'email'?"),
        ("{disable: [email]}", "email", "scan.disable leaves 'email' out"),
        ("{disable: [identifier]}", "email", "scan.disable leaves 'email' out"),
        ("{tagger: none}", "person", "scan.tagger leaves 'person' out"),
        ("{tagger: presidio}", "person", "only a guard that is given an analyzer 'presidio'"),
    ],
)
def test_a_type_that_the_scan_section_leaves_out_is_named(
    scan: str, asked: str, said: str, tmp_path: Path
) -> None:
    path = scanning_policy(tmp_path, scan, asked)
    assert said in run("check", path).stdout


@pytest.mark.parametrize(
    ("scan", "asked"),
    [("{enable: [date]}", "date"), ("{deny: [{value: x, type: own}]}", "own"), ("{}", "health")],
)
def test_a_type_that_something_finds_gets_no_remark(scan: str, asked: str, tmp_path: Path) -> None:
    path = scanning_policy(tmp_path, scan, asked)
    result = run("check", path)
    assert "a can apply in messages" in result.stdout
    assert "no-scanner" not in result.stdout


def test_warnings_fail_only_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("policy: p\nversion: 1\nif_unsure: a\nroles: {a: }\n")
    assert run("check", str(path)).exit_code == 0
    assert run("check", str(path), "--strict").exit_code == 1


def test_a_file_that_is_no_policy_exits_with_two_and_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("policy: p\nversion: 1\nif_unsure: b\nroles: {a: {backup: c}}\n")
    result = run("check", str(path))
    assert result.exit_code == 2
    assert f"{path}:3:12: error not-loadable" in result.stdout
    assert f"{path}:4:21: error not-loadable" in result.stdout
    assert run("check", "nosuch").exit_code == 2


def test_json_and_sarif_are_whole_documents(shop: str) -> None:
    (report,) = json.loads(run("check", shop, "--format", "json").stdout)
    conflict = next(remark for remark in report["remarks"] if remark["code"] == "conflict")
    assert conflict["witness"] == {"sale": "yes"}
    log = json.loads(run("check", shop, "--format", "sarif").stdout)
    assert log["version"] == "2.1.0"
    assert any(result["ruleId"] == "conflict" for result in log["runs"][0]["results"])
    assert run("check", shop, "--format", "xml").exit_code == 2


def test_failing_tests_are_named(shop: str) -> None:
    result = run("test", shop)
    assert result.exit_code == 1
    assert "FAILED wrong" in result.stdout
    assert "effect: expected pass, got hand_off" in result.stdout
    assert json.loads(run("test", "support", "--json").stdout)[0]["passed"] is True


def test_an_explanation_names_rule_facts_and_outcome(tmp_path: Path) -> None:
    facts = '{"tool.name": "issue_refund", "refund.amount": "640 USD", "refunds_30d": "0 USD"}'
    result = run("explain", "support", "--facts", facts)
    assert result.exit_code == 0
    assert "refund-over-500: yes -> hand_off to finance_lead" in result.stdout
    assert "refund.amount = 640 USD" in result.stdout
    (tmp_path / "facts.json").write_text(facts)
    assert run("explain", "support", "--facts", str(tmp_path / "facts.json")).stdout == result.stdout
    assert run("explain", "support", "--facts", "-", text=facts).stdout == result.stdout
    data = json.loads(run("explain", "support", "--facts", facts, "--json").stdout)
    assert data["decision"]["role"] == "finance_lead"


@pytest.mark.parametrize("facts", ['{"refund.amont": 1}', "{", "[]"])
def test_facts_that_cannot_be_read_are_a_usage_error(facts: str) -> None:
    assert run("explain", "support", "--facts", facts if facts != "[]" else "-", text="[]").exit_code == 2
    assert run("explain", "support", "--facts", "{}", "--stage", "moon").exit_code == 2


def test_a_difference_exits_with_one(tmp_path: Path, shop: str) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(CONFLICTING.replace("then: no}", "then: yes}"))
    result = run("diff", shop, str(other))
    assert result.exit_code == 1
    assert "outcome hand_off to owner -> pass" in result.stdout
    assert run("diff", shop, shop).exit_code == 0
    assert json.loads(run("diff", shop, str(other), "--json").stdout)["changes"]


def test_a_backtest_prints_rules_roles_and_load(tmp_path: Path, shop: str) -> None:
    log = tmp_path / "log.jsonl"
    rows: list[Any] = [{"stage": "input", "at": "2026-11-20", "effect": "pass", "facts": {"sale": "no"}}] * 2
    log.write_text("\n".join([*(json.dumps(row) for row in rows), "", "not json", "[]"]) + "\n")
    result = run("backtest", str(log), "--policy", shop)
    assert result.exit_code == 1
    assert "2 decisions on 1 days: 2 hand-offs" in result.stdout
    data = json.loads(run("backtest", str(log), "-p", shop, "--json").stdout)
    assert data["roles"]["queue"] == {
        "hand_offs": 2,
        "busiest_day": "2026-11-20",
        "on_busiest_day": 2,
        "capacity_per_day": 1,
        "over": True,
    }
    assert (data["newly"], data["unreadable_lines"]) == (2, [4, 5])
    entry = {"writer": "w", "seq": 1, "kind": "decision.pass", "at": "2026-11-21T09:00Z", "data": rows[0]}
    log.write_text(json.dumps(entry) + "\n")
    assert json.loads(run("backtest", str(log), "-p", shop, "--json").stdout)["newly"] == 1
    log.write_text("nothing\n")
    assert run("backtest", str(log), "-p", shop).exit_code == 2


def test_the_register_marks_what_lacks(shop: str) -> None:
    result = run("register", shop)
    assert "b: block -> nobody [no reason] [no test]" in result.stdout
    assert json.loads(run("register", "support", "--json").stdout)[0]["rule"] == "refund-over-500"


def test_schema_and_reference_print_what_the_code_says() -> None:
    assert json.loads(run("schema").stdout)["title"] == "handrail policy"
    assert "finance_lead" in run("schema", "support").stdout
    assert run("reference").stdout.startswith("# Policy file reference")


def test_a_remark_stands_at_its_line_and_column_and_one_without_a_place_has_none(tmp_path: Path) -> None:
    broken = tmp_path / "x.yaml"
    broken.write_text("policy: x\nversion: 1\nowner: [1]\n")
    said = CliRunner().invoke(commands, ["check", str(broken)]).stdout
    assert re.match(rf"{re.escape(str(broken))}:\d+:\d+: error not-loadable: \D", said)
    said = CliRunner().invoke(commands, ["check", "nope.yaml"]).stdout
    assert said.startswith("nope.yaml: error not-loadable: cannot be read")
    assert "1 error, 0 warnings, 0 notes" in said


SIGNAL = "signals:\n  complaint: {words: [rubbish], match: [good day], not_match: [what rubbish]}\n"
ENTITY = "scan:\n  entities: [{type: note, category: identifier, patterns: ['CN-\\d{6}']MATCH}]\n"


def test_texts_of_signals_and_entities_are_tests_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(
        'policy: x\nversion: "1"\nif_unsure: lead\nroles: {lead: {}}\n'
        + SIGNAL
        + ENTITY.replace("MATCH", ", match: [CN-123456, CN-1]")
    )
    checked = CliRunner().invoke(commands, ["check", str(file)])
    assert checked.exit_code == 1
    assert checked.stdout.count("error test-failed") == 3
    assert f"{file}:8:" in checked.stdout
    tested = CliRunner().invoke(commands, ["test", str(file)])
    assert tested.exit_code == 1
    assert "FAILED signal complaint: text 1 of match" in tested.stdout
    assert "FAILED entity note: text 2 of match" in tested.stdout
    assert "1 passed, 3 failed" in tested.stdout


def test_a_pattern_that_no_text_tries_or_that_is_broken_is_said(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    head = 'policy: x\nversion: "1"\nif_unsure: lead\nroles: {lead: {}}\n'
    file.write_text(head + ENTITY.replace("MATCH", ""))
    assert f"{file}:6: warning untested-pattern" in CliRunner().invoke(commands, ["check", str(file)]).stdout
    file.write_text(head + ENTITY.replace("MATCH", "").replace("CN-", "CN-("))
    broken = CliRunner().invoke(commands, ["check", str(file)])
    assert broken.exit_code == 2
    assert "error not-loadable: note" in broken.stdout
