from decimal import Decimal
from itertools import permutations

from handrail.policy import Policy, loads
from handrail.policy.runtime.plan import MAX_PLANS, Planner
from handrail.records import Money, Stage

HEAD = """\
policy: plans
version: "1"
if_unsure: lead
roles: {lead: }
facts:
  tool.name: {type: text}
  amount: {type: money, currencies: [USD], from: tool.args.amount}
  vip: {type: yes/no}
  a: {type: yes/no}
  b: {type: yes/no}
  c: {type: yes/no}
  d: {type: yes/no}
hand_offs:
"""


def policy_of(*rules: str) -> Policy:
    return loads(HEAD + "".join(f"  - {{{rule}}}\n" for rule in rules))


def planner_of(policy: Policy) -> Planner:
    return Planner(policy.units, policy.facts)


def test_a_plan_holds_only_what_the_selectors_leave_over() -> None:
    policy = policy_of(
        'id: refund, when: tool.name == "refund" and amount > 5 USD, to: lead',
        'id: cancel, when: tool.name == "cancel" and vip, to: lead',
    )
    plan = planner_of(policy).plan_for({"tool.name": "refund", "amount": _usd(9)}, Stage.TOOL)
    assert [rule.id for _, rule in plan.rules] == ["refund"]
    assert [name for name, _ in plan.present] == ["tool.name", "amount"]
    ((test, _),) = plan.rules
    assert test({"amount": _usd(9)}) is True


def test_values_that_no_rule_names_share_a_plan() -> None:
    planner = planner_of(policy_of('id: refund, when: tool.name == "refund", to: lead'))
    plans = [planner.plan_for({"tool.name": name}, Stage.TOOL) for name in ("one", "two", "refund")]
    assert plans[0] is plans[1] is not plans[2]


def test_facts_in_ever_new_orders_do_not_fill_the_memory() -> None:
    planner = planner_of(policy_of("id: r, when: vip, to: lead"))
    orders = list(permutations(("a", "b", "c", "d", "vip", "amount")))
    assert len(orders) > MAX_PLANS
    for order in orders:
        planner.plan_for(dict.fromkeys(order, True), Stage.TOOL)
    assert len(planner._plans) <= MAX_PLANS


def _usd(amount: int) -> Money:
    return Money(amount=Decimal(amount), currency="USD")
