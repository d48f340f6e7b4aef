"""`handrail desk` is set up by the folder's settings file as other commands are; options come first."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from handrail.cli import build
from handrail.store import open_store
from support.inbox import TICKETS_PEOPLE, TICKETS_POLICY
from support.stores import new_ticket


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.yaml").write_text(TICKETS_POLICY)
    (tmp_path / "people.yaml").write_text(TICKETS_PEOPLE)
    (tmp_path / "handrail.toml").write_text(
        'policy = "shop.yaml"\npeople = "people.yaml"\nstore = "sqlite:///shop.db"\n'
    )
    monkeypatch.chdir(tmp_path)
    for name in ("POLICY", "PEOPLE", "STORE"):
        monkeypatch.delenv(f"HANDRAIL_{name}", raising=False)
    open_store(f"sqlite:///{tmp_path}/shop.db", allow_volatile=True).close()
    return tmp_path


def ran(*options: str) -> Result:
    return CliRunner().invoke(build(), ["desk", "--once", "--json", *options])


def test_the_settings_file_of_the_folder_is_enough(folder: Path) -> None:
    done = ran()
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["reviewed"] == 0


def test_an_option_comes_before_the_file(folder: Path) -> None:
    assert "none.yaml" in str(ran("--policy", "none.yaml").exception)
    assert "none.yaml" in str(ran("--people", "none.yaml").exception)


def test_without_channels_it_says_that_notices_wait_and_takes_none(folder: Path) -> None:
    with closing(open_store(f"sqlite:///{folder}/shop.db", allow_volatile=True)) as store:
        store.open(new_ticket(now=datetime.now(UTC)))
    done = ran()
    assert "no channels are named here" in done.stderr
    assert json.loads(done.stdout)["delivered"] == 0
    (folder / "desk.yaml").write_text("channels: {}\n")
    told = ran("--desk", "desk.yaml")
    assert (told.stderr, json.loads(told.stdout)["delivered"]) == ("", 1)


def test_the_desks_file_may_stand_in_the_settings_file(folder: Path) -> None:
    with (folder / "handrail.toml").open("a") as file:
        file.write('desk_file = "none.yaml"\n')
    assert "none.yaml: cannot be read" in str(ran().exception)
    (folder / "desk.yaml").write_text("channels: {}\n")
    assert ran("--desk", "desk.yaml").exit_code == 0


def test_without_a_policy_anywhere_it_says_so(folder: Path) -> None:
    (folder / "handrail.toml").write_text('store = "sqlite:///shop.db"\n')
    done = ran()
    assert (done.exit_code, "--policy" in done.output) == (2, True)
