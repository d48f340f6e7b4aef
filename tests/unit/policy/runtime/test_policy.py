"""What a policy makes of facts: stages, strictness, roles, overrides, conflicts, gaps, unknowns, shadow."""

from datetime import timedelta
from decimal import Decimal

import pytest

from handrail.policy import Policy, load, loads
from handrail.policy.runtime.decide import liveness
from handrail.records import Effect, FactValue, Money, Severity, Stage, Trigger, Unknown
from support.shop_policy import usd

HEAD = """\
policy: shop
version: "1"
if_unsure: queue
roles: {queue: , lead: , boss: , owner: , nurse: }
on_conflict: {to: owner}
facts:
  tool.name: {type: text}
  amount: {type: money, currencies: [USD, EUR], from: tool.args.amount}
  age: {type: duration}
  opened: {type: yes/no}
  faulty: {type: yes/no}
  vip: {type: yes/no}
  input.findings: {type: set, values: [health, card]}
  output.findings: {type: set, values: [health, card]}
  confidence: {type: number}
  disputes: {type: yes/no, from: signal.dispute}
"""


def policy_of(text: str) -> Policy:
    return loads(HEAD + text)


def test_all_hand_offs_apply_and_the_most_severe_owns_the_ticket() -> None:
    policy = policy_of(
        """
hand_offs:
  - {id: a, when: amount > 10 USD, to: lead}
  - {id: b, when: amount > 20 USD, to: boss, severity: high}
  - {id: c, when: amount > 30 USD, to: nurse, also_to: [lead]}
"""
    )
    decision = policy.decide({"amount": usd(40)}, Stage.TOOL)
    assert decision.effect is Effect.HAND_OFF
    assert (decision.role, decision.co_approvers) == ("boss", ("lead", "nurse"))
    assert [reason.rule for reason in decision.reasons] == ["a", "b", "c", "c"]


def test_ties_in_severity_go_by_the_order_of_the_file() -> None:
    policy = policy_of("hand_offs:\n  - {id: a, when: vip, to: lead}\n  - {id: b, when: vip, to: boss}\n")
    assert policy.decide({"vip": True}, Stage.INPUT).role == "lead"


def test_the_strictest_effect_wins_and_a_hand_off_beside_a_block_keeps_its_role() -> None:
    policy = policy_of(
        """
hand_offs:
  - {id: a, when: vip, effect: redact}
  - {id: b, when: vip, to: lead}
  - {id: c, when: vip, effect: block}
"""
    )
    decision = policy.decide({"vip": True}, Stage.INPUT)
    assert (decision.effect, decision.role) == (Effect.BLOCK, "lead")


def test_a_block_that_names_a_role_opens_its_ticket_too() -> None:
    policy = policy_of("hand_offs:\n  - {id: a, when: vip, effect: block, to: lead}\n")
    decision = policy.decide({"vip": True}, Stage.INPUT)
    assert [(r.effect, r.role) for r in decision.reasons] == [(Effect.BLOCK, None), (Effect.HAND_OFF, "lead")]


def test_also_redact_hands_off_and_masks() -> None:
    policy = policy_of(
        'hand_offs:\n  - {id: a, when: input.findings has "health", to: nurse, also: redact}\n'
    )
    decision = policy.decide({"input.findings": frozenset({"health"})}, Stage.INPUT)
    assert decision.effect is Effect.HAND_OFF
    assert {reason.effect for reason in decision.reasons} == {Effect.HAND_OFF, Effect.REDACT}
    assert all(reason.finding_types == {"health"} for reason in decision.reasons)
    assert policy.withheld_types == {"health"}


def test_a_rule_on_the_input_that_names_no_type_withholds_every_type() -> None:
    policy = policy_of(
        "hand_offs:\n"
        '  - {id: a, when: input.findings has "health", effect: redact}\n'
        "  - {id: b, when: vip and input.findings is known, effect: redact}\n"
    )
    withheld = policy.withheld_types
    assert "email" in withheld
    assert "email" in withheld | {"card"}
    assert "email" in frozenset({"card"}) | withheld
    assert not withheld.isdisjoint({"card"})


