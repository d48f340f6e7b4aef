"""Facts of some tools, facts that an answer states: run time, boxes and prover agree with plain meaning."""

import random
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

import pytest
from benchmarks.policy_cases import is_in

from handrail.policy import Policy, loads
from handrail.policy.analyse.analysis import analysis_of
from handrail.policy.analyse.boxes import NotBoxable, space_of
from handrail.policy.analyse.check import check
from handrail.policy.analyse.conflicts import Unjudged, conflicts
from handrail.policy.analyse.prove import prover_for
from handrail.policy.language import ir
from handrail.policy.language.compile import compile_test
from handrail.policy.language.parse import read_expression
from handrail.policy.language.scope import within_scope
from handrail.records import FactValue, Money, Stage, Unknown

HEAD = """\
policy: scoped
version: "1"
if_unsure: a
roles: {a: , b: }
on_conflict: {to: b}
facts:
  refund.amount: {type: money, currencies: [USD, EUR], from: refund.args.amount, currency: refund.args.cur}
  refund.fee: {type: money, currencies: [USD], from: refund.args.fee}
  paid.sum: {type: money, currencies: [USD], from: [pay.args.sum, refund.args.amount]}
  pay.urgent: {type: yes/no, from: pay.args.urgent}
  pay.kind: {type: one of, values: [card, cash], from: pay.args.kind}
  vip: {type: yes/no, from: context.vip, optional: true}
  marks: {type: set, values: [x, y], from: context.marks}
  score: {type: number, from: context.score}
  answer.window: {type: duration, says: [refund, return]}
  answer.covered: {type: yes/no, says: [water damage]}
"""
STATED = ("answer.window", "answer.covered")
TOOLS = ("refund", "pay", "look")
Interval: TypeAlias = tuple[int, int]
FALSE, RESTS, TRUE = 0, 1, 2


def condition(rng: random.Random, *, depth: int, is_boxable: bool) -> str:
    if depth == 0 or rng.random() < 0.3:
        return atom(rng, is_boxable=is_boxable)
    parts = [condition(rng, depth=depth - 1, is_boxable=is_boxable) for _ in range(rng.choice((1, 2, 2, 3)))]
    return f"not ({parts[0]})" if len(parts) == 1 else "(" + rng.choice((" and ", " or ")).join(parts) + ")"


def atom(rng: random.Random, *, is_boxable: bool) -> str:
    compare = rng.choice(("==", "!=", "<", "<=", ">", ">="))
    choices = [
        f"refund.amount {compare} {rng.choice((0, 10))} {rng.choice(('USD', 'EUR'))}",
        f"refund.fee {compare} {rng.choice((1, 5))} USD",
        f"paid.sum {compare} {rng.choice((0, 10))} USD",
        "pay.urgent",
        "pay.urgent == no",
        f'pay.kind {rng.choice(("==", "!="))} "{rng.choice(("card", "cash"))}"',
        'tool.name in ["refund", "pay"]',
        f'tool.name {rng.choice(("==", "!="))} "{rng.choice(TOOLS)}"',
        "vip",
        'marks has "x"',
        f"score {compare} {rng.choice((0, 0.5))}",
        f"answer.window {compare} {rng.choice((14, 30))} days",
        f"answer.window {compare} 30 days",
        f"answer.covered{rng.choice(('', ' == no', ' == yes'))}",
        f"{rng.choice(('refund.amount', 'pay.urgent', 'vip'))} is {rng.choice(('missing', 'known'))}",
        f"{rng.choice(STATED)} is {rng.choice(('missing', 'known'))}",
    ]
    if not is_boxable:
        choices += [
            f"refund.amount + refund.fee {compare} 12 USD",
            f"refund.fee {compare} paid.sum",
            "pay.urgent == vip",
        ]
    return rng.choice(choices)


