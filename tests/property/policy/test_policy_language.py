"""Promises of the policy language, on random policies and random facts."""

import random
from datetime import time, timedelta
from decimal import Decimal

import pytest
from benchmarks.policy_cases import is_in
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from handrail.errors import PolicyError
from handrail.policy import Policy, loads
from handrail.policy.analyse.analysis import analysis_of
from handrail.policy.analyse.boxes import NotBoxable, space_of
from handrail.policy.analyse.check import check
from handrail.policy.analyse.conflicts import Unjudged, conflicts
from handrail.policy.analyse.prove import prover_for
from handrail.policy.file.compile import compile_policy
from handrail.policy.language.ast import ExpressionError
from handrail.policy.language.compile import compile_test
from handrail.policy.language.parse import parse, read_expression
from handrail.policy.runtime.decide import judge_decision, judge_statement, reasons_of
from handrail.policy.runtime.record import read_fact, rederive, write_decision, write_fact
from handrail.policy.runtime.rules import BusinessDecision, Rule
from handrail.records import Effect, FactValue, Money, Reason, Stage, Unknown

HEAD = """\
policy: generated
version: "1"
if_unsure: a
roles: {a: , b: }
on_conflict: {to: b}
facts:
  tool.name: {type: text}
  kind: {type: one of, values: [red, green], optional: true}
  flag: {type: yes/no, optional: true}
  marks: {type: set, values: [x, y], optional: true}
  amount: {type: money, currencies: [USD, EUR], optional: true}
  limit: {type: money, currencies: [USD], optional: true}
  age: {type: duration, optional: true}
  wait: {type: duration, min: 0 days, optional: true}
  score: {type: number, min: 0, max: 1, optional: true}
  count: {type: whole number, optional: true}
  now: {type: time of day, optional: true}
"""
compares = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def atoms(*, is_boxable: bool) -> st.SearchStrategy[str]:
    boxable = [
        st.sampled_from(
            [
                'tool.name == "t1"',
                'tool.name != "t2"',
                'kind == "red"',
                'kind not in ["red", "green"]',
                "flag",
                "flag == no",
                'marks has "x"',
                "kind is missing",
                "amount is known",
                "true",
            ]
        ),
        st.builds(
            "amount {} {} {}".format, compares, st.sampled_from([0, 10]), st.sampled_from(["USD", "EUR"])
        ),
        st.builds("age {} {} days".format, compares, st.sampled_from([-1, 0, 7])),
        st.builds("score {} {}".format, compares, st.sampled_from([0, 0.5, 1])),
        st.builds("count {} {}".format, compares, st.sampled_from([0, 3])),
        st.builds("now {} {}".format, compares, st.sampled_from(["00:00", "09:00"])),
    ]
    related = [
        st.builds("amount + limit {} {} USD".format, compares, st.sampled_from([10, 20])),
        st.builds("amount {} limit".format, compares),
        st.builds("wait {} age - 1 day".format, compares),
    ]
    return st.one_of(*boxable, *([] if is_boxable else related))


def expressions(*, is_boxable: bool) -> st.SearchStrategy[str]:
    return st.recursive(
        atoms(is_boxable=is_boxable),
        lambda inner: st.one_of(
            st.builds("not ({})".format, inner),
            st.builds("({} and {})".format, inner, inner),
            st.builds("({} or {})".format, inner, inner),
        ),
        max_leaves=6,
    )


def optional(values: list[FactValue]) -> st.SearchStrategy[FactValue | None]:
    return st.sampled_from([None, *values])


def money(amount: int, currency: str) -> Money:
    return Money(amount=Decimal(amount), currency=currency)


CASES = st.fixed_dictionaries(
    {
        "tool.name": optional(["t1", "t2", "t3"]),
        "kind": optional(["red", "green"]),
        "flag": optional([True, False]),
        "marks": optional([frozenset(), frozenset({"x"}), frozenset({"x", "y"})]),
        "amount": optional([money(n, code) for n in (0, 9, 10, 11) for code in ("USD", "EUR")]),
        "limit": optional([money(0, "USD"), money(10, "USD")]),
        "age": optional([timedelta(days=n) for n in (-2, -1, 0, 7, 8)]),
        "wait": optional([timedelta(), timedelta(days=6), timedelta(days=9)]),
        "score": optional([Decimal(text) for text in ("0", "0.5", "0.6", "1")]),
        "count": optional([Decimal(n) for n in (-1, 0, 3, 4)]),
        "now": optional([time(0), time(9), time(23, 59)]),
    }
).map(lambda facts: {name: value for name, value in facts.items() if value is not None})

