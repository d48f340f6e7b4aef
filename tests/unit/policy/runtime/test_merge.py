"""Of several decisions about one exchange the strictest holds, and one role owns the hand-off."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from handrail.policy.runtime.merge import merge
from handrail.records import Decision, Effect, PolicyRef, Reason, Severity, Stage, Trigger

POLICY = PolicyRef(name="shop", version="1", sha256="0" * 64)
STRICTER = ("pass", "redact", "hand_off", "block")
"""Mildest first."""
ROLES = ("finance_lead", "supervisor", "billing")


def reason(rule: str, effect: str = "hand_off", role: str | None = None, severity: str = "medium") -> Reason:
    return Reason(
        rule=rule,
        effect=Effect(effect),
        trigger=Trigger.HIGH_STAKES,
        severity=Severity(severity),
        role=role,
    )


def decision(*reasons: Reason, stage: Stage = Stage.ANSWER, co_approvers: tuple[str, ...] = ()) -> Decision:
    effect = max((item.effect for item in reasons), key=STRICTER.index, default=Effect.PASS)
    return Decision(stage=stage, effect=effect, policy=POLICY, reasons=reasons, co_approvers=co_approvers)


REASONS = st.builds(
    reason,
    st.sampled_from(("r1", "r2", "r3")),
    st.sampled_from(STRICTER),
    st.sampled_from((None, *ROLES)),
    st.sampled_from(("low", "medium", "high")),
)
DECISIONS = st.builds(
    lambda reasons, others: decision(*reasons, co_approvers=tuple(others)),
    st.lists(REASONS, max_size=3),
    st.lists(st.sampled_from(ROLES), max_size=2, unique=True),
)


def test_a_single_decision_stays_what_it_is() -> None:
    reasons = (reason("r1", role="billing"), reason("r2", role="supervisor"), reason("r3", "redact"))
    alone = replace(
        decision(*reasons, co_approvers=("supervisor",)), role="billing", answers={"tone": "kind"}
    )
    assert merge([alone]) == alone


@given(st.lists(DECISIONS, min_size=1, max_size=4))
def test_the_strictest_effect_holds_in_whatever_order_the_decisions_come(decisions: list[Decision]) -> None:
    expected = max((item.effect for item in decisions), key=STRICTER.index)
    assert {merge(order).effect for order in permutations(decisions)} == {expected}


@given(st.lists(DECISIONS, min_size=2, max_size=3))
def test_no_order_of_the_decisions_drops_a_reason_or_a_role(decisions: list[Decision]) -> None:
    reasons = {item for one in decisions for item in one.reasons}
    handing = {item for item in reasons if item.effect is Effect.HAND_OFF and item.role}
    roles = {item.role for item in handing} | {role for one in decisions for role in one.co_approvers}
    for order in permutations(decisions):
        merged = merge(order)
        assert sorted(merged.reasons, key=repr) == sorted(reasons, key=repr)
        assert {merged.role, *merged.co_approvers} - {None} == roles
        assert (merged.role is None) is (not handing)


@given(st.lists(DECISIONS, min_size=2, max_size=4))
def test_one_role_owns_it_that_of_the_most_severe_hand_off(decisions: list[Decision]) -> None:
    merged = merge(decisions)
    assert len(set(merged.co_approvers)) == len(merged.co_approvers)
    assert merged.role not in merged.co_approvers
    handing = [item for item in merged.reasons if item.effect is Effect.HAND_OFF and item.role]
    for severity in ("high", "medium", "low"):
        owners = [item.role for item in handing if item.severity == severity]
        if owners:
            assert merged.role == owners[0]
            return
    assert merged.role is None


def test_of_equally_severe_hand_offs_the_first_owns_it_and_the_others_agree_in_order() -> None:
    merged = merge(
        [
            decision(reason("r1", role="billing", severity="low"), co_approvers=("process_owner",)),
            decision(reason("r2", role="supervisor"), reason("r3", role="finance_lead")),
            decision(reason("r4", role="billing"), co_approvers=("queue_manager", "supervisor")),
        ]
    )
    assert merged.role == "supervisor"
    assert merged.co_approvers == ("billing", "finance_lead", "process_owner", "queue_manager")


def test_only_a_hand_off_that_names_a_role_owns_anything() -> None:
    merged = merge(
        [
            decision(reason("r1", "redact", "billing", "high"), reason("r2", "block", "supervisor", "high")),
            decision(reason("r3", severity="high")),
        ]
    )
    assert merged.effect is Effect.BLOCK
    assert (merged.role, merged.co_approvers) == (None, ())


def test_a_reason_that_two_decisions_share_is_given_once_where_it_came_first() -> None:
    shared, other, last = reason("shared", role="billing"), reason("other", "redact"), reason("last", "pass")
    merged = merge([decision(shared, other), decision(shared, last)])
    assert merged.reasons == (shared, other, last)


def test_answers_facts_and_shadow_reasons_of_all_are_kept_and_the_last_word_counts() -> None:
    first = replace(
        decision(reason("r1", role="billing"), stage=Stage.INPUT),
        answers={"refund": "no", "tone": "kind"},
        facts={"amount": Decimal(1), "customer": "c1"},
        shadow=(reason("s1"), reason("s2")),
    )
    second = replace(
        decision(stage=Stage.TOOL),
        answers={"refund": "yes"},
        facts={"amount": Decimal(2), "tool.name": "issue_refund"},
        shadow=(reason("s2"), reason("s3")),
    )
    later = replace(POLICY, version="2")
    merged = merge([first, second, replace(decision(stage=Stage.ANSWER), policy=later)])
    assert merged == Decision(
        stage=Stage.ANSWER,
        effect=Effect.HAND_OFF,
        policy=later,
        reasons=first.reasons,
        role="billing",
        shadow=(reason("s1"), reason("s2"), reason("s3")),
        answers={"refund": "yes", "tone": "kind"},
        facts={"amount": Decimal(2), "customer": "c1", "tool.name": "issue_refund"},
    )
    assert first.answers == {"refund": "no", "tone": "kind"}
