"""`handrail review` on stores that are there, empty, or not there."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from handrail.cli import build
from handrail.cli.review import review
from handrail.errors import ConfigError
from handrail.policy import load
from handrail.store import open_store
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import NOW, actor, new_ticket


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
    assert "Nothing is on record in these days" in (tmp_path / "out" / "review.md").read_text()
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


BADGES = """\
policy: badges
version: "1"
if_unsure: a
roles: {a: {answer_within: 1 days}}
scan:
  entities: [{type: badge, category: identifier, terms: [BX-12345]}]
facts: {amount: {type: money, currencies: [USD]}}
hand_offs: [{id: big, when: amount > 500 USD, to: a, because: Much money.}]
"""


@pytest.mark.parametrize("is_named", [True, False])
def test_what_a_policy_calls_an_entity_is_masked_in_the_words_of_people(
    is_named: bool, app: typer.Typer, url: str, tmp_path: Path
) -> None:
    (tmp_path / "badges.yaml").write_text(BADGES)
    store = open_store(url, allow_volatile=True)
    ticket = new_ticket()
    store.open(ticket)
    view = store.claim("default", ticket.id, actor())
    words = Resolution(verdict=Verdict.REJECT, message_to_user="Ask BX-12345.", digest=view.digest)
    store.resolve("default", ticket.id, words, actor())
    store.close()
    named = ["--policy", str(tmp_path / "badges.yaml")] if is_named else []
    period = ["--since", str(NOW - timedelta(days=1)), "--until", str(NOW + timedelta(days=1))]
    ran = CliRunner().invoke(app, ["--store", url, "--out", str(tmp_path / "out"), *period, *named])
    assert ran.exit_code == 0, ran.output
    page = (tmp_path / "out" / "review.html").read_text()
    assert "Ask" in page
    assert ("BX-12345" in page) is not is_named


def test_a_week_and_two_moments_are_one_too_many(app: typer.Typer, url: str) -> None:
    ran = CliRunner().invoke(app, ["--store", url, "--week", "2026-W47", "--since", "2026-01-05"])
    assert "leave out --since and --until" in str(ran.exception)


def test_a_week_is_one_of_the_policys_time_zone(app: typer.Typer, url: str, tmp_path: Path) -> None:
    (tmp_path / "badges.yaml").write_text(BADGES + "time_zone: Pacific/Auckland\n")
    ran = CliRunner().invoke(
        app, ["--store", url, "--week", "2026-W02", "--json", "--policy", str(tmp_path / "badges.yaml")]
    )
    found = json.loads(ran.stdout)
    assert (found["since"], found["until"]) == ("2026-01-05T00:00:00+13:00", "2026-01-12T00:00:00+13:00")


def test_a_planted_week_is_reviewed_under_the_policy_it_was_played_under_with_one_figure_of_its_errors(
    app: typer.Typer, tmp_path: Path
) -> None:
    pytest.importorskip("numpy")
    log, out = tmp_path / "quarter.jsonl", tmp_path / "out"
    played = CliRunner().invoke(
        build(),
        ["simulate", "support", "--weeks", "4", "--plant", "needless", "--stampers", "2", "-o", str(log)],
    )
    assert played.exit_code == 0, played.output
    named = ["--policy", str(tmp_path / "quarter.policy.yaml"), "--week", "2026-W39"]
    ran = CliRunner().invoke(app, ["--log", str(log), *named, "--out", str(out)])
    said = re.search(r"missed errors: (.+) of (\d+) passed answers (\(.+\)), from (\d+)", ran.stdout)
    assert said, ran.output
    assert (
        "{} of {} passed answers are wrong {}, from {} that were read".format(*said.groups())
        in (out / "review.md").read_text()
    )
    assert "read-every-look-up" in {rule.id for rule in load(tmp_path / "quarter.policy.yaml").hand_offs}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of three simulated weeks under a shipped policy."""
    pytest.importorskip("numpy")
    log = tmp_path_factory.mktemp("simulated") / "quarter.jsonl"
    arguments = ["simulate", "support", "--weeks", "3", "--weekly", "60", "-o", str(log)]
    played = CliRunner().invoke(build(), arguments)
    assert played.exit_code == 0, played.output
    assert f"next: handrail review --log {log} --week 2026-W38 --policy support" in played.stdout
    return log


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--week", "2026-W01"], "holds nothing of these days, but of 2026-W36 to 2026-W38"),
        (["--tenant", "acme"], "holds no decisions of tenant acme"),
        (["--week", "2026-W38", "--policy", "hr"], "is it the policy of this log?"),
    ],
)
def test_a_log_that_says_nothing_of_what_is_asked_says_what_it_holds(
    app: typer.Typer, simulated: Path, tmp_path: Path, given: list[str], words: str
) -> None:
    ran = CliRunner().invoke(app, ["--log", str(simulated), "--out", str(tmp_path / "out"), *given])
    assert ran.exit_code == 0, ran.output
    assert words in ran.stderr


def test_a_log_of_the_asked_days_and_policy_warns_of_nothing(
    app: typer.Typer, simulated: Path, tmp_path: Path
) -> None:
    given = ["--log", str(simulated), "--week", "2026-W38", "--policy", "support"]
    ran = CliRunner().invoke(app, [*given, "--out", str(tmp_path / "out"), "--language", "de"])
    assert ran.exit_code == 0, ran.output
    assert ran.stderr == ""
    assert '<html lang="de">' in (tmp_path / "out" / "review.html").read_text()
    assert "Zuerst" in (tmp_path / "out" / "review.md").read_text()


def test_a_table_is_no_log_and_is_told_what_writes_one(app: typer.Typer, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    ran = CliRunner().invoke(app, ["--log", str(table), "--week", "2026-W38"])
    assert "handrail audit export" in str(ran.exception)


def test_a_language_that_is_not_there_is_refused_before_anything_is_read(app: typer.Typer) -> None:
    ran = CliRunner().invoke(app, ["--log", "nowhere.jsonl", "--language", "fr"])
    assert str(ran.exception) == "no language 'fr'; there are en, de"


@pytest.mark.parametrize(
    "command",
    [
        ["review", "accept", "1a2b", "--as", "petra"],
        ["review", "rollback", "1a2b", "--as", "petra"],
        ["review", "due"],
        ["policy", "upgrade"],
    ],
)
@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("support", "handrail policy copy support"),
        ("support.yaml", "handrail policy copy support"),
        ("mine.yaml", "there is no file mine.yaml"),
        ("..", "is a folder"),
    ],
)
def test_a_command_that_changes_a_policy_says_how_to_come_by_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], named: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    option = [] if command[0] == "policy" else ["--policy"]
    ran = CliRunner().invoke(build(), [*command, *option, named])
    assert isinstance(ran.exception, ConfigError)
    assert words in str(ran.exception)


def test_the_file_to_change_may_stand_in_the_settings_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--policy" in str(CliRunner().invoke(build(), ["review", "due"]).exception)
    assert CliRunner().invoke(build(), ["policy", "copy", "support"]).exit_code == 0
    (tmp_path / "handrail.toml").write_text('policy = "support.yaml"\nperson = "petra"\n')
    ran = CliRunner().invoke(build(), ["review", "due"])
    assert ran.stdout == "no accepted change of support.yaml is due\n"
    missing = CliRunner().invoke(build(), ["review", "accept", "1a2b"])
    assert "there is no review/proposals.json" in str(missing.exception)