def case(rng: random.Random) -> dict[str, FactValue]:
    usd, eur = (
        (lambda n: Money(amount=Decimal(n), currency="USD")),
        (lambda n: Money(amount=Decimal(n), currency="EUR")),
    )
    values: dict[str, FactValue] = {
        "tool.name": rng.choice((*TOOLS, "new")),
        "refund.amount": rng.choice((usd, eur))(rng.choice((0, 9, 10, 11))),
        "refund.fee": usd(rng.choice((0, 1, 3, 6))),
        "paid.sum": usd(rng.choice((0, 9, 11))),
        "pay.urgent": rng.random() < 0.5,
        "pay.kind": rng.choice(("card", "cash")),
        "vip": rng.random() < 0.5,
        "marks": frozenset(mark for mark in "xy" if rng.random() < 0.5),
        "score": Decimal(rng.choice(("0", "0.2", "0.5", "1"))),
    }
    stated: dict[str, FactValue] = {
        "answer.window": timedelta(days=rng.choice((0, 14, 20, 30, 60))),
        "answer.covered": rng.random() < 0.5,
    }
    for name, value in stated.items():
        said = rng.choice((True, True, False, None))
        if said is not None:
            values[f"{name}.said"] = said
        # What is said in two ways has no value; of what nobody knows whether it is said, neither.
        if said and rng.random() < 0.7:
            values[name] = value
    kept = {name for name in values if name.startswith("answer.") or rng.random() < 0.8}
    return {name: value for name, value in values.items() if name in kept}


def meaning(
    formula: ir.Formula, case: Mapping[str, FactValue], scopes: Mapping[str, frozenset[str]]
) -> Interval:
    """Return the least and the most that a condition may be, on the scale false < rests < true.

    `and` is the least of its parts, `or` the greatest, `not` turns the scale round. A comparison rests where
    a fact that it reads does not apply; it may be true or false where one is unknown.
    """
    match formula:
        case ir.Not(inner=inner):
            low, high = meaning(inner, case, scopes)
            return TRUE - high, TRUE - low
        case ir.And(parts=parts) | ir.Or(parts=parts):
            pick = min if isinstance(formula, ir.And) else max
            found = [meaning(part, case, scopes) for part in parts]
            return pick(low for low, _ in found), pick(high for _, high in found)
        case _:
            return _atom(formula, case, scopes)


def _atom(
    formula: ir.Formula, case: Mapping[str, FactValue], scopes: Mapping[str, frozenset[str]]
) -> Interval:
    read = [name for name in ir.facts_of(formula) if name in scopes]
    tools = frozenset.intersection(*(scopes[name] for name in read)) if read else None
    called = case.get("tool.name")
    if tools is not None and called is not None and called not in tools:
        return RESTS, RESTS
    asked = [] if isinstance(formula, ir.Missing) else [n for n in ir.facts_of(formula) if n in STATED]
    if any(case.get(f"{name}.said") is False for name in asked):
        return RESTS, RESTS
    verdict = compile_test(formula)(case)
    low, high = {True: (TRUE, TRUE), False: (FALSE, FALSE), None: (FALSE, TRUE)}[verdict]
    # Without the name of the tool it may be another one's call; so with what an answer may not say.
    may_rest = (tools is not None and called is None) or any(f"{name}.said" not in case for name in asked)
    return (min(low, RESTS), max(high, RESTS)) if may_rest else (low, high)


