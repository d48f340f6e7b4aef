"""`handrail policy new`, `copy` and `upgrade`: what they write and print, how they exit; shipped policies."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import handrail_policies
from handrail.cli.policy import commands
from handrail.errors import ConfigError, PolicyError
from handrail.policy.file.read import read_source

TABLE = """\
situation,limit,role,because,example
Refunds by issue_refund,over 100 USD,support lead,Refunds above 100 USD are signed.,A refund of 250 USD
delete_account,,supervisor,A person deletes accounts.,
"""
OLD = """\
# The shop's rules.
policy: shop   # a label
version: "1"
if_unsure: lead
roles: {lead: {answer_within: 1 hours}}
facts:
  tool.name: {type: one of, values: [issue_refund, get_order]}
  # What is given back.
  refund.amount: {type: money, currencies: [USD], from: tool.args.amount}
hand_offs:
  - id: refunds
    when: tool.name == "issue_refund" and refund.amount > 200 USD
    to: lead
    because: They are signed.
tests:
  - {name: large, given: {tool.name: issue_refund, refund.amount: 250 USD}, expect: {hand_off: [lead]}}
"""
SHIPPED = sorted(
    path
    for path in Path(next(iter(handrail_policies.__path__))).glob("*.yaml")
    if not path.stem.endswith("_people")
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(commands, [str(one) for one in arguments])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_policy_is_strictly_clean_and_has_nothing_to_upgrade(path: Path) -> None:
    checked = run("check", "--strict", path)
    assert checked.exit_code == 0, checked.output
    assert "0 errors, 0 warnings" in checked.stdout
    upgraded = run("upgrade", path, "--dry-run")
    assert upgraded.exit_code == 0, upgraded.output
    assert upgraded.stdout == path.read_text(encoding="utf-8")
    assert "nothing to change" in upgraded.stderr


def test_an_old_policy_is_rewritten_in_place_with_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(OLD)
    shown = run("upgrade", path, "--dry-run")
    assert (shown.exit_code, path.read_text()) == (0, OLD)
    written = run("upgrade", path)
    assert written.exit_code == 0, written.output
    text = path.read_text()
    assert text == shown.stdout != OLD
    for kept in ("# The shop's rules.", "# a label", "# What is given back.", "issue_refund.args.amount"):
        assert kept in text
    assert f"{path}: " in written.stdout
    again = run("upgrade", path)
    assert (again.exit_code, again.stdout) == (0, f"{path}: nothing to change\n")
    assert run("check", path).exit_code == 0


def test_a_file_that_is_no_policy_is_not_touched_by_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "notes.yaml"
    path.write_text("- milk\n")
    # The command's own entry point turns the error into one line and exit code 2.
    assert isinstance(run("upgrade", path).exception, PolicyError)
    assert path.read_text() == "- milk\n"
    assert isinstance(run("upgrade", tmp_path / "missing.yaml").exception, ConfigError)


def test_a_table_becomes_a_policy_that_checks_clean(tmp_path: Path) -> None:
    table, out = tmp_path / "situations.csv", tmp_path / "shop.yaml"
    table.write_text(TABLE)
    printed = run("new", "--from", table, "--name", "shop")
    assert printed.exit_code == 0
    written = run("new", "--from", table, "--name", "shop", "--out", out)
    assert written.exit_code == 0
    assert f"wrote {out}; next: handrail policy check {out}" in written.stdout
    assert out.read_text() == printed.stdout
    assert "policy: shop" in printed.stdout
    checked = run("check", out)
    assert checked.exit_code == 0, checked.output


def test_a_policy_is_never_written_over_and_a_table_without_situations_is_refused(tmp_path: Path) -> None:
    table, out = tmp_path / "situations.csv", tmp_path / "shop.yaml"
    table.write_text(TABLE)
    out.write_text("mine")
    result = run("new", "--from", table, "--out", out)
    assert (result.exit_code, out.read_text()) == (2, "mine")
    assert "exists already" in " ".join(result.output.split())
    table.write_text("what,who\na,b\n")
    assert run("new", "--from", table).exit_code == 2
    assert run("new", "--from", tmp_path / "missing.csv").exit_code == 2


def test_a_shipped_policy_is_copied_as_it_is_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner()
    done = run.invoke(commands, ["copy", "support"])
    assert done.stdout == "wrote support.yaml; next: handrail policy check support.yaml\n"
    assert (tmp_path / "support.yaml").read_text() == read_source("support")[1]
    assert "exists already" in str(run.invoke(commands, ["copy", "support"]).exception)
    assert run.invoke(commands, ["copy", "support", "--force"]).exit_code == 0
    assert "did you mean 'support'" in str(run.invoke(commands, ["copy", "suport"]).exception)
