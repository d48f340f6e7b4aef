import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from handrail.cli import build
from handrail.errors import ConfigError
from handrail.policy import loads
from handrail.policy.file.read import read_source
from handrail.policy.runtime.log_row import read_row
from handrail.policy.runtime.record import rederive
from handrail.policy.tools.backtest import backtest
from handrail.testing.plants import MISSING, NEEDLESS, PLANTED_RULE, TOO_LAX, TOO_LOW, plant
from handrail.testing.quarter import Quarter, QuarterSettings, quarter
from handrail.testing.simulated_people import staff

SMALL = QuarterSettings(weeks=3, weekly=150)


def test_the_same_seed_plays_the_same_quarter_and_another_one_does_not() -> None:
    first, again = list(quarter("support", SMALL).weeks()), list(quarter("support", SMALL).weeks())
    other = list(quarter("support", QuarterSettings(weeks=3, weekly=150, seed=1)).weeks())
    assert [week.records for week in first] == [week.records for week in again]
    assert [week.records for week in first] != [week.records for week in other]


@pytest.mark.parametrize("policy", ["support", "banking", "clinic", "hr", "baseline", "telecom"])
def test_every_record_is_one_that_the_log_has_and_can_be_taken_again(policy: str) -> None:
    played = quarter(policy, SMALL)
    records = [record for week in played.weeks() for record in week.records]
    json.dumps(records)
    rows = [read_row(record) for record in records]
    decided = [row for row in rows if row is not None and row.is_decision]
    assert len(decided) > 300
    for row in decided:
        assert not rederive(row.record(), played.policy).differences
    assert {row.outcome for row in rows if row is not None} >= {"passed", "handed_off", "resolved", "taken"}


def test_a_backtest_of_the_policy_that_was_in_force_changes_nothing() -> None:
    played = quarter("support", SMALL)
    records = [record for week in played.weeks() for record in week.records]
    tried = backtest(enumerate(records, start=1), played.policy)
    assert (tried.newly, tried.no_longer, tried.unreadable) == (0, 0, [])
    assert tried.hand_offs >= tried.recorded_hand_offs > 0


def test_drift_makes_the_passed_answers_worse_from_its_week_on() -> None:
    settings = QuarterSettings(weeks=6, weekly=2000, drift_week=3, drift=4.0)
    weeks = [week.truth for week in quarter("support", settings).weeks()]
    wrong = [float(truth.chance[~truth.is_held].mean()) for truth in weeks]
    assert max(wrong[:3]) < 0.1 < min(wrong[3:])


def test_a_rubber_stamper_approves_within_seconds_what_others_change() -> None:
    settings = QuarterSettings(weeks=3, weekly=800, people=staff(honest=2, stampers=1, experts=0))
    rows = [read_row(record) for week in quarter("support", settings).weeks() for record in week.records]
    said: dict[str, list[bool]] = {}
    for row in rows:
        if row is not None and row.outcome == "resolved":
            said.setdefault(row.reviewer, []).append(row.verdict == "approve")
    approved = {name: float(np.mean(each)) for name, each in said.items()}
    assert approved.pop("person-3") > 0.95
    assert max(approved.values()) < 0.8


def test_attackers_ask_for_less_once_most_of_them_are_stopped() -> None:
    settings = QuarterSettings(weeks=8, weekly=400, attack_week=0, attack_share=0.2)
    strict = loads(plant("support", (TOO_LOW,)).text)
    played = Quarter("support", settings)
    asked = []
    for _ in range(8):
        truth = played.play(strict).truth
        amounts = [
            float(facts["refund.amount"].amount)  # type: ignore[union-attr]
            for facts, chance in zip(truth.facts, truth.chance, strict=True)
            if chance == 0.9
        ]
        asked.append(max(amounts))
    assert asked[0] > 80
    assert min(asked) <= 25
    assert max(asked[-3:]) < 40


def test_attackers_follow_a_limit_that_is_moved_up() -> None:
    settings = QuarterSettings(weeks=8, weekly=400, attack_week=0, attack_share=0.2)
    lenient = loads(plant("support").text.replace("> 100 USD", "> 300 USD"))
    played = Quarter("support", settings)
    asked = []
    for _ in range(8):
        truth = played.play(lenient).truth
        asked.append(
            max(
                float(facts["refund.amount"].amount)  # type: ignore[union-attr]
                for facts, chance in zip(truth.facts, truth.chance, strict=True)
                if chance == 0.9
            )
        )
    assert asked[0] < 100
    assert max(asked) > 150


@pytest.mark.parametrize("policy", ["support", "banking", "clinic"])
def test_a_confidence_that_is_asked_for_too_little_is_half_of_the_right_one(policy: str) -> None:
    made = plant(policy, (TOO_LAX,))
    (lax,) = made.plants
    assert lax.planted is not None
    assert lax.right is not None
    assert lax.planted <= lax.right / 2
    assert {rule.id for rule in loads(made.text).hand_offs} == {
        rule.id for rule in loads(made.reference).hand_offs
    }
    assert f"confidence < {lax.planted}" in made.text


