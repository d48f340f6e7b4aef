"""The shipped policies that encode public written ones, and the contradictions that those hold."""

from pathlib import Path

import pytest

from handrail.policy import load
from handrail.policy.analyse import Level, check
from handrail.policy.file.cases import run_cases
from handrail.records import Effect, Stage, Trigger

WRITTEN = ("airline", "retail", "telecom")
DATA = Path(__file__).parents[2] / "data"
STILL_THERE = {
    frozenset({"deny-basic-economy", "transfer-out-of-scope"}),
    frozenset({"deny-number-of-passengers", "transfer-out-of-scope"}),
}
WITHIN_A_DAY = frozenset({"within-a-day", "used-segment"})


@pytest.mark.parametrize("name", WRITTEN)
def test_every_test_in_the_file_passes(name: str) -> None:
    failed = [result.case.name for result in run_cases(load(name)) if not result.is_passed]
    assert failed == []


@pytest.mark.parametrize("name", WRITTEN)
def test_every_rule_names_its_sentence_and_stopping_ones_their_reason(name: str) -> None:
    policy = load(name)
    written = [rule for rule in policy.hand_offs if not rule.is_built_in]
    assert [rule.id for rule in written if not rule.source or not rule.because] == []
    for decision in policy.decisions.values():
        stopping = {answer for answer, plan in decision.answers.items() if plan.effect is not Effect.PASS}
        assert [rule.id for rule in decision.rules if not rule.source] == []
        assert [rule.id for rule in decision.rules if rule.answer in stopping and not rule.because] == []


@pytest.mark.parametrize("name", WRITTEN)
def test_the_check_finds_no_conflict_no_gap_and_no_untested_rule(name: str) -> None:
    remarks = check(load(name)).remarks
    assert [remark.message for remark in remarks if remark.level is not Level.NOTE] == []


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("airline_2024_conflicts.yaml", STILL_THERE | {WITHIN_A_DAY}),
        ("airline_2025_conflicts.yaml", STILL_THERE),
    ],
)
def test_the_contradictions_of_the_written_airline_policies_are_found_each_with_a_case(
    file: str, expected: set[frozenset[str]]
) -> None:
    policy = load(DATA / file)
    checked = check(policy)
    found = [remark for remark in checked.remarks if remark.code == "conflict"]
    assert {frozenset(remark.rules) for remark in found} == expected
    assert (len(found), checked.bad_witnesses, checked.unshown) == (len(expected), 0, 0)
    for remark in found:
        decision = policy.decide(remark.witness, Stage.INPUT)
        conflicting = {
            reason.rule for reason in decision.reasons if reason.trigger is Trigger.POLICY_CONFLICT
        }
        assert conflicting >= set(remark.rules)
