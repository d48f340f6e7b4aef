import pytest

from handrail.policy import Policy, loads
from handrail.policy.file.compile import compile_policy
from handrail.policy.tools.diff import diff
from handrail.policy.tools.register import register
from handrail.records import Severity, Stage, Trigger

HEAD = """\
policy: owned
version: "1"
if_unsure: q
roles: {q: , returns: , warranty: , legal: }
facts:
  a: {type: yes/no, from: context.a}
  b: {type: yes/no, from: context.b}
  c: {type: yes/no, from: context.c}
"""
DECISION = """\
decisions:
  refund:
    answers: {allowed: pass, refused: block}
    OWNERS
    rules:
      - {id: ra, when: a, then: allowed}
      - {id: rb, when: b, then: refused}
      - {id: rc, when: c, then: refused}
      - {id: rest, when: not a and not b and not c, then: refused}
"""
WHOLE = "on_conflict: {to: returns}\n"


def policy_of(owners: str, whole: str = WHOLE) -> Policy:
    return loads(HEAD + whole + DECISION.replace("OWNERS", owners or "because: it is"))


def stopped(policy: Policy, **facts: bool) -> list[tuple[str, str | None]]:
    case = {"a": False, "b": False, "c": False, **facts}
    reasons = policy.decide(case, Stage.INPUT).reasons
    return [(one.rule, one.role) for one in reasons if one.trigger is Trigger.POLICY_CONFLICT]


def test_a_conflict_goes_to_the_owner_of_its_decision_else_of_the_file() -> None:
    assert stopped(policy_of(""), a=True, b=True) == [("ra", "returns"), ("rb", "returns")]
    owned = policy_of("on_conflict: {to: warranty, severity: high}")
    assert stopped(owned, a=True, b=True) == [("ra", "warranty"), ("rb", "warranty")]
    decision = owned.decide({"a": True, "b": True, "c": False}, Stage.INPUT)
    assert {reason.severity for reason in decision.reasons} == {Severity.HIGH}
    assert stopped(policy_of("on_conflict: {to: warranty}", whole=""), a=True, c=True)[0][1] == "warranty"


def test_the_first_entry_that_is_for_all_rules_in_conflict_decides() -> None:
    policy = policy_of("on_conflict: [{to: legal, between: [ra, rc]}, {to: warranty, also_to: [q]}]")
    assert stopped(policy, a=True, c=True) == [("ra", "legal"), ("rc", "legal")]
    assert {role for _, role in stopped(policy, a=True, b=True)} == {"warranty", "q"}
    assert {role for _, role in stopped(policy, a=True, b=True, c=True)} == {"warranty", "q"}


def test_who_owns_a_conflict_stands_in_the_register_and_in_a_comparison() -> None:
    before, after = policy_of(""), policy_of("on_conflict: {to: warranty}")
    entry = next(entry for entry in register(after) if entry.rule == "refund")
    assert entry.roles == ("warranty", "returns")
    assert "hand_off to warranty" in {change.after for change in diff(before, after).changes}


@pytest.mark.parametrize(
    ("owners", "whole", "problem"),
    [
        ("", "", "a policy with decisions needs `on_conflict: {to: role}`"),
        (
            "on_conflict: {to: legal, between: [ra, rb]}",
            "",
            "a policy with decisions needs `on_conflict: {to: role}`",
        ),
        ("on_conflict: {to: legall}", WHOLE, "role 'legall' is not declared; did you mean 'legal'?"),
        (
            "on_conflict: {to: legal, between: [rx]}",
            WHOLE,
            "rule 'rx' is not in this decision",
        ),
        (
            "",
            "on_conflict: {to: q, between: [ra]}\n",
            "`between:` stands in the `on_conflict:` of a decision",
        ),
    ],
)
def test_an_owner_that_does_not_fit_is_an_error(owners: str, whole: str, problem: str) -> None:
    text = HEAD + whole + DECISION.replace("OWNERS", owners or "because: it is")
    assert problem in [one.problem for one in compile_policy(text, file="p")[1]]
