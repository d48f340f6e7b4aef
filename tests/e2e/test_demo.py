"""The demonstration: every turn as expected, decided by the policy and not by the script."""

import io
import json
import tempfile
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from handrail.errors import ConfigError, PolicyError
from handrail.review import ReviewPeriod, changes, evaluation_cases, review
from handrail.review.log.cases import Collector
from handrail.review.page.html import as_html
from handrail.review.page.markdown import as_markdown
from handrail.scan import default_scanner
from handrail.store import open_store
from handrail_adapters.demo.command import demo
from handrail_adapters.demo.scenario import SHOP
from handrail_adapters.demo.terminal import Demonstration, DemoResult, Terminal, as_data

SUPPORT = files("handrail_policies") / "support.yaml"


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    made = typer.Typer()
    made.command("demo")(demo)
    return made


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[DemoResult, str]:
    written = io.StringIO()
    console = Console(file=written, width=160, highlight=False)
    store = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'handrail.db'}"
    result = Demonstration(scenario=SHOP, screen=Terminal(console)).run(policy="support", store=store)
    return result, written.getvalue()


def test_every_turn_goes_as_expected(played: tuple[DemoResult, str]) -> None:
    assert played[0].problems == ()


def test_ten_turns_meet_every_trigger_of_the_shop(played: tuple[DemoResult, str]) -> None:
    roles = [turn["decided_by"] for turn in as_data(played[0])["turns"]]
    assert roles == [
        "assistant",
        "assistant",
        "finance_lead",
        "finance_lead",
        "finance_lead",
        "process_owner_returns",
        "queue_manager",
        "billing_specialist",
        "supervisor",
        roles[-1],
    ]
    assert roles[-1] != "assistant"


def test_the_second_and_third_message_join_the_open_ticket(played: tuple[DemoResult, str]) -> None:
    third, fourth, fifth = as_data(played[0])["turns"][2:5]
    assert third["ticket"] == fourth["ticket"] == fifth["ticket"]
    assert "644" in fifth["why"]


def test_the_edited_refund_runs_once_and_a_second_click_is_refused(played: tuple[DemoResult, str]) -> None:
    review = as_data(played[0])["review"]
    assert review["paid"] == [590]
    assert review["refused"] == {
        "carrying it out before anybody decided": "NotDecided",
        "a decision by ben": "NotAllowed",
        "a second click": "AlreadyUsed",
    }


def test_the_screen_says_that_the_model_is_scripted_and_who_decides(played: tuple[DemoResult, str]) -> None:
    screen = played[1]
    assert "scripted" in screen
    for words in ("HOLD", "JOINED", "finance_lead", "due", "REFUSED", "(640 USD)"):
        assert words in screen


def test_another_limit_in_the_policy_changes_who_decides(tmp_path: Path, app: typer.Typer) -> None:
    text = SUPPORT.read_text(encoding="utf-8")
    assert "500 USD" in text
    changed = tmp_path / "support.yaml"
    changed.write_text(text.replace("500 USD", "700 USD"), encoding="utf-8")
    ran = CliRunner().invoke(app, ["--policy", str(changed), "--json"])
    assert ran.exit_code == 1, ran.output
    third = json.loads(ran.stdout)["turns"][2]
    assert third["decided_by"] == "support_lead"
    assert third["differences"] == ["decided by support_lead, not by finance_lead"]
    shown = CliRunner().invoke(app, ["--policy", str(changed), "--fast"])
    assert shown.exit_code == 1
    assert "not as expected: decided by support_lead" in shown.stdout


def test_it_leaves_nothing_behind_and_needs_no_proxy(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ran = CliRunner().invoke(app, ["--fast"])
    assert ran.exit_code == 0, ran.output
    assert "each as expected" in ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_keeps_its_tickets_where_it_is_told_to(app: typer.Typer, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["--json", "--keep", str(tmp_path / "kept")])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["as_expected"] is True
    assert (tmp_path / "kept" / "handrail.db").is_file()
    again = CliRunner().invoke(app, ["--json", "--keep", str(tmp_path / "kept")])
    assert isinstance(again.exception, ConfigError)


def test_a_review_of_its_tickets_learns_from_the_edit(app: typer.Typer, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["--json", "--keep", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    store = open_store(f"sqlite:///{tmp_path / 'handrail.db'}", allow_volatile=True)
    now = datetime.now(UTC)
    period = ReviewPeriod(since=now - timedelta(days=1), until=now + timedelta(minutes=1))
    collector = Collector(source=store, tenant="default", scanner=default_scanner())
    report = review(collector.cases(period), period, now=now)
    store.close()
    assert report.measures.total.size == 6
    assert [change.path for case in report.cases for change in changes(case)] == ["amount"]
    assert ["640 → 590" in proposal.why for proposal in report.proposals] == [True]
    assert "4111" not in as_html(report) + as_markdown(report)
    assert len(list(evaluation_cases(report.cases))) == 1


def test_a_policy_that_cannot_be_read_is_an_error_of_its_own(app: typer.Typer, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("policy: [")
    ran = CliRunner().invoke(app, ["--policy", str(broken), "--json"])
    assert isinstance(ran.exception, PolicyError)