def test_what_is_planted_differs_from_the_policy_as_it_should_be() -> None:
    made = plant("support", (NEEDLESS, MISSING, TOO_LOW))
    wrong, right = loads(made.text), loads(made.reference)
    rules = {rule.id: rule.when.text for rule in wrong.hand_offs}
    assert PLANTED_RULE in rules
    assert "account-deletion" not in rules
    assert "refund.amount > 25 USD" in rules["refund-over-100"]
    assert {rule.id for rule in right.hand_offs} - set(rules) == {"account-deletion"}


def test_a_policy_without_such_a_rule_cannot_be_planted_with_it() -> None:
    with pytest.raises(ConfigError, match="none can be left out"):
        plant("hr", (MISSING,))


def test_who_cannot_read_everything_lets_the_rest_expire() -> None:
    settings = QuarterSettings(weeks=2, weekly=400, answers_weekly=20)
    for week in quarter("support", settings).weeks():
        kinds = [str(record["kind"]) for record in week.records]
        said = sum(
            kind in ("answer.judge", "ticket.approve", "ticket.reject", "ticket.answer") for kind in kinds
        )
        assert said == 20
        assert "ticket.expire" in kinds


def test_the_command_writes_a_log_and_its_truth(tmp_path: Path) -> None:
    log, truth = tmp_path / "quarter.jsonl", tmp_path / "truth.csv"
    arguments = ["simulate", "support", "--weeks", "2", "--weekly", "60", "--plant", "needless"]
    done = CliRunner().invoke(build(), [*arguments, "--out", str(log), "--truth", str(truth)])
    assert done.exit_code == 0, done.output
    assert "week 2:" in done.output
    assert "drawn: refund.amount: around 35 USD" in done.output
    assert "result.findings: never there" in done.output
    rows = [read_row(json.loads(line)) for line in log.read_text().splitlines()]
    exchanges = {row.exchange for row in rows if row is not None and row.is_decision}
    assert {line.split(",")[1] for line in truth.read_text().splitlines()[1:]} == exchanges
    moments = [datetime.fromisoformat(row.at) for row in rows if row is not None]
    assert moments
    assert all(moment.tzinfo == UTC for moment in moments)


def test_the_command_says_what_it_planted_and_the_truth_shows_where(tmp_path: Path) -> None:
    log, truth = tmp_path / "quarter.jsonl", tmp_path / "truth.csv"
    arguments = ["simulate", "support", "--weeks", "1", "--plant", "detector", "--plant", "too_low"]
    done = CliRunner().invoke(build(), [*arguments, "--out", str(log), "--truth", str(truth)])
    assert done.exit_code == 0, done.output
    assert "planted detector: payment-data input.findings card" in done.output
    assert "planted too_low: refund-over-100 refund.amount, 25 in place of 100" in done.output
    shown = [line.rsplit(",", 1)[1] for line in truth.read_text().splitlines()]
    assert shown[0] == "planted"
    assert set(shown[1:]) == {"", "detector"}


def test_a_kind_that_nobody_knows_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        build(), ["simulate", "support", "--plant", "luck", "--out", str(tmp_path / "q")]
    )
    assert done.exit_code == 2
    assert "staffing" in done.output
    assert not list(tmp_path.iterdir())


def test_what_stands_behind_the_tests_of_a_file_is_part_of_its_policy(tmp_path: Path) -> None:
    written = read_source("support")[1]
    begin, tests = written.split("\ntest_defaults:", 1)
    head, rest = begin.split("\nhand_offs:", 1)
    moved = tmp_path / "moved.yaml"
    moved.write_text(f"{head}\ntest_defaults:{tests}\nhand_offs:{rest}\n", encoding="utf-8")
    assert {rule.id for rule in loads(plant(str(moved)).reference).hand_offs} == {
        rule.id for rule in loads(plant("support").reference).hand_offs
    }
    assert "tests:" not in plant(str(moved)).reference


def test_a_condition_over_two_lines_is_left_alone_with_an_error(tmp_path: Path) -> None:
    text = plant("support").reference
    old = 'when: tool.name == "issue_refund" and refund.amount > 100 USD and refund.amount <= 500 USD'
    new = old.replace("when: ", "when: >-\n      ").replace("> 100", ">\n      100")
    assert old in text
    folded = tmp_path / "folded.yaml"
    folded.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match="not written in one piece"):
        plant(str(folded), (TOO_LOW,))


def test_drawn_facts_keep_within_the_bounds_that_the_policy_declares(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(BOUNDED, encoding="utf-8")
    facts = quarter(str(own), SMALL).play().truth.facts
    assert all(timedelta(days=5) <= each["term"] <= timedelta(days=9) for each in facts)  # type: ignore[operator]
    assert {int(each["votes"]) for each in facts} <= {3, 4, 5}  # type: ignore[arg-type]
    assert all(-50 <= each["balance"] <= -1 for each in facts)  # type: ignore[operator]


BOUNDED = """\
policy: own
version: "1"
if_unsure: desk
roles:
  desk: {answer_within: 30 minutes}
facts:
  term: {type: duration, unit: days, min: 5 days, max: 9 days}
  votes: {type: whole number, min: 3, max: 5}
  balance: {type: number, min: -50, max: -1}
hand_offs:
  - id: long
    when: term > 8 days or votes > 4 or balance < -40
    to: desk
"""