FACTS = loads(HEAD).facts
fast = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@fast
@given(text=expressions(is_boxable=True), case=CASES)
def test_boxes_and_the_evaluator_never_differ(text: str, case: dict[str, FactValue]) -> None:
    formula = read_expression(text, FACTS)
    space = space_of(FACTS, [formula])
    try:
        unions = (
            space.true(formula),
            space.false(formula),
            space.not_false(formula),
            space.not_true(formula),
        )
    except NotBoxable:
        return
    is_true, is_false, may_be_true, may_be_false = (
        any(is_in(case, box, space) for box in union) for union in unions
    )
    verdict = compile_test(formula)(case)
    assert (is_true, is_false) == (verdict is True, verdict is False)
    assert (may_be_true, may_be_false) == (verdict is not False, verdict is not True)


@settings(fast, max_examples=60)
@given(text=expressions(is_boxable=False), case=CASES)
def test_the_prover_and_the_evaluator_never_differ(text: str, case: dict[str, FactValue]) -> None:
    formula = read_expression(text, FACTS)
    assert prover_for(loads(HEAD)).holds(formula, case) is compile_test(formula)(case)


def a_policy(rng: random.Random, texts: list[str]) -> Policy:
    lines = [
        HEAD,
        "decisions:\n  d:\n    answers: {yes: pass, no: block, ask: {effect: hand_off, to: a}}\n    rules:",
    ]
    for number, text in enumerate(texts):
        beats = ", ".join(f"r{other}" for other in range(number) if rng.random() < 0.25)
        then = rng.choice(("yes", "no", "ask"))
        lines.append(f"      - {{id: r{number}, when: '{text}', then: {then}, overrides: [{beats}]}}")
    return loads("\n".join(lines) + "\n")


@settings(fast, max_examples=15)
@given(
    texts=st.lists(expressions(is_boxable=True), min_size=3, max_size=5),
    seed=st.integers(0, 1000),
)
def test_boxes_and_the_prover_find_the_same_conflicts_and_every_case_replays(
    texts: list[str], seed: int
) -> None:
    policy = a_policy(random.Random(seed), texts)
    decision, prover, unjudged = policy.decisions["d"], prover_for(policy), Unjudged()
    analysis = analysis_of(policy)
    found = {conflict.names for conflict in conflicts(analysis, decision, unjudged)}
    rules = decision.rules
    proved = {
        frozenset({one.id, other.id})
        for position, one in enumerate(rules)
        for other in rules[position + 1 :]
        if one.answer != other.answer and prover.conflict(decision, one, other) is not None
    }
    assert analysis.bad_witnesses == 0
    if unjudged.pairs == 0:
        assert found == proved
    checked = check(policy, prover=prover)
    assert checked.bad_witnesses == 0
    for remark in checked.remarks:
        if remark.code == "gap":
            assert policy.decide(remark.witness, decision.stage).reasons[0].rule == "d"


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.decimals(),
    st.text(max_size=5),
    st.timedeltas(),
    st.builds(Unknown, why=st.just("x")),
    st.builds(Money, amount=st.decimals(), currency=st.sampled_from(["USD", "EUR", "XXX"])),
    st.frozensets(st.text(max_size=2)),
    st.floats(),
    st.lists(st.integers(), max_size=2),
)


