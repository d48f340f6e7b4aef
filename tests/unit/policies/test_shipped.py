"""The policies that come with handrail prove themselves, and their demo words are found by their scanners."""

from decimal import Decimal
from pathlib import Path

import pytest

from handrail.errors import PolicyError
from handrail.guard.opening import scanner_of
from handrail.policy import load, load_people
from handrail.policy.analyse import Level, check
from handrail.policy.analyse.prove import prover_for
from handrail.policy.file.cases import run_cases
from handrail.policy.language.sources import SignalSeen
from handrail.policy.tools.register import register
from handrail.records import Effect, Money, Stage
from handrail.text.money import parse_money
from handrail.tickets.schedule import schedule_of

SHIPPED = Path(__file__).parents[3] / "policies" / "handrail_policies"
OURS = ("baseline", "banking", "clinic", "hr", "support")


@pytest.mark.parametrize("name", OURS)
def test_its_tests_pass(name: str) -> None:
    failed = [
        (result.case.name, result.differences) for result in run_cases(load(name)) if not result.is_passed
    ]
    assert failed == []


@pytest.mark.parametrize("name", OURS)
def test_its_check_is_clean_with_and_without_the_prover(name: str) -> None:
    policy = load(name)
    for prover in (None, prover_for(policy)):
        checked = check(policy, prover=prover)
        assert [remark.message for remark in checked.remarks if remark.level is not Level.NOTE] == []
        assert (checked.unshown, checked.bad_witnesses) == (0, 0)


@pytest.mark.parametrize("name", OURS)
def test_its_register_has_no_gaps(name: str) -> None:
    assert [entry.rule for entry in register(load(name)) if entry.marks] == []


@pytest.mark.parametrize("name", OURS)
def test_its_people_file_fills_every_role(name: str) -> None:
    policy = load(name)
    people = load_people(SHIPPED / f"{name}_people.yaml", policy)
    assert all(people.members(role) for role in policy.roles)


@pytest.mark.parametrize("name", OURS)
def test_the_hours_of_its_roles_can_be_read(name: str) -> None:
    policy = load(name)
    assert schedule_of(policy.roles, zone=policy.time_zone)


@pytest.mark.parametrize("name", OURS)
def test_every_rule_that_hands_off_has_a_deadline_behind_it(name: str) -> None:
    policy = load(name)
    for rule in policy.hand_offs:
        if rule.role is not None:
            assert policy.roles[rule.role].answer_within


@pytest.mark.parametrize(
    ("name", "words", "role", "effect"),
    [
        ("support", "Where is order 1182?", None, Effect.PASS),
        ("support", "My card number is 4111 1111 1111 1111, use that", "billing_specialist", Effect.HAND_OFF),
        ("support", "Delete my account now", "supervisor", Effect.HAND_OFF),
        ("support", "I will start a chargeback", "billing_specialist", Effect.HAND_OFF),
        ("hr", "How many PTO days left?", None, Effect.PASS),
        ("hr", "What does Priya earn?", None, Effect.BLOCK),
        ("hr", "My manager keeps touching my shoulder", "hr_partner_confidential", Effect.HAND_OFF),
        ("hr", "I have MS and need shorter shifts", "occupational_health", Effect.HAND_OFF),
        ("hr", "I want to *fire* off a question", None, Effect.PASS),
        ("hr", "this schedule is killing me", None, Effect.PASS),
        ("clinic", "Move me to Friday", None, Effect.PASS),
        ("clinic", "Can I take two 400 mg ibuprofen with my warfarin?", "nurse_on_duty", Effect.HAND_OFF),
        ("clinic", "Crushing chest pain", "nurse_on_duty", Effect.HAND_OFF),
        ("clinic", "Send my ex-husband my records", "privacy_officer", Effect.HAND_OFF),
        ("banking", "My card was stolen", "fraud_desk", Effect.HAND_OFF),
    ],
)
def test_what_a_person_says_goes_where_the_policy_says(
    name: str, words: str, role: str | None, effect: Effect
) -> None:
    policy = load(name)
    found = {kind for finding in scanner_of(policy).scan(words) for kind in (finding.type, finding.category)}
    signals = {name: False for name, fact in policy.facts.items() if isinstance(fact.source, SignalSeen)}
    facts = {"input.findings": policy.facts["input.findings"].read(found), **signals}
    decision = policy.decide(facts, Stage.INPUT)
    assert (decision.role, decision.effect) == (role, effect)


@pytest.mark.parametrize("raw", [float("nan"), -5, "1e3", "499.999", "5 EUR", None])
def test_an_amount_that_cannot_be_trusted_never_refunds(raw: object) -> None:
    policy = load("support")
    amount = policy.facts["refund.amount"].read(raw, currency="USD")
    facts = {
        "tool.name": "issue_refund",
        "refund.amount": amount,
        "refunds_30d": Money(amount=Decimal(0), currency="USD"),
    }
    assert policy.decide(facts, Stage.TOOL).role == "queue_manager"
    assert not isinstance(parse_money(raw, currency="USD"), Money)


def test_a_changed_limit_changes_the_outcome(tmp_path: Path) -> None:
    text = (SHIPPED / "support.yaml").read_text()
    path = tmp_path / "support.yaml"
    path.write_text(text.replace("refund.amount > 100 USD", "refund.amount > 30 USD"))
    facts = {
        "tool.name": "issue_refund",
        "refund.amount": load("support").facts["refund.amount"].stated("39 USD"),
        "refunds_30d": load("support").facts["refunds_30d"].stated("0 USD"),
    }
    assert load("support").decide(facts, Stage.TOOL).effect is Effect.PASS
    assert load(path).decide(facts, Stage.TOOL).role == "support_lead"


def test_a_people_file_is_no_policy() -> None:
    with pytest.raises(PolicyError):
        load("support_people")