def differences(rng: random.Random, *, formulas: int, cases: int) -> tuple[int, int]:
    """Return how many cases were tried and in how many somebody differs from the plain meaning."""
    policy = loads(HEAD)
    tried = wrong = 0
    for number in range(formulas):
        is_boxable = number % 2 == 0
        plain = read_expression(condition(rng, depth=3, is_boxable=is_boxable), policy.facts)
        scoped = within_scope(plain, policy.scopes)
        test, prover, space = compile_test(scoped), prover_for(policy), space_of(policy.facts, [scoped])
        try:
            boxes = space.true(scoped) if is_boxable else None
            maybe = space.not_false(scoped) if is_boxable else None
        except NotBoxable:
            boxes = maybe = None
        for _ in range(cases):
            facts = case(rng)
            low, high = meaning(plain, facts, policy.scopes.tools)
            expected = True if low == TRUE else None if high == TRUE else False
            tried += 1
            wrong += test(facts) is not expected
            wrong += prover.holds(scoped, facts) is not expected
            if boxes is not None and maybe is not None:
                wrong += any(is_in(facts, box, space) for box in boxes) is not (expected is True)
                wrong += any(is_in(facts, box, space) for box in maybe) is not (expected is not False)
    return tried, wrong


def test_run_time_boxes_and_prover_agree_where_facts_do_not_apply() -> None:
    tried, wrong = differences(random.Random(1), formulas=40, cases=12)
    assert (tried, wrong) == (480, 0)


@pytest.mark.slow
def test_run_time_boxes_and_prover_agree_in_twelve_thousand_cases_where_facts_do_not_apply() -> None:
    tried, wrong = differences(random.Random(2), formulas=600, cases=20)
    assert (tried, wrong) == (12_000, 0)


def a_policy(rng: random.Random, *, is_boxable: bool) -> Policy:
    lines = [HEAD, "decisions:\n  d:\n    answers: {yes: pass, no: block, ask: {effect: hand_off, to: a}}"]
    lines += ["    rules:"]
    for number in range(6):
        beats = ", ".join(f"r{other}" for other in range(number) if rng.random() < 0.2)
        when, then = condition(rng, depth=2, is_boxable=is_boxable), rng.choice(("yes", "no", "ask"))
        lines.append(f"      - {{id: r{number}, when: '{when}', then: {then}, overrides: [{beats}]}}")
    return loads("\n".join(lines) + "\n")


def unlike_conflicts(rng: random.Random, *, policies: int) -> tuple[int, int]:
    """Return how often boxes and prover find other conflicts, and how many cases did not replay."""
    differ = bad = 0
    for number in range(policies):
        policy = a_policy(rng, is_boxable=number % 3 > 0)
        decision, prover, unjudged = policy.decisions["d"], prover_for(policy), Unjudged()
        boxed, proved = analysis_of(policy), analysis_of(policy, prover)
        by_boxes = {one.names for one in conflicts(boxed, decision, unjudged)}
        by_both = {one.names for one in conflicts(proved, decision, Unjudged())}
        differ += unjudged.pairs == 0 and by_boxes != by_both
        bad += boxed.bad_witnesses + proved.bad_witnesses + check(policy, prover=prover).bad_witnesses
    return differ, bad


def test_every_conflict_where_facts_do_not_apply_replays() -> None:
    assert unlike_conflicts(random.Random(3), policies=15) == (0, 0)


@pytest.mark.slow
def test_every_conflict_of_two_hundred_policies_where_facts_do_not_apply_replays() -> None:
    assert unlike_conflicts(random.Random(4), policies=200) == (0, 0)


def test_a_policy_that_speaks_of_one_tool_says_nothing_of_others_whatever_is_unknown() -> None:
    rng = random.Random(5)
    scoped = [name for name in loads(HEAD).scopes.tools if name.startswith("pay.")]
    for _ in range(150):
        when = condition(rng, depth=2, is_boxable=True)
        if not all(name in scoped for name in _reads(when)):
            continue
        policy = loads(HEAD + f"hand_offs:\n  - {{id: h, when: '{when}', to: a}}\n")
        for facts in ({"tool.name": "look"}, {"tool.name": "look", "pay.urgent": Unknown(why="missing")}):
            assert not policy.decide(facts, Stage.TOOL).reasons
        assert not policy.decide({}, Stage.ANSWER).reasons


def _reads(when: str) -> tuple[str, ...]:
    return ir.facts_of(read_expression(when, loads(HEAD + "  tool.name: {type: text}\n").facts))
