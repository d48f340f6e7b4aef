"""A rule may compare what was found with a fact: an e-mail address that is not the customer's own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from handrail import Guard
from handrail.errors import PolicyError
from handrail.guard.outcome import Outcome
from handrail.policy import loads
from handrail.policy.analyse.check import check
from handrail.records import Draft, Message, Speaker, Stage, ToolCall, Unknown

POLICY = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles: {supervisor: {}, queue_manager: {}, finance_lead: {}, billing: {}, process_owner: {}}
facts:
  input.findings: {type: set, values: [email, phone, card]}
  output.findings: {type: set, values: [email]}
  tool.findings: {type: set, values: [email]}
  customer.email: {type: text, from: context.email, optional: true}
  customer.numbers: {type: set, values: ["+14165550199", "416-555-0123"], from: context.numbers}
hand_offs:
  - id: another-address
    when: WHEN
    to: supervisor
    because: An address that is not the customer's own.
"""
IN = "input.findings.email other_than customer.email"
OWN = {"email": "Ann@Example.org", "numbers": ["+14165550199", "416-555-0123"]}


@pytest.fixture
def guarded(make_guard: Callable[..., Guard]) -> Callable[[str], Guard]:
    return lambda when: make_guard(POLICY.replace("WHEN", when))


@pytest.mark.parametrize(
    ("words", "own", "role"),
    [
        ("My address is ann@example.org", OWN, None),
        ("My address is ANN@example.ORG.", OWN, None),
        ("Send it to bob@example.org", OWN, "supervisor"),
        ("Not ann@example.org but bob@example.org", OWN, "supervisor"),
        ("Where is my parcel?", OWN, None),
        ("Where is my parcel?", {}, None),
        ("Send it to bob@example.org", {}, "queue_manager"),
    ],
)
def test_an_address_that_is_not_the_customers_own_goes_to_its_role(
    guarded: Callable[[str], Guard], words: str, own: dict[str, Any], role: str | None
) -> None:
    guard = guarded(IN)
    with guard.context(customer="c1", facts=own):
        outcome = guard.begin([Message(speaker=Speaker.USER, text=words)]).outcome
    assert (outcome.handoff.role if outcome and outcome.handoff else None) == role


@pytest.mark.parametrize(
    ("number", "role"),
    [("416-555-0199", "supervisor"), ("+1 416 555 0199", None), ("(416) 555-0123", None)],
)
def test_a_number_is_compared_without_what_groups_it(
    guarded: Callable[[str], Guard], number: str, role: str | None
) -> None:
    guard = guarded("input.findings.phone other_than customer.numbers")
    with guard.context(customer="c1", facts=OWN):
        outcome = guard.begin([Message(speaker=Speaker.USER, text=f"Please call {number}")]).outcome
    assert (outcome.handoff.role if outcome and outcome.handoff else None) == role


@pytest.mark.parametrize(("address", "is_other"), [("ann@example.org", False), ("bob@example.org", True)])
def test_answers_and_arguments_are_compared_too(
    guarded: Callable[[str], Guard], address: str, is_other: bool
) -> None:
    guard = guarded("output.findings.email other_than customer.email")
    with guard.context(customer="c1", facts=OWN):
        told = guard.begin([Message(speaker=Speaker.USER, text="hi")]).finish([Draft(text=f"Mail {address}")])
    assert (told.handoff is not None) is is_other
    guard = guarded("tool.findings.email other_than customer.email")
    with guard.context(customer="c1", facts=OWN):
        passed = guard.gate(ToolCall(id="1", name="send", arguments=json.dumps({"to": address})))
    assert isinstance(passed, Outcome) is is_other


def test_it_is_a_fact_to_rules_tests_and_checks() -> None:
    text = POLICY.replace("WHEN", f"not ({IN}) and input.findings has email")
    tests = f"""\
tests:
  - {{name: own, given: {{input.findings: [email], {IN}: no}}, expect: {{hand_off: [supervisor]}}}}
  - {{name: other, given: {{input.findings: [email], {IN}: yes}}, expect: {{effect: pass}}}}
"""
    policy = loads(text + tests)
    assert policy.facts[IN].stage is Stage.INPUT
    codes = {one.code for one in check(policy).remarks}
    assert "test-failed" not in codes
    decision = policy.decide(
        {"input.findings": frozenset({"email"}), IN: Unknown(why="missing")}, Stage.INPUT
    )
    assert decision.role == "queue_manager"
    assert IN in decision.reasons[0].unknown


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("input.findings.emial other_than customer.email", "did you mean 'email'"),
        ("input.findings.email other_than customer.emial", "did you mean 'customer.email'"),
        ("customer.email other_than input.findings", "stands on the left of `other_than`"),
        ("input.findings.email other_than tool.findings", "is compared with a text or a set"),
        ("input.findings.email other_than", "ends too early"),
    ],
)
def test_a_comparison_that_cannot_be_meant_is_an_error_of_the_file(when: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        loads(POLICY.replace("WHEN", when))