def evaluated_one_by_one(
    policy: Policy, facts: dict[str, FactValue], stage: Stage
) -> tuple[list[Reason], dict[str, str | None]]:
    """Judge every unit in file order over all known facts: what an evaluation plan must not change."""
    known = {name: value for name, value in facts.items() if policy.facts[name].accepts(value)}
    order = list(Stage)
    reasons: list[Reason] = []
    answers: dict[str, str | None] = {}
    for unit in policy.units:
        is_complete = all(name in facts for name in unit.reads)
        is_late = order.index(unit.stage) > order.index(stage)
        if stage is Stage.RESULT and unit.stage is not stage:
            # The action that gave the result has been judged, and is done.
            continue
        if isinstance(unit, Rule):
            verdict = unit.when.test(known)
            is_waiting = any(
                f"{name} is missing" in unit.when.text for name in unit.reads if name not in facts
            )
            if is_late and (verdict is not True or is_waiting or not any(n in facts for n in unit.reads)):
                continue
            if is_late or unit.stage is stage or is_complete:
                reasons += reasons_of(unit, verdict, known, facts, policy.if_unsure)
        elif isinstance(unit, BusinessDecision):
            if unit.stage is stage or (is_complete and not is_late):
                result = judge_decision(unit, known, facts, policy.if_unsure)
                reasons += result.reasons
                answers |= {unit.name: result.answer} if result.answer is not None else {}
        elif is_complete and not is_late:
            reasons += judge_statement(unit, known)
    return reasons, answers


@fast
@given(
    rules=st.lists(expressions(is_boxable=False), min_size=1, max_size=5),
    tools=st.lists(st.sampled_from(["t1", "t2"]), min_size=5, max_size=5),
    facts=st.one_of(CASES, st.dictionaries(st.sampled_from(sorted(FACTS)), ODD)),
    stage=st.sampled_from(list(Stage)),
)
def test_a_plan_decides_as_evaluating_every_rule_does(
    rules: list[str], tools: list[str], facts: dict[str, FactValue], stage: Stage
) -> None:
    listed = [f'tool.name == "{tool}" and ({text})' for tool, text in zip(tools, rules, strict=False)]
    text = "".join(f"  - {{id: h{n}, when: '{when}', to: a}}\n" for n, when in enumerate((*listed, *rules)))
    text += f"always: ['{rules[0]}']\ndecisions:\n  d:\n    answers: {{x: pass, y: pass}}\n    rules:\n"
    text += "".join(
        f"      - {{id: r{n}, when: '{when}', then: {'xy'[n % 2]}}}\n" for n, when in enumerate(listed)
    )
    policy = loads(HEAD + "hand_offs:\n" + text)
    facts = {name: value for name, value in facts.items() if value is not None}
    decision = policy.decide(facts, stage)
    reasons, answers = evaluated_one_by_one(policy, facts, stage)
    assert list(decision.reasons) == reasons
    assert decision.answers == (answers if reasons else {})


@fast
@given(
    texts=st.lists(expressions(is_boxable=False), min_size=1, max_size=4),
    facts=st.dictionaries(st.sampled_from(sorted(FACTS)), ODD),
    stage=st.sampled_from(list(Stage)),
)
def test_deciding_never_raises_and_its_record_decides_the_same(
    texts: list[str], facts: dict[str, FactValue], stage: Stage
) -> None:
    policy = a_policy(random.Random(0), texts)
    facts = {name: value for name, value in facts.items() if value is not None}
    decision = policy.decide(facts, stage)
    assert (decision.role is None) == all(reason.effect is not Effect.HAND_OFF for reason in decision.reasons)
    clean = {name: value for name, value in decision.facts.items() if not isinstance(value, float | list)}
    if clean == dict(decision.facts):
        again = rederive(write_decision(decision), policy)
        assert again.decision.reasons == decision.reasons


@fast
@given(case=CASES, text=expressions(is_boxable=False), lost=st.sampled_from(sorted(FACTS)))
def test_knowing_less_never_turns_a_stop_into_a_pass(
    case: dict[str, FactValue], text: str, lost: str
) -> None:
    assume("missing" not in text and "known" not in text)
    policy = loads(HEAD + f"hand_offs:\n  - {{id: h, when: '{text}', to: a}}\n")
    assume(policy.decide(case, Stage.TOOL).effect is Effect.HAND_OFF)
    less = {**case, lost: Unknown(why="lost")}
    assert policy.decide(less, Stage.TOOL).effect is Effect.HAND_OFF


