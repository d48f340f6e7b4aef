import csv
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from handrail.cli import build
from handrail.review.page.log_charts import steps
from handrail.testing.plants import NEEDLESS, plant
from handrail.testing.quarter import QuarterSettings, quarter
from handrail.testing.simulated_people import staff


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A review of a simulated log under a policy with a needless rule, as the command writes it."""
    folder = tmp_path_factory.mktemp("review")
    settings = QuarterSettings(weeks=6, weekly=400, seed=2, people=staff(honest=6, stampers=1))
    with (folder / "log.jsonl").open("w") as file:
        for week in quarter("support", settings, plants=(NEEDLESS,)).weeks():
            file.writelines(f"{json.dumps(record)}\n" for record in week.records)
    (folder / "policy.yaml").write_text(plant("support", (NEEDLESS,)).text)
    arguments = ["--log", str(folder / "log.jsonl"), "--week", "2026-W41", "--out", str(folder / "out")]
    done = CliRunner().invoke(build(), ["review", *arguments, "--policy", str(folder / "policy.yaml")])
    assert done.exit_code == 0, done.output
    assert "Retire read-every-look-up" in done.output
    return folder


def test_a_simulated_log_gives_the_whole_review(written: Path) -> None:
    page = (written / "out" / "review.html").read_text()
    for title in (
        "Flow",
        "Errors that were passed",
        "Is a score what it says?",
        "Threshold",
        "Reading or clicking",
    ):
        assert title in page
    assert "handrail review accept" in page
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert "mode: shadow" in (written / "out" / "review.md").read_text()


def test_every_chart_and_table_lies_beside_the_page(written: Path) -> None:
    from pyarrow import parquet

    for name in ("flow", "weeks", "scores", "coverage", "readers", "rules"):
        with (written / "out" / f"{name}.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert parquet.read_table(written / "out" / f"{name}.parquet").num_rows == len(rows)
    for name in ("flow", "missed", "reliability", "coverage", "readers"):
        assert (written / "out" / f"{name}.svg").read_text().startswith("<svg ")


def test_what_the_review_proposes_is_accepted_and_taken_back_by_command(written: Path) -> None:
    policy = written / "policy.yaml"
    before = policy.read_text()
    name = json.loads((written / "out" / "proposals.json").read_text())[0]["id"]
    run = CliRunner()
    common = ["--policy", str(policy), "--as", "petra"]
    done = run.invoke(build(), ["review", "accept", name, *common, "--out", str(written / "out")])
    assert done.exit_code == 0, done.output
    assert "mode: shadow" in policy.read_text()
    back = run.invoke(build(), ["review", "rollback", name, *common])
    assert back.exit_code == 0, back.output
    assert policy.read_text() == before


def test_everything_is_one_json_document_with_the_same_proposals(written: Path) -> None:
    given = ["review", "--log", str(written / "log.jsonl"), "--week", "2026-W41", "--json"]
    done = CliRunner().invoke(build(), [*given, "--policy", str(written / "policy.yaml")])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    on_disk = json.loads((written / "out" / "proposals.json").read_text())
    assert [one["id"] for one in found["changes"]] == [one["id"] for one in on_disk]
    assert {"flow", "weeks", "rules", "readers"} <= set(found["log"])
    assert any("Retire read-every-look-up" in words for words in found["first"])


def test_a_week_that_is_none_is_refused(written: Path) -> None:
    done = CliRunner().invoke(build(), ["review", "--log", str(written / "log.jsonl"), "--week", "2026-60"])
    assert done.exit_code != 0
    assert "2026-W47" in str(done.exception)


@given(st.floats(0, 1))
def test_an_axis_of_any_height_has_a_few_round_places(top: float) -> None:
    places = steps(top)
    assert places[0] == 0
    assert len(places) <= 7
    assert top < 1e-6 or top / 2 <= places[-1] <= top * (1 + 1e-9)
