"""Two people put a policy in force from a terminal, and see what is."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail.cli import policy
from handrail.errors import ConfigError, PolicyNotInForce
from handrail.store import open_store
from support.scenes import PEOPLE, POLICY

OWNED = POLICY.replace("owner: process_owner", "owner: process_owner\nenforced_by: process_owner", 1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policy.yaml").write_text(OWNED)
    (tmp_path / "people.yaml").write_text(PEOPLE.replace("[petra]", "[petra, pam]"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_STORE", f"sqlite:///{tmp_path}/handrail.db")
    open_store(f"sqlite:///{tmp_path}/handrail.db", allow_volatile=True).close()
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(policy.commands, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def enforce(person: str, *more: str) -> str:
    return run("enforce", "policy.yaml", "--as", person, "--people", "people.yaml", *more)


def test_one_proposes_and_another_one_agrees(folder: Path) -> None:
    assert "nobody proposed" in run("in-force", "shop")
    assert enforce("petra") == "shop 1 is proposed; another one of process_owner must agree\n"
    assert "proposed" in run("in-force", "shop")
    with pytest.raises(ConfigError):
        run("in-force", "shop", "--source")
    assert "is in force from" in enforce("pam")
    assert "petra, pam" in run("in-force", "shop")
    (row,) = json.loads(run("in-force", "shop", "--json"))
    assert row["is_in_force"]
    assert run("in-force", "shop", "--source") == OWNED


def test_a_day_to_come_is_told(folder: Path) -> None:
    enforce("petra", "--from", "2999-01-01")
    assert enforce("pam", "--from", "2999-01-01") == "shop 1 is in force from 2999-01-01 00:00 UTC on\n"


def test_whoever_may_not_and_a_policy_without_the_role_are_refused(folder: Path) -> None:
    with pytest.raises(PolicyNotInForce, match="only a member of process_owner"):
        enforce("fay")
    enforce("petra"), enforce("pam")
    for text in (POLICY, OWNED.replace("enforced_by: process_owner", "enforced_by: finance_lead")):
        (folder / "policy.yaml").write_text(text)
        with pytest.raises(PolicyNotInForce):
            enforce("fay")
    (folder / "policy.yaml").write_text(POLICY)
    with pytest.raises(PolicyNotInForce, match="lacks `enforced_by:`"):
        enforce("petra")
