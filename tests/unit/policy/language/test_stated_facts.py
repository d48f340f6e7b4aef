"""Rules on what an answer states: a value decides, two readings hand off, what is not said lets them rest."""

import itertools
from datetime import date, timedelta
from decimal import Decimal

import pytest

from handrail.errors import PolicyError
from handrail.policy import Policy, loads
from handrail.policy.analyse import check
from handrail.policy.analyse.prove import prover_for
from handrail.policy.file.cases import run_cases
from handrail.policy.runtime.record import read_fact, write_fact
from handrail.records import AMBIGUOUS, NOT_SAID, Effect, FactValue, Stage, Trigger, Unknown

HEAD = """\
policy: answers
version: "1"
if_unsure: lead
roles: {lead: , boss: }
on_conflict: {to: boss}
facts:
  vip: {type: yes/no, from: context.vip}
  answer.window: {type: duration, says: [refund, return]}
  answer.ends: {type: date, says: [sale]}
  answer.off: {type: percent, says: [discount]}
  answer.covered: {type: yes/no, says: [water damage]}
"""

RULES = (
    "answer.window > 30 days",
    "not (answer.window <= 30 days)",
    "answer.window > 30 days and not vip",
    "answer.ends > 2026-12-24 or answer.off > 20%",
    "not (answer.covered or answer.off < 10 percent)",
    "answer.window != 30 days and answer.ends == 2026-12-24",
)
VALUES: dict[str, tuple[FactValue | None, ...]] = {
    "answer.window": (None, timedelta(days=20), timedelta(days=60)),
    "answer.ends": (None, date(2026, 12, 24), date(2026, 12, 31)),
    "answer.off": (None, Decimal(5), Decimal(25)),
    "answer.covered": (None, True, False),
}
"""By fact: ambiguous, and two values."""


def policy_of(*rules: str, more: str = "") -> Policy:
    """Return a policy with these rules of `hand_offs`."""
    listed = "".join(f"  - {{id: r{n}, when: '{when}', to: lead}}\n" for n, when in enumerate(rules))
    return loads(HEAD + (f"hand_offs:\n{listed}" if rules else "") + more)


@pytest.mark.parametrize("when", RULES)
def test_a_rule_rests_where_the_answer_says_nothing_of_its_fact(when: str) -> None:
    policy = policy_of(when)
    facts: dict[str, FactValue] = dict.fromkeys(VALUES, Unknown(why=NOT_SAID))
    assert policy.decide({**facts, "vip": False}, Stage.ANSWER).effect is Effect.PASS
    assert policy.decide({"vip": False}, Stage.ANSWER).effect is Effect.PASS


def test_a_value_against_the_rule_hands_off_and_another_passes() -> None:
    policy = policy_of(RULES[0])
    for days, effect in ((60, Effect.HAND_OFF), (30, Effect.PASS)):
        assert policy.decide({"answer.window": timedelta(days=days)}, Stage.ANSWER).effect is effect


def test_what_can_be_read_in_two_ways_hands_off_as_unsure() -> None:
    decision = policy_of(RULES[0]).decide({"answer.window": Unknown(why=AMBIGUOUS)}, Stage.ANSWER)
    assert [(one.trigger, one.unknown) for one in decision.reasons] == [(Trigger.UNSURE, ("answer.window",))]


def test_an_author_can_ask_whether_something_is_said_at_all() -> None:
    policy = policy_of("answer.covered.said and not answer.window.said")
    assert policy.decide({"answer.covered": True}, Stage.ANSWER).effect is Effect.HAND_OFF
    assert policy.decide({"answer.covered": Unknown(why=AMBIGUOUS)}, Stage.ANSWER).effect is Effect.HAND_OFF
    assert policy.decide({}, Stage.ANSWER).effect is Effect.PASS


def test_a_decision_on_stated_facts_has_no_gap_where_nothing_is_said() -> None:
    more = """\
decisions:
  window:
    answers: {right: pass, wrong: {effect: hand_off, to: boss}}
    rules:
      - {id: short, when: answer.window < 31 days, then: right}
      - {id: long, when: answer.window > 29 days, then: wrong}
"""
    policy = policy_of(more=more)
    assert policy.decide({}, Stage.ANSWER).effect is Effect.PASS
    assert policy.decide({"answer.window": timedelta(days=60)}, Stage.ANSWER).role == "boss"
    checked = check(policy, prover=prover_for(policy))
    assert [remark.code for remark in checked.remarks if remark.code in ("conflict", "gap")] == ["conflict"]
    assert checked.bad_witnesses == 0


def test_evaluator_and_prover_agree_on_every_case() -> None:
    policy = policy_of(*RULES)
    prover = prover_for(policy)
    for rule in policy.hand_offs:
        read = [name for name in rule.when.reads if name in VALUES]
        others = [name for name in rule.when.reads if name == "vip"]
        for values in itertools.product(
            *(("no", *VALUES[name]) for name in read), *[(True, False)] * len(others)
        ):
            case: dict[str, FactValue] = {}
            for name, value in zip([*read, *others], values, strict=True):
                if name in VALUES:
                    case[f"{name}.said"] = value != "no"
                if value not in ("no", None):
                    case[name] = value
            assert prover.holds(rule.when.formula, case) is rule.when.test(case), (rule.when.text, case)


@pytest.mark.parametrize("value", [date(2026, 12, 24), Decimal("12.5"), timedelta(days=30)])
def test_a_stated_value_is_the_same_after_it_was_on_record(value: FactValue) -> None:
    assert read_fact(write_fact(value)) == value


@pytest.mark.parametrize(
    ("fact", "problem"),
    [
        ("{type: duration, says: []}", "needs words"),
        ("{type: duration, says: [refund], from: confidence}", "leave `from:` out"),
        ("{type: text, says: [refund]}", "this source gives"),
    ],
)
def test_a_stated_fact_that_cannot_be_read_does_not_load(fact: str, problem: str) -> None:
    with pytest.raises(PolicyError, match=problem):
        loads(HEAD + f"  answer.odd: {fact}\n")


def test_tests_of_a_policy_may_say_ambiguous_and_not_said() -> None:
    more = """\
tests:
  - {name: a, given: {answer.window: ambiguous}, expect: {triggers: [unsure]}}
  - {name: b, given: {answer.window: not said}, expect: {effect: pass}}
  - {name: c, given: {answer.ends: 2026-12-31, answer.off: 25%}, expect: {rules: [r1]}}
"""
    policy = policy_of(RULES[0], RULES[3], more=more)
    assert all(result.is_passed for result in run_cases(policy))
