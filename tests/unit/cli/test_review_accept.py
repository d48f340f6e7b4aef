"""`handrail review accept` of what lowers a threshold: the log proves it, and no file does."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from handrail.cli import build
from handrail.policy.file.document import Document
from handrail.policy.file.read import read_source
from handrail.review.changes.proposal import digest
from handrail.testing.plants import without_tests

STRICT = "confidence < 0.97"


def run(*given: str) -> Result:
    return CliRunner().invoke(build(), list(given))


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a policy that asks for too much confidence, eight weeks under it, and their review."""
    folder, shipped = tmp_path_factory.mktemp("strict"), read_source("support")[1]
    text = without_tests(shipped, Document(shipped, "support")).replace("confidence < 0.70", STRICT)
    assert STRICT in text
    (folder / "policy.yaml").write_text(text)
    policy, log = str(folder / "policy.yaml"), str(folder / "quarter.jsonl")
    assert run("simulate", policy, "--weeks", "8", "-o", log).exit_code == 0
    asked = ("--week", "2026-W43", "--policy", policy, "--out", str(folder / "review"))
    told = run("review", "--log", log, *asked)
    assert f"--log {log} --as YOU" in told.stdout
    return folder


@pytest.fixture
def folder(reviewed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(reviewed, tmp_path / "strict")
    monkeypatch.chdir(tmp_path / "strict")
    return tmp_path / "strict"


def lowering(folder: Path) -> dict[str, object]:
    found: list[dict[str, object]] = json.loads((folder / "review" / "proposals.json").read_text())
    return next(one for one in found if one["kind"] == "threshold")


def accepted(proposal: dict[str, object], *more: str) -> Result:
    return run("review", "accept", str(proposal["id"]), "--policy", "policy.yaml", "--as", "petra", *more)


def test_what_lowers_a_threshold_is_accepted_on_the_log_that_proves_it(folder: Path) -> None:
    made = lowering(folder)
    alone = accepted(made)
    assert "--log" in str(alone.exception)
    assert STRICT in (folder / "policy.yaml").read_text()
    done = accepted(made, "--log", "quarter.jsonl")
    assert done.exit_code == 0, done.exception
    assert STRICT not in (folder / "policy.yaml").read_text()


def test_a_forged_certificate_is_not_believed(folder: Path) -> None:
    made = lowering(folder)
    text = (folder / "policy.yaml").read_text().replace(STRICT, "confidence < 0.10")
    forged = {**made, "text": text, "result": digest(text), "certified": 0.001}
    (folder / "review" / "proposals.json").write_text(json.dumps([forged]))
    refused = accepted(forged, "--log", "quarter.jsonl")
    assert "not certified" in str(refused.exception)
    assert STRICT in (folder / "policy.yaml").read_text()


def test_a_certificate_counts_from_today_on(folder: Path) -> None:
    later = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    refused = accepted(lowering(folder), "--log", "quarter.jsonl", "--from", later)
    assert "from today on" in str(refused.exception)
    assert STRICT in (folder / "policy.yaml").read_text()
