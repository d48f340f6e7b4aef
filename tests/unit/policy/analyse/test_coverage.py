import pytest

from handrail.policy.analyse import Level
from handrail.policy.language.format import format_case
from support.checked_policy import decision, of, remarks


def test_statements_that_contradict_each_other_are_an_error() -> None:
    policy = decision("id: a, when: sale, then: yes", extra="always: [sale is known, sale is missing]\n")
    assert remarks(policy, "impossible")


@pytest.mark.parametrize("z3", [False, True])
def test_a_gap_is_shown_with_all_facts_known(z3: bool) -> None:
    policy = decision("id: a, when: age < 7 days, then: yes", "id: b, when: age > 7 days, then: no")
    (found,) = remarks(policy, "gap", z3=z3)
    assert format_case(found.witness) == "age 7 days, tool.name refund"
    full = decision("id: a, when: age <= 7 days, then: yes", "id: b, when: age > 7 days, then: no")
    assert not remarks(full, "gap", z3=z3)


def test_a_gap_between_facts_is_found_by_the_prover() -> None:
    policy = decision("id: a, when: amount > limit, then: no", "id: b, when: amount < limit, then: yes")
    assert any("leave a gap" in remark.message for remark in remarks(policy, "not-analysed"))
    assert remarks(policy, "gap", z3=True)


def test_an_optional_fact_that_leads_to_if_unsure_is_noted() -> None:
    policy = decision("id: a, when: sale, then: no", "id: b, when: not sale, then: yes")
    (found,) = remarks(policy, "gap-missing")
    assert "'sale'" in found.message
    assert found.level is Level.NOTE


@pytest.mark.parametrize("z3", [False, True])
def test_a_rule_that_can_never_apply_is_found(z3: bool) -> None:
    policy = decision(
        "id: a, when: age > 5 days and age < 3 days, then: yes",
        "id: b, when: retries > 9, then: no",
        'id: c, when: tool.name == "other", then: no',
        "id: d0, when: now > 08:00 and now < 08:00, then: no",
    )
    assert {remark.rules[0] for remark in remarks(policy, "never-applies", z3=z3)} == {"a", "b", "c", "d0"}
    hand_off = of("hand_offs:\n  - {id: h, when: sale and not sale, to: queue}\n")
    assert remarks(hand_off, "never-applies", z3=z3)


def test_rules_that_never_decide_are_found() -> None:
    policy = decision(
        "id: wide, when: age > 5 days, then: no",
        "id: narrow, when: age > 9 days and sale, then: no",
        "id: beaten, when: age < 1 days, then: no",
        "id: king, when: age < 2 days, then: yes, overrides: [beaten]",
    )
    assert {remark.rules[0] for remark in remarks(policy, "never-decides")} == {"narrow", "beaten"}


def test_two_rules_alike_cost_only_one_of_them() -> None:
    policy = decision("id: a, when: sale, then: no", "id: b, when: sale, then: no")
    assert len(remarks(policy, "never-decides")) == 1


def test_a_hand_off_that_another_one_always_accompanies_is_found() -> None:
    policy = of(
        """
hand_offs:
  - {id: wide, when: amount > 5 USD, to: queue}
  - {id: narrow, when: amount > 9 USD, to: queue}
  - {id: severe, when: amount > 9 USD, to: queue, severity: high}
  - {id: elsewhere, when: amount > 9 USD, to: owner}
"""
    )
    assert [remark.rules for remark in remarks(policy, "never-decides")] == [("narrow", "wide")]
