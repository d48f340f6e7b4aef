from handrail.policy import load
from handrail.policy.tools.explain import explain
from handrail.records import Stage


def test_an_explanation_has_a_line_for_every_rule() -> None:
    policy = load("support")
    facts = {"tool.name": "start_return", "order.opened": True, "order.faulty": True}
    found = explain(policy, facts, Stage.TOOL)
    verdicts = {line.rule: line.verdict for line in found.lines}
    assert verdicts["opened"] == "yes"
    assert verdicts["faulty-within-2-years"] == "unknown"
    assert verdicts["return"] == "yes"
    assert verdicts["refund-over-500"] == "rests"
    assert verdicts["low-confidence"] == "skipped"
    assert found.decision == policy.decide(facts, Stage.TOOL)
    line = next(line for line in found.lines if line.rule == "faulty-within-2-years")
    assert line.facts == {"order.faulty": "yes", "order.age": "unknown (not_given)"}


def test_a_beaten_rule_is_explained_as_such() -> None:
    facts = {"tool.name": "start_return", "order.opened": False, "order.faulty": True}
    policy = load("support")
    age = policy.facts["order.age"].stated("300 days")
    verdicts = {
        line.rule: line.verdict for line in explain(policy, {**facts, "order.age": age}, Stage.TOOL).lines
    }
    assert verdicts["unopened-after-30-days"] == "beaten"
