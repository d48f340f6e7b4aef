"""`python -m benchmarks.policy [--quick]`: speed of decisions and checks; do evaluators agree?"""

import random
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from time import perf_counter, process_time

from benchmarks.policy_cases import HEAD, case, expression, is_in, listed_policy, random_policy, table_policy
from benchmarks.policy_peers import peers
from benchmarks.report import close

from handrail.policy import Policy, loads
from handrail.policy.analyse import check
from handrail.policy.analyse.analysis import analysis_of
from handrail.policy.analyse.boxes import NotBoxable, space_of
from handrail.policy.analyse.conflicts import Unjudged, conflicts
from handrail.policy.analyse.prove import prover_for
from handrail.policy.language.compile import compile_test
from handrail.policy.language.parse import read_expression
from handrail.records import FactValue, Money, Stage

BARS = {
    "us_per_rule": 1.0,
    "us_per_decision_20": 8.0,
    "us_per_decision_1000": 100.0,
    "check_20_s": 0.05,
    "check_200_s": 0.2,
    "check_1000_s": 2.0,
    "differential_mismatches": 0,
    "bad_witnesses": 0,
    "conflict_sets_that_differ": 0,
}

FACTS: dict[str, FactValue] = {
    "tool.name": "t3",
    "amount": Money(amount=Decimal(39), currency="USD"),
    "age": timedelta(days=3),
    "flag": False,
    "count": Decimal(5),
}


def best_us(run: Callable[[], object], *, repeat: int, number: int) -> float:
    """Return the best time of one run in microseconds."""
    best = float("inf")
    for _ in range(repeat):
        start = perf_counter()
        for _ in range(number):
            run()
        best = min(best, (perf_counter() - start) / number)
    return best * 1e6


def decision_us(policy: Policy, *, number: int) -> float:
    """Return the time of one decision that passes."""
    assert not policy.decide(FACTS, Stage.TOOL).reasons
    # Many short runs: the best of them is one that no other process interrupted.
    return best_us(lambda: policy.decide(FACTS, Stage.TOOL), repeat=90, number=max(2, number // 10))


def check_s(rules: int) -> float:
    """Return the processor time to load and check a table-like policy, the best of three."""
    text = table_policy(rules)
    times = []
    for _ in range(3):
        start = process_time()
        check(loads(text))
        times.append(process_time() - start)
    return min(times)


def mismatches(rng: random.Random, *, formulas: int, cases: int) -> tuple[int, int]:
    """Compare the evaluator with boxes and with z3 on random conditions; returns cases and disagreements."""
    policy = loads(HEAD)
    tried = wrong = 0
    for number in range(formulas):
        is_boxable = number % 2 == 0
        formula = read_expression(expression(rng, depth=3, is_boxable=is_boxable), policy.facts)
        test, prover, space = compile_test(formula), prover_for(policy), space_of(policy.facts, [formula])
        try:
            boxes = (space.true(formula), space.false(formula)) if is_boxable else None
        except NotBoxable:
            boxes = None
        for _ in range(cases):
            facts = case(rng)
            verdict = test(facts)
            tried += 1
            wrong += prover.holds(formula, facts) is not verdict
            if boxes is not None:
                is_true, is_false = (any(is_in(facts, box, space) for box in union) for union in boxes)
                wrong += (True if is_true else False if is_false else None) is not verdict
    return tried, wrong


def conflict_sets(rng: random.Random, *, policies: int) -> tuple[int, int, int]:
    """Compare conflicts by boxes and by z3; returns conflicts, policies that differ, bad witnesses."""
    found = differ = bad = 0
    for number in range(policies):
        policy = random_policy(rng, rules=8, is_boxable=number % 2 == 0)
        decision, prover = policy.decisions["d"], prover_for(policy)
        boxed, proved, unjudged = analysis_of(policy), analysis_of(policy, prover), Unjudged()
        by_boxes = {conflict.names for conflict in conflicts(boxed, decision, unjudged)}
        by_both = {conflict.names for conflict in conflicts(proved, decision, Unjudged())}
        rules = decision.rules
        by_z3 = {
            frozenset({one.id, other.id})
            for position, one in enumerate(rules)
            for other in rules[position + 1 :]
            if one.answer != other.answer and prover.conflict(decision, one, other) is not None
        }
        found += len(by_z3)
        differ += by_both != by_z3 or (unjudged.pairs == 0 and by_boxes != by_z3)
        bad += boxed.bad_witnesses + proved.bad_witnesses
    return found, differ, bad


def main() -> None:
    """Measure, print a table and one JSON line."""
    is_quick = "--quick" in sys.argv
    rng = random.Random(0)
    twenty, thousand = loads(listed_policy(20, topics=1).replace('"t0"', '"t3"')), loads(listed_policy(1000))
    flat = loads(listed_policy(1000, topics=1).replace('"t0"', '"t3"'))
    number = 300 if is_quick else 3000
    tried, wrong = mismatches(rng, formulas=60 if is_quick else 600, cases=10)
    found, differ, bad = conflict_sets(rng, policies=20 if is_quick else 150)
    figures: dict[str, object] = {
        "us_per_rule": round(decision_us(flat, number=max(10, number // 50)) / 1000, 3),
        "us_per_decision_20": round(decision_us(twenty, number=number), 2),
        "us_per_decision_1000": round(decision_us(thousand, number=number), 2),
        "check_20_s": round(check_s(20), 4),
        "check_200_s": round(check_s(200), 4),
        "check_1000_s": round(check_s(1000), 3),
        "differential_cases": tried,
        "differential_mismatches": wrong,
        "conflicts_compared": found,
        "conflict_sets_that_differ": differ,
        "bad_witnesses": bad,
    }
    for name, value in figures.items():
        bar = f"  (bar {BARS[name]})" if name in BARS else ""
        print(f"{name:<28} {value}{bar}")
    print("\nfive rules on the same facts, microseconds per rule:")
    for name, outcome in peers(number=20 if is_quick else 200).items():
        print(f"{name:<28} {outcome}")
        figures[f"peer_{name.replace('-', '_')}_us_per_rule"] = (
            outcome if isinstance(outcome, float) else None
        )
    short = [name for name, bar in BARS.items() if float(str(figures[name])) > bar]
    close("policy", figures, short)


if __name__ == "__main__":
    main()