def test_an_unknown_rule_hands_off_to_if_unsure_and_names_the_facts() -> None:
    policy = policy_of("hand_offs:\n  - {id: a, when: amount > 10 USD, to: lead}\n")
    for facts in ({}, {"amount": Unknown(why="not_a_number")}):
        decision = policy.decide(facts, Stage.TOOL)
        assert (decision.effect, decision.role) == (Effect.HAND_OFF, "queue")
        assert decision.reasons[0].unknown == ("amount",)
        assert decision.reasons[0].trigger is Trigger.UNSURE
    assert "amount (not_a_number)" in decision.reasons[0].because


def test_another_currency_is_unknown_not_smaller() -> None:
    policy = policy_of("hand_offs:\n  - {id: a, when: amount > 10 USD, to: lead}\n")
    decision = policy.decide({"amount": Money(amount=Decimal(5), currency="EUR")}, Stage.TOOL)
    assert decision.role == "queue"
    assert "currencies" in decision.reasons[0].because


def test_a_value_of_another_type_or_domain_is_unknown() -> None:
    policy = policy_of("hand_offs:\n  - {id: a, when: amount > 10 USD, to: lead}\n")
    odd: list[FactValue] = [Decimal(5), "5", True, Money(amount=Decimal(5), currency="JPY")]
    for value in odd:
        assert policy.decide({"amount": value}, Stage.TOOL).role == "queue"


def test_a_rule_of_an_earlier_stage_needs_all_its_facts_later_on() -> None:
    policy = policy_of("hand_offs:\n  - {id: a, when: disputes and vip, to: boss}\n")
    assert policy.decide({"disputes": True}, Stage.INPUT).role == "queue"
    assert policy.decide({"disputes": True}, Stage.ANSWER).effect is Effect.PASS
    assert policy.decide({"disputes": True, "vip": Unknown(why="x")}, Stage.ANSWER).role == "queue"
    assert policy.decide({"disputes": True, "vip": True}, Stage.TOOL).role == "boss"


def test_a_rule_of_a_later_stage_waits_unless_it_is_true_already() -> None:
    policy = policy_of(
        """
hand_offs:
  - {id: a, when: input.findings has "card" or output.findings has "card", to: boss}
  - {id: b, when: output.findings has "card", to: lead}
"""
    )
    assert policy.decide({"input.findings": frozenset()}, Stage.INPUT).effect is Effect.PASS
    assert policy.decide({"input.findings": frozenset({"card"})}, Stage.INPUT).role == "boss"


def test_missing_is_asked_for_in_so_many_words() -> None:
    policy = policy_of("hand_offs:\n  - {id: a, when: confidence < 0.7 or confidence is missing, to: lead}\n")
    assert policy.decide({"confidence": Unknown(why="no_logprobs")}, Stage.ANSWER).role == "lead"
    assert policy.decide({"confidence": Decimal("0.9")}, Stage.ANSWER).effect is Effect.PASS


@pytest.mark.parametrize(
    ("when", "trigger"),
    [
        ("confidence < 0.5", Trigger.LOW_CONFIDENCE),
        ("disputes", Trigger.COMPLAINT),
        ('input.findings has "card"', Trigger.SENSITIVE_DATA),
        ("amount > 5 USD", Trigger.HIGH_STAKES),
        ('tool.name == "x"', Trigger.NEVER_AI),
    ],
)
def test_the_trigger_follows_from_the_facts(when: str, trigger: Trigger) -> None:
    policy = policy_of(f"hand_offs:\n  - {{id: a, when: '{when}', to: lead}}\n")
    assert policy.hand_offs[0].trigger is trigger


RETURNS = """
decisions:
  returns:
    applies_when: tool.name == "refund"
    answers:
      {allowed: pass, refused: block, ask: {effect: hand_off, to: boss, trigger: high_stakes, severity: high}}
    rules:
      - {id: opened, when: opened, then: refused, because: Opened items are not returnable.}
      - {id: faulty, when: faulty, then: allowed, because: Faulty items are refunded.}
      - {id: old, when: age > 30 days, then: ask}
      - {id: vip, when: vip, then: allowed, overrides: [opened, old]}
"""
QUIET = {"tool.name": "refund", "opened": False, "faulty": False, "age": timedelta(days=1), "vip": False}


