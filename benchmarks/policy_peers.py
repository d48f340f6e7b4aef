"""The same five rules in handrail and in other rule engines; an engine that is not installed is skipped."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from time import perf_counter
from typing import Any

from handrail.policy import loads
from handrail.records import Money, Stage

POLICY = """\
policy: five
version: "1"
if_unsure: a
roles: {a: }
facts:
  tool.name: {type: text}
  amount: {type: money, currencies: [USD], from: tool.args.amount}
  age: {type: number, from: context.age}
  sale: {type: yes/no, from: context.sale}
  tier: {type: one of, values: [gold, silver], from: context.tier}
  confidence: {type: number, from: context.confidence}
hand_offs:
  - {id: r1, when: tool.name == "issue_refund" and amount > 200 USD, to: a}
  - {id: r2, when: age > 30, to: a}
  - {id: r3, when: sale and not (tier == "gold"), to: a}
  - {id: r4, when: confidence < 0.7, to: a}
  - {id: r5, when: tool.name == "cancel_order" or amount > 1000 USD, to: a}
"""
RULES = 5
NAMES = {
    "tool": "issue_refund",
    "amount": 39.0,
    "age": 3.0,
    "sale": False,
    "tier": "silver",
    "confidence": 0.9,
}


def peers(*, number: int) -> dict[str, float | str]:
    """Return microseconds per rule by engine, or why it was skipped."""
    found: dict[str, float | str] = {}
    for name, build in (
        ("handrail", _handrail),
        ("cel-python", _cel),
        ("rule-engine", _rule_engine),
        ("cedarpy", _cedar),
    ):
        try:
            run = build()
        except ImportError as error:
            found[name] = f"skipped: {error.name} is not installed"
            continue
        assert run() is False, f"{name} fires"
        found[name] = round(_best_us(run, number=number) / RULES, 2)
    return found


def _best_us(run: Callable[[], object], *, number: int) -> float:
    best = float("inf")
    for _ in range(5):
        start = perf_counter()
        for _ in range(number):
            run()
        best = min(best, (perf_counter() - start) / number)
    return best * 1e6


def _handrail() -> Callable[[], bool]:
    policy = loads(POLICY)
    facts = {
        "tool.name": "issue_refund",
        "amount": Money(amount=Decimal(39), currency="USD"),
        "age": Decimal(3),
        "sale": False,
        "tier": "silver",
        "confidence": Decimal("0.9"),
    }
    return lambda: bool(policy.decide(facts, Stage.TOOL).reasons)


def _cel() -> Callable[[], bool]:
    import celpy

    environment = celpy.Environment()
    texts = (
        'tool == "issue_refund" && amount > 200.0',
        "age > 30.0",
        'sale && !(tier == "gold")',
        "confidence < 0.7",
        'tool == "cancel_order" || amount > 1000.0',
    )
    programs = [environment.program(environment.compile(text)) for text in texts]
    facts = celpy.json_to_cel(NAMES)
    return lambda: sum(bool(program.evaluate(facts)) for program in programs) > 0


def _rule_engine() -> Callable[[], bool]:
    import rule_engine

    texts = (
        'tool == "issue_refund" and amount > 200',
        "age > 30",
        'sale and not (tier == "gold")',
        "confidence < 0.7",
        'tool == "cancel_order" or amount > 1000',
    )
    rules = [rule_engine.Rule(text) for text in texts]
    return lambda: sum(rule.matches(NAMES) for rule in rules) > 0


def _cedar() -> Callable[[], bool]:
    import cedarpy

    policies = """
        forbid (principal, action, resource) when { context.tool == "issue_refund" && context.amount > 200 };
        forbid (principal, action, resource) when { context.age > 30 };
        forbid (principal, action, resource) when { context.sale && !(context.tier == "gold") };
        forbid (principal, action, resource) when { context.confidence < 70 };
        forbid (principal, action, resource) when { context.tool == "cancel_order" || context.amount > 1000 };
        permit (principal, action, resource);
    """
    context: Mapping[str, Any] = {**NAMES, "amount": 39, "age": 3, "confidence": 90}
    request = {
        "principal": 'User::"a"',
        "action": 'Action::"call"',
        "resource": 'Tool::"t"',
        "context": dict(context),
    }
    return lambda: not cedarpy.is_authorized(request, policies, []).allowed
