import pytest

from handrail.policy.analyse import check
from handrail.policy.language.format import format_case
from handrail.records import Effect, Trigger
from support.checked_policy import decision, remarks


def test_a_conflict_comes_with_a_case_that_the_evaluator_calls_one() -> None:
    policy = decision("id: a, when: age <= 30 days, then: yes", "id: b, when: sale, then: no")
    (found,) = remarks(policy, "conflict")
    assert found.rules == ("a", "b")
    assert format_case(found.witness) == "age 0 days, sale yes, tool.name refund"
    outcome = policy.decide(found.witness, policy.decisions["d"].stage)
    assert outcome.effect is Effect.HAND_OFF
    assert {reason.trigger for reason in outcome.reasons} == {Trigger.POLICY_CONFLICT}


def test_rules_that_cannot_meet_do_not_conflict() -> None:
    assert not remarks(
        decision("id: a, when: age <= 30 days, then: yes", "id: b, when: age > 30 days, then: no"), "conflict"
    )
    assert not remarks(
        decision("id: a, when: amount < 5 USD, then: yes", "id: b, when: amount > 9 EUR, then: no"),
        "conflict",
    )
    assert not remarks(
        decision(
            "id: a, when: retries > 2 and retries < 4, then: yes", "id: b, when: retries != 3, then: no"
        ),
        "conflict",
    )


@pytest.mark.parametrize("z3", [False, True])
def test_a_third_rule_that_beats_one_of_them_is_no_false_alarm(z3: bool) -> None:
    rules = [
        "id: a, when: age <= 30 days, then: yes",
        "id: b, when: sale, then: no",
        "id: c, when: age >= 0 days, then: yes, overrides: [b]",
        "id: d0, when: age < 0 days, then: no, overrides: [a]",
    ]
    assert not remarks(decision(*rules), "conflict", z3=z3)
    assert remarks(decision(*rules[:2]), "conflict", z3=z3)


def test_a_beaten_rule_that_beats_nobody_is_seen_by_the_analyser_too() -> None:
    policy = decision(
        "id: low, when: sale, then: no",
        "id: middle, when: sale, then: yes, overrides: [low]",
        "id: top, when: age > 9 days, then: no, overrides: [middle]",
        "id: other, when: age > 20 days and sale, then: yes",
    )
    assert {frozenset(remark.rules) for remark in remarks(policy, "conflict")} == {
        frozenset({"low", "other"}),
        frozenset({"top", "other"}),
    }


def test_facts_against_facts_need_the_prover_and_are_counted_without_it() -> None:
    policy = decision(
        "id: a, when: amount > limit, then: no", "id: b, when: amount + limit < 100 USD, then: yes"
    )
    assert not remarks(policy, "conflict")
    assert "1 pairs" in remarks(policy, "not-analysed")[0].message
    (found,) = remarks(policy, "conflict", z3=True)
    assert format_case(found.witness) == "amount 1 USD, limit 0 USD, tool.name refund"


def test_what_never_happens_is_no_conflict() -> None:
    rules = ("id: a, when: sale, then: yes", "id: b, when: age < 0 days, then: no")
    assert remarks(decision(*rules), "conflict")
    for text in ("impossible: [sale and age < 0 days]\n", "always: [age >= 0 days]\n"):
        for z3 in (False, True):
            assert not remarks(decision(*rules, extra=text), "conflict", z3=z3)


def test_an_accepted_conflict_is_a_note_and_one_that_is_none_is_said() -> None:
    rules = ("id: a, when: age <= 30 days, then: yes", "id: b, when: sale, then: no")
    known = "known_conflicts: [{rules: [a, b], because: The owner decides.}]\n"
    policy = decision(*rules, extra=known)
    assert not remarks(policy, "conflict")
    assert "The owner decides." in remarks(policy, "known-conflict")[0].message
    gone = decision(rules[0], "id: b, when: age > 30 days, then: no", extra=known)
    assert remarks(gone, "no-such-conflict")


def test_only_the_first_conflicts_are_shown_and_the_rest_is_counted() -> None:
    rules = [f"id: r{n}, when: age > {n} days, then: {'yes' if n % 2 else 'no'}" for n in range(10)]
    checked = check(decision(*rules), limit=3)
    assert sum(remark.code == "conflict" for remark in checked.remarks) == 3
    assert checked.unshown == 22


def test_a_rule_in_shadow_is_reported_apart() -> None:
    policy = decision("id: a, when: sale, then: yes", "id: b, when: sale, then: no, mode: shadow")
    assert not remarks(policy, "conflict")
    assert remarks(policy, "shadow-conflict")


def test_too_many_alternatives_are_said_not_guessed() -> None:
    tangled = " and ".join(f"(age > {n} days or amount > {n} USD)" for n in range(12))
    policy = decision(f"id: a, when: {tangled}, then: yes", "id: b, when: sale, then: no")
    assert remarks(policy, "not-analysed")
    assert remarks(policy, "conflict", z3=True)
