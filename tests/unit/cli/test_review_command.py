"""`handrail review` on stores that are there, empty, or not there."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from handrail.cli.review import review
from handrail.errors import ConfigError
from handrail.store import open_store


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command("review")(review)
    return made


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path / 'handrail.db'}"
    open_store(made, allow_volatile=True).close()
    return made


def test_an_empty_store_gives_an_empty_report(app: typer.Typer, url: str, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["--store", url, "--out", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith("0 tickets")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "cases.jsonl",
        "review.html",
        "review.md",
    ]


def test_json_is_one_document_and_writes_no_file(app: typer.Typer, url: str, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["--store", url, "--json", "--out", str(tmp_path / "out")])
    assert json.loads(ran.stdout)["all"]["tickets"] == 0
    assert not (tmp_path / "out").exists()


def test_a_store_that_is_not_there_is_not_made(app: typer.Typer, tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    ran = CliRunner().invoke(app, ["--store", f"sqlite:///{missing}"])
    assert isinstance(ran.exception, ConfigError)
    assert not missing.exists()


@pytest.mark.parametrize("given", [["--since", "soon"], ["--since", "2026-02-01", "--until", "2026-01-01"]])
def test_a_period_that_makes_no_sense_is_refused(app: typer.Typer, url: str, given: list[str]) -> None:
    ran = CliRunner().invoke(app, ["--store", url, *given])
    assert isinstance(ran.exception, ConfigError)


def test_the_entities_of_a_policy_are_masked_as_well(app: typer.Typer, url: str) -> None:
    ran = CliRunner().invoke(app, ["--store", url, "--policy", "support", "--json"])
    assert ran.exit_code == 0, ran.output