def take(facts: dict[str, FactValue]) -> tuple[Effect, str | None, dict[str, str], list[str]]:
    decision = policy_of(RETURNS).decide({**QUIET, **facts}, Stage.TOOL)
    return decision.effect, decision.role, dict(decision.answers), [r.rule for r in decision.reasons]


def test_one_live_answer_stands() -> None:
    assert take({"opened": True}) == (Effect.BLOCK, None, {"returns": "refused"}, ["opened"])
    assert take({"faulty": True}) == (Effect.PASS, None, {"returns": "allowed"}, ["faulty"])
    assert take({"age": timedelta(days=31)}) == (Effect.HAND_OFF, "boss", {"returns": "ask"}, ["old"])


def test_two_live_answers_are_a_conflict_with_both_texts() -> None:
    decision = policy_of(RETURNS).decide({**QUIET, "opened": True, "faulty": True}, Stage.TOOL)
    assert (decision.effect, decision.role) == (Effect.HAND_OFF, "owner")
    assert {r.trigger for r in decision.reasons} == {Trigger.POLICY_CONFLICT}
    assert [r.because for r in decision.reasons] == [
        "Opened items are not returnable.",
        "Faulty items are refunded.",
    ]
    assert not decision.answers


def test_an_override_settles_it() -> None:
    assert take({"opened": True, "vip": True, "age": timedelta(days=40)})[3] == ["vip"]


def test_no_live_rule_is_a_gap() -> None:
    effect, role, _, rules = take({})
    assert (effect, role, rules) == (Effect.HAND_OFF, "queue", ["returns"])


def test_a_rule_that_may_be_live_and_disagrees_makes_it_unsure() -> None:
    unknown = Unknown(why="x")
    assert take({"opened": True, "vip": unknown})[1] == "queue"
    assert take({"faulty": True, "opened": unknown})[1] == "queue"
    assert take({"faulty": True, "vip": unknown})[2] == {"returns": "allowed"}


def test_an_unknown_applies_when_is_never_skipped() -> None:
    decision = policy_of(RETURNS).decide({**QUIET, "tool.name": Unknown(why="x")}, Stage.TOOL)
    assert decision.role == "queue"
    assert decision.reasons[0].rule == "returns"
    assert policy_of(RETURNS).decide({**QUIET, "tool.name": "other"}, Stage.TOOL).effect is Effect.PASS


def test_a_beaten_rule_beats_nobody() -> None:
    policy = policy_of(
        """
decisions:
  d:
    answers: {yes: pass, no: block}
    rules:
      - {id: low, when: true, then: no}
      - {id: middle, when: opened, then: yes, overrides: [low]}
      - {id: top, when: vip, then: no, overrides: [middle]}
"""
    )
    live = liveness(policy.decisions["d"], {"opened": True, "vip": True})
    assert live == {"top": True, "middle": False, "low": True}
    assert policy.decide({"opened": True, "vip": True}, Stage.INPUT).answers == {"d": "no"}
    assert policy.decide({"opened": True, "vip": False}, Stage.INPUT).answers == {"d": "yes"}


def test_a_rule_in_shadow_is_recorded_and_does_not_act() -> None:
    policy = policy_of(
        "hand_offs:\n  - {id: a, when: vip, to: lead, mode: shadow}\n  - {id: b, when: vip, effect: redact}\n"
    )
    decision = policy.decide({"vip": True}, Stage.INPUT)
    assert (decision.effect, decision.role) == (Effect.REDACT, None)
    assert [reason.rule for reason in decision.shadow] == ["a"]


