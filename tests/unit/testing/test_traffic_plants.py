"""What is planted outside of a policy's text: it shows where the truth says so, and the review says so."""

import numpy as np
import pytest

from handrail.errors import ConfigError
from handrail.policy.runtime.log_row import read_row
from handrail.records import Unknown
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.evidence.log_review import LogReview, LogSettings
from handrail.review.log.cases import changes
from handrail.review.log.review_log import ReviewLog, joined, review_log
from handrail.review.proposals.proposing import propose_notes
from handrail.review.proposals.roles import proposed_roles
from handrail.testing.plants import plant
from handrail.testing.quarter import Quarter, QuarterSettings, SimulatedWeek, quarter
from handrail.testing.traffic_plants import (
    BAD_GRANT,
    DETECTOR,
    FACT,
    GRANT,
    IN_TRAFFIC,
    PROMPT,
    ROLE,
    STAFFING,
    TOPIC,
)

SETTINGS = QuarterSettings(seed=3, weeks=4)
SAID = {
    ROLE: "to queue_manager",
    STAFFING: "people as supervisor",
    DETECTOR: "Look at what",
    GRANT: "Give customer",
    BAD_GRANT: "End grant",
    PROMPT: "issue_refund.amount is lowered by about 10 %",
    FACT: "be known",
    TOPIC: "Teach the assistant about",
}


def log_of(week: SimulatedWeek) -> ReviewLog:
    return review_log(row for row in map(read_row, week.records) if row is not None)


def titles(run: Quarter) -> set[str]:
    """Play a quarter and return what its weekly reviews say."""
    review = LogReview(LogSettings.of(run.policy))
    now = PolicyInForce(policy=run.policy, text=run.planted.text, file="planted.yaml")
    logs: list[ReviewLog] = []
    said: set[str] = set()
    for _ in range(run.settings.weeks):
        week = run.play(audit_rate=0.3)
        logs.append(log_of(week))
        review.readers.take(logs[-1])
        history = joined(logs)
        notes = propose_notes(logs[-1], review, run.policy, history=history, cases=run.cases(week))
        said.update(one.title for one in notes)
    return said | {one.title for one in proposed_roles(history, now)}


@pytest.mark.parametrize("kinds", [(ROLE, DETECTOR, FACT, PROMPT), (STAFFING, GRANT, BAD_GRANT, TOPIC)])
def test_what_is_planted_shows_in_its_exchanges_and_the_review_says_so(kinds: tuple[str, ...]) -> None:
    settings = QuarterSettings(seed=3, weeks=8)
    week = quarter("support", settings, plants=kinds).play()
    assert {kind for planted in week.truth.planted for kind in planted.split()} == set(kinds)
    said = titles(quarter("support", settings, plants=kinds))
    for kind in kinds:
        assert any(SAID[kind] in title for title in said), (kind, said)


def test_where_nothing_is_planted_nothing_is_said() -> None:
    settings = QuarterSettings(seed=3, weeks=4, outages=0.01)
    assert not any(quarter("support", settings).play().truth.planted)
    assert not titles(quarter("support", settings))


@pytest.mark.parametrize("kind", [ROLE, STAFFING, PROMPT])
def test_what_people_do_leaves_the_traffic_as_it_was(kind: str) -> None:
    plain, planted = quarter("support", SETTINGS).play(), quarter("support", SETTINGS, plants=(kind,)).play()
    assert np.array_equal(plain.truth.chance, planted.truth.chance)
    assert plain.truth.facts == planted.truth.facts
    assert plain.records != planted.records


@pytest.mark.parametrize("kind", [DETECTOR, GRANT, BAD_GRANT, TOPIC])
def test_what_is_planted_in_some_exchanges_leaves_the_others_as_they_were(kind: str) -> None:
    plain, planted = quarter("support", SETTINGS).play(), quarter("support", SETTINGS, plants=(kind,)).play()
    same = [each == other for each, other in zip(plain.truth.facts, planted.truth.facts, strict=True)]
    marked = [kind in one.split() for one in planted.truth.planted]
    assert 0.01 < np.mean(marked) < 0.1
    for is_same, is_marked, was, now in zip(
        same, marked, plain.truth.chance, planted.truth.chance, strict=True
    ):
        assert is_marked or (is_same and was == now) or kind in (GRANT, BAD_GRANT)


def test_false_alarms_are_right_however_sure_the_detector_is() -> None:
    truth = quarter("support", SETTINGS, plants=(DETECTOR,)).play().truth
    marked = np.array([DETECTOR in one for one in truth.planted])
    assert truth.is_held[marked].all()
    assert truth.chance[marked].mean() < 0.2
    assert not truth.is_wanted[marked].all()


def test_a_fact_that_is_never_known_is_unknown_in_every_exchange_that_has_it() -> None:
    run = quarter("support", SETTINGS, plants=(FACT,))
    (found,) = run.plants
    values = [facts[found.fact] for facts in run.play().truth.facts if found.fact in facts]
    assert values
    assert all(isinstance(value, Unknown) for value in values)


def test_tickets_that_are_passed_on_say_so_in_the_log() -> None:
    run = quarter("support", SETTINGS, plants=(ROLE,))
    (found,) = run.plants
    records = run.play().records
    passed_on = {str(record["ticket"]) for record in records if record["kind"] == "ticket.reassign"}
    ends = {str(r["ticket"]): r["role"] for r in records if r["kind"] in ("ticket.approve", "ticket.reject")}
    assert passed_on
    assert {ends[ticket] for ticket in passed_on & set(ends)} == {found.role}


def test_a_role_that_is_too_small_misses_a_quarter_and_in_the_high_season_more() -> None:
    run = quarter("support", QuarterSettings(seed=3, weeks=8, season=0.3), plants=(STAFFING,))
    (found,) = run.plants
    late = []
    for week in run.weeks():
        log = log_of(week)
        mine = [
            STAFFING in shown
            for shown, role in zip(week.truth.planted, log.role, strict=True)
            if role == found.role
        ]
        late.append(float(np.mean(mine)))
    assert 0.1 < np.mean(late) < 0.45
    assert np.mean(late[:4]) > np.mean(late[4:])


def test_edits_of_one_kind_are_in_the_texts_of_the_cases() -> None:
    run = quarter("support", SETTINGS, plants=(PROMPT,))
    week = run.play()
    marked = {
        name for name, shown in zip(week.truth.exchanges, week.truth.planted, strict=True) if PROMPT in shown
    }
    made = [changes(case) for case in run.cases(week) if case.id in marked]
    assert made
    for (change,) in made:
        assert change.path == "amount"
        assert float(change.after) == pytest.approx(0.9 * float(change.before), abs=0.01)


def test_customers_come_and_only_their_hashes_are_in_the_log() -> None:
    week = quarter("support", SETTINGS).play()
    assert len(set(log_of(week).customer)) > 100
    assert "customer-" not in repr(week.records)


@pytest.mark.parametrize("kind", [DETECTOR, GRANT, TOPIC])
def test_a_policy_without_a_place_for_it_says_so(kind: str) -> None:
    with pytest.raises(ConfigError, match=r"planted|this policy|no rule"):
        Quarter(plant("telecom", (kind,)), SETTINGS)


def test_every_kind_is_tested() -> None:
    assert set(SAID) == set(IN_TRAFFIC)
