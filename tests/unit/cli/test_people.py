"""The commands for people list who fills which role and free what those who left have claimed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail.cli import people
from handrail.errors import RoleError
from handrail.policy import load, load_people
from handrail.store import Actor, open_store
from support.scenes import PEOPLE, POLICY
from support.stores import NOW, new_ticket

FILES = ("--policy", "policy.yaml", "--people", "people.yaml")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "people.yaml").write_text(PEOPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_STORE", f"sqlite:///{tmp_path}/handrail.db")
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(people.commands, [*words, *FILES], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_people_are_listed_with_roles_absences_and_whom_they_act_for(folder: Path) -> None:
    assert "fay  finance_lead" in run("list")
    known = load_people("people.yaml", load("policy.yaml"))
    names = sorted(set().union(*known.roles.values()) - {"fay"})
    text = PEOPLE.partition("people:")[0].replace("[fay]", f"[fay, {names[0]}]")
    away = f"{{away: {{from: 2020-01-01, to: 2999-01-01, delegate: {names[0]}}}}}"
    entries = "".join(f"  {name}:\n" for name in names)
    (folder / "people.yaml").write_text(f"{text}people:\n{entries}  fay: {away}\n")
    rows = {row["person"]: row for row in json.loads(run("list", "--json"))}
    assert rows["fay"]["away_until"] == "2999-01-01"
    assert rows[names[0]]["acts_for"] == ["fay"]
    said = run("list")
    assert "fay  finance_lead  away until 2999-01-01" in said
    assert "acts for fay" in said


def test_a_claim_of_somebody_who_left_is_released(folder: Path) -> None:
    store = open_store(f"sqlite:///{folder}/handrail.db", allow_volatile=True)
    ticket = store.open(new_ticket()).ticket
    store.claim(
        "default",
        ticket,
        Actor(person="fay", people=load_people("people.yaml", load("policy.yaml")), now=NOW),
    )
    store.close()
    assert run("release") == ""
    (folder / "people.yaml").write_text(PEOPLE.replace("fay", "finn"))
    assert run("release") == f"{ticket} is ready again\n"
    assert run("release") == ""


def test_a_people_file_that_leaves_a_role_empty_is_refused(folder: Path) -> None:
    (folder / "people.yaml").write_text("roles: {}")
    with pytest.raises(RoleError):
        run("list")