def test_a_business_rule_in_shadow_shows_what_it_would_do() -> None:
    policy = policy_of(
        RETURNS.replace(
            "{id: faulty, when: faulty, then: allowed,",
            "{id: faulty, mode: shadow, when: faulty, then: allowed,",
        )
    )
    decision = policy.decide({**QUIET, "opened": True, "faulty": True}, Stage.TOOL)
    assert decision.answers == {"returns": "refused"}
    assert {reason.trigger for reason in decision.shadow} == {Trigger.POLICY_CONFLICT}


def test_a_policy_in_shadow_passes_everything_and_records_it() -> None:
    policy = loads(HEAD + "mode: shadow\nhand_offs:\n  - {id: a, when: vip, to: lead}\n")
    decision = policy.decide({"vip": True}, Stage.INPUT)
    assert (decision.effect, decision.reasons, len(decision.shadow)) == (Effect.PASS, (), 1)
    assert policy.unsure(Stage.INPUT, "x").effect is Effect.PASS
    assert not policy.withheld_types


def test_a_failed_check_hands_off_to_if_unsure() -> None:
    decision = policy_of("").unsure(Stage.ANSWER, "scan failed")
    assert (decision.effect, decision.role, decision.stage) == (Effect.HAND_OFF, "queue", Stage.ANSWER)
    assert decision.reasons[0].severity is Severity.LOW


def test_a_case_that_the_policy_calls_impossible_goes_to_if_unsure() -> None:
    policy = policy_of(
        "impossible:\n  - {that: opened and age < 0 days, because: No order is opened early.}\n"
        "always: [age > -5 days]\n"
    )
    assert policy.decide({"opened": True, "age": timedelta(days=-1)}, Stage.INPUT).role == "queue"
    assert policy.decide({"opened": True, "age": timedelta(days=1)}, Stage.INPUT).effect is Effect.PASS
    assert policy.decide({"opened": True}, Stage.INPUT).effect is Effect.PASS
    assert policy.decide({"age": timedelta(days=-6)}, Stage.TOOL).reasons[0].rule == "always-1"


def test_only_facts_that_were_read_are_kept() -> None:
    policy = policy_of("hand_offs:\n  - {id: a, when: vip, to: lead}\n")
    decision = policy.decide({"vip": False, "opened": True, "nobody knows": "x"}, Stage.INPUT)
    assert dict(decision.facts) == {"vip": False}


def test_rules_on_other_tools_are_not_even_looked_at() -> None:
    rules = "".join(
        f'  - {{id: r{n}, when: tool.name == "t{n}" and amount > {n} USD, to: lead}}\n' for n in range(50)
    )
    policy = policy_of("hand_offs:\n" + rules)
    assert policy.decide({"tool.name": "t3", "amount": usd(4)}, Stage.TOOL).reasons[0].rule == "r3"
    assert policy.decide({"tool.name": "other"}, Stage.TOOL).effect is Effect.PASS
    assert len(policy.decide({"amount": usd(99)}, Stage.TOOL).reasons) == 50


def test_what_the_driver_needs_is_listed() -> None:
    policy = loads(
        HEAD
        + "  sums: {type: money, currencies: [USD], from: ledger, sum: amount, where: pay, per: customer,"
        + " within: 1 days}\nhand_offs:\n  - {id: a, when: sums + amount > 5 USD, to: lead}\n"
        + "  - {id: b, when: confidence < 1, to: lead}\n"
    )
    assert policy.counted_tools == {"pay"}
    assert policy.reads_confidence
    assert "sums" in policy.facts_at(Stage.TOOL)
    assert policy.notices["pending"]


def test_a_call_that_refunds_nothing_needs_no_sum_over_refunds() -> None:
    policy = load("support")
    assert "refunds_30d" in policy.facts_needed(Stage.TOOL, {})
    assert "refunds_30d" in policy.facts_needed(Stage.TOOL, {"tool.name": "issue_refund"})
    for tool in ("get_order", "anything_else"):
        needed = policy.facts_needed(Stage.TOOL, {"tool.name": tool})
        assert "refunds_30d" not in needed
        assert policy.decide({"tool.name": tool}, Stage.TOOL).effect is Effect.PASS
