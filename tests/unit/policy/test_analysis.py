"""What the check says of a policy: conflicts, gaps, rules that never matter, and what is left out."""

import pytest

from handrail.errors import MissingExtra
from handrail.policy import Policy, loads
from handrail.policy.analyse import CODES, Level, Remark, check, prove
from handrail.policy.analyse.remarks import sarif
from handrail.policy.analyse.witness import format_case
from handrail.records import Effect, Trigger

HEAD = """\
policy: shop
version: "1"
if_unsure: queue
roles:
  queue: {answer_within: 1 hours, backup: owner}
  owner: {answer_within: 1 hours, backup: queue}
on_conflict: {to: owner}
facts:
  tool.name: {type: text}
  amount: {type: money, currencies: [USD, EUR]}
  limit: {type: money, currencies: [USD]}
  age: {type: duration}
  sale: {type: yes/no, optional: true}
  retries: {type: whole number, min: 0, max: 9}
  tier: {type: one of, values: [gold, silver]}
  marks: {type: set, values: [x, y]}
  now: {type: time of day}
"""


def of(text: str) -> Policy:
    return loads(HEAD + text)


def decision(*rules: str, applies: str = 'tool.name == "refund"', extra: str = "") -> Policy:
    lines = "".join(f"      - {{{rule}}}\n" for rule in rules)
    return of(
        f"{extra}decisions:\n  d:\n    applies_when: {applies}\n"
        f"    answers: {{yes: pass, no: block}}\n    rules:\n{lines}"
    )


def remarks(policy: Policy, code: str, *, z3: bool = False) -> list[Remark]:
    checked = check(policy, prover=prove.prover_for(policy) if z3 else None)
    assert checked.bad_witnesses == 0
    return [remark for remark in checked.remarks if remark.code == code]


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


def test_statements_that_contradict_each_other_are_an_error() -> None:
    policy = decision("id: a, when: sale, then: yes", extra="always: [sale is known, sale is missing]\n")
    assert remarks(policy, "impossible")


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


def test_what_a_policy_lacks_is_said() -> None:
    policy = loads(
        """
policy: p
version: "1"
if_unsure: a
roles: {a: , b: {answer_within: 1 hours, backup: a}}
facts: {flag: {type: yes/no}, unused: {type: yes/no}}
hand_offs:
  - {id: h, when: flag, to: b}
  - {id: tested, when: flag == no, to: b, because: x}
tests:
  - {name: fires, given: {flag: no}, expect: {hand_off: [b]}}
  - {name: fails, given: {flag: no}, expect: {hand_off: [a], owner: a, decision: {d: x}, rules: [h],
     triggers: [fault], shadow: [h], effect: block}}
"""
    )
    checked = check(policy)
    by_code = {code: [r for r in checked.remarks if r.code == code] for code in CODES}
    assert "role 'a'" in by_code["no-deadline"][0].message
    assert "role 'a'" in by_code["no-backup"][0].message
    assert [r.rules for r in by_code["no-because"]] == [("h",)]
    assert [r.rules for r in by_code["untested"]] == [("h",)]
    assert "'unused'" in by_code["unread-fact"][0].message
    assert len(by_code["test-failed"]) == 7
    assert by_code["test-failed"][0].line == 12
    levels = [remark.level for remark in checked.remarks]
    assert levels == sorted(levels, key=list(Level).index)


def test_a_rule_in_shadow_is_reported_apart() -> None:
    policy = decision("id: a, when: sale, then: yes", "id: b, when: sale, then: no, mode: shadow")
    assert not remarks(policy, "conflict")
    assert remarks(policy, "shadow-conflict")


def test_too_many_alternatives_are_said_not_guessed() -> None:
    tangled = " and ".join(f"(age > {n} days or amount > {n} USD)" for n in range(12))
    policy = decision(f"id: a, when: {tangled}, then: yes", "id: b, when: sale, then: no")
    assert remarks(policy, "not-analysed")
    assert remarks(policy, "conflict", z3=True)


def test_sarif_has_a_rule_for_every_code_and_a_place_for_every_remark() -> None:
    policy = decision("id: a, when: age <= 30 days, then: yes", "id: b, when: sale, then: no")
    found = check(policy).remarks
    run = sarif([("p.yaml", found)], version="1")["runs"][0]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(CODES)
    assert len(run["results"]) == len(found)
    conflict = next(result for result in run["results"] if result["ruleId"] == "conflict")
    assert conflict["locations"][0]["physicalLocation"]["region"]["startLine"] > 1
    assert conflict["properties"]["witness"]["sale"] == "yes"


def test_without_z3_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "z3", None)
    with pytest.raises(MissingExtra, match=r"handrail\[prove\]"):
        prove.prover_for(of(""))