@fast
@given(
    case=CASES,
    texts=st.lists(expressions(is_boxable=False), min_size=1, max_size=3),
    more=expressions(is_boxable=False),
    effect=st.sampled_from(["redact", "block", "hand_off"]),
    stage=st.sampled_from(list(Stage)),
)
def test_one_rule_more_never_allows_more(
    case: dict[str, FactValue], texts: list[str], more: str, effect: str, stage: Stage
) -> None:
    rules = [f"  - {{id: h{n}, when: '{text}', to: a}}\n" for n, text in enumerate(texts)]
    added = f"  - {{id: more, when: '{more}', effect: {effect}{', to: b' if effect == 'hand_off' else ''}}}\n"
    fewer = loads(HEAD + "hand_offs:\n" + "".join(rules)).decide(case, stage)
    stricter = loads(HEAD + "hand_offs:\n" + "".join(rules) + added).decide(case, stage)
    assert stricter.effect.strictness >= fewer.effect.strictness
    assert {reason.role for reason in fewer.reasons} <= {reason.role for reason in stricter.reasons}
    shadow = loads(HEAD + "hand_offs:\n" + "".join(rules) + added.replace("id:", "mode: shadow, id:"))
    in_shadow = shadow.decide(case, stage)
    assert (in_shadow.effect, in_shadow.reasons) == (fewer.effect, fewer.reasons)


@fast
@given(case=CASES, texts=st.lists(expressions(is_boxable=False), min_size=1, max_size=4))
def test_every_hand_off_has_a_role_and_every_role_a_reason(
    case: dict[str, FactValue], texts: list[str]
) -> None:
    decision = a_policy(random.Random(1), texts).decide(case, Stage.TOOL)
    roles = {reason.role for reason in decision.reasons if reason.effect is Effect.HAND_OFF}
    assert {decision.role, *decision.co_approvers} - {None} == roles
    assert (decision.effect is Effect.PASS) <= (decision.role is None)


@fast
@given(value=ODD)
def test_every_declaration_reads_anything_without_raising(value: object) -> None:
    for fact in FACTS.values():
        read = fact.read(value)
        assert isinstance(read, Unknown) or fact.accepts(read)


@fast
@given(case=CASES)
def test_a_fact_is_read_back_as_it_was_written(case: dict[str, FactValue]) -> None:
    assert {name: read_fact(write_fact(value)) for name, value in case.items()} == case


def problem_of(text: str) -> ExpressionError | None:
    try:
        parse(text)
    except ExpressionError as error:
        return error
    return None


@settings(fast, max_examples=300)
@given(text=st.text(alphabet="ab.01 ()[]<>=!&|\"'+-\n\0éUSDdaysnotinhasis", max_size=60))
def test_the_grammar_takes_or_refuses_any_text(text: str) -> None:
    problem = problem_of(text)
    assert problem is None or 0 <= problem.at <= len(text)


@settings(fast, max_examples=200)
@given(text=st.text(alphabet="abc:-[]{}'\"#&*!|>%@,? \n\t0\0\ufeff", max_size=80))
def test_the_loader_takes_or_refuses_any_text(text: str) -> None:
    policy, problems = compile_policy(text, file="p")
    assert policy is None
    assert problems
    assert all(isinstance(problem, PolicyError) and problem.line >= 1 for problem in problems)


@settings(fast, max_examples=150)
@given(data=st.data())
def test_a_damaged_policy_loads_or_says_where(data: st.DataObject) -> None:
    lines = (HEAD + "hand_offs:\n  - {id: h, when: flag, to: a}\n").splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    start = data.draw(st.integers(0, len(lines[at])))
    end = data.draw(st.integers(start, len(lines[at])))
    lines[at] = lines[at][:start] + data.draw(st.text(max_size=4)) + lines[at][end:]
    _, problems = compile_policy("\n".join(lines), file="p")
    assert all(isinstance(problem, PolicyError) and problem.line >= 1 for problem in problems)


@pytest.mark.parametrize(
    "text", ["__import__('os').system('x')", "().__class__", "flag.__class__", "{}", "lambda: 1"]
)
def test_code_is_no_expression(text: str) -> None:
    with pytest.raises(ExpressionError):
        read_expression(text, FACTS)
