"""Rules as their authors say them do what the sentence says, in calls, answers and reads."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.policy import loads
from handrail.policy.analyse import check
from handrail.policy.analyse.prove import prover_for
from handrail.records import Effect, FactValue, Money, Stage, Unknown

POLICY = """\
policy: said
version: "1"
if_unsure: manager
on_conflict: {to: manager}
roles:
  manager: {answer_within: 1 hours, backup: lead}
  lead: {answer_within: 1 hours, backup: manager}
tools:
  {get_order: reads, find_customer: reads, issue_refund: acts, cancel_order: acts, pay: acts, reply: acts}
unlisted: hand_off
facts:
  refund.amount: {type: money, currencies: [USD, EUR], from: issue_refund.args.amount}
  cancel.reason: {type: one of, values: [late, broken, other], from: cancel_order.args.reason}
  pay.sum: {type: money, currencies: [USD], from: pay.args.sum}
  pay.to: {type: text, from: pay.args.to}
  order.age: {type: duration, from: context.order_age}
  order.sale: {type: yes/no, from: context.sale}
  order.damaged: {type: yes/no, from: context.damaged}
  vip: {type: yes/no, from: context.vip}
  input.findings: {type: set, values: [health, email, iban]}
  output.findings: {type: set, values: [health, iban]}
  confidence: {type: number, min: 0, max: 1, optional: true}
  disputes: {type: yes/no, from: signal.dispute}
  asks: {type: yes/no, from: signal.asks_for_human}
  clock.time: {type: time of day}
hand_offs:
RULES
"""

Facts = dict[str, FactValue]


@dataclass(frozen=True)
class Said:
    """A sentence, the condition that its author writes, and what it means; None where nobody could tell."""

    sentence: str
    when: str
    means: Callable[[Facts], bool | None]


def value(facts: Facts, name: str) -> FactValue | None:
    found = facts.get(name)
    return None if isinstance(found, Unknown) else found


def over(name: str, limit: int, currency: str = "USD") -> Callable[[Facts], bool | None]:
    def means(facts: Facts) -> bool | None:
        amount = value(facts, name)
        if not isinstance(amount, Money) or amount.currency != currency:
            return None
        return amount.amount > limit

    return means


def in_call(tool: str, means: Callable[[Facts], bool | None]) -> Callable[[Facts], bool | None]:
    return lambda facts: means(facts) if facts.get("tool.name") == tool else False


def yes(name: str) -> Callable[[Facts], bool | None]:
    def means(facts: Facts) -> bool | None:
        found = value(facts, name)
        return found if isinstance(found, bool) else None

    return means


def holds(name: str, item: str) -> Callable[[Facts], bool | None]:
    def means(facts: Facts) -> bool | None:
        found = value(facts, name)
        return item in found if isinstance(found, frozenset) else None

    return means


def older(days: int) -> Callable[[Facts], bool | None]:
    def means(facts: Facts) -> bool | None:
        found = value(facts, "order.age")
        return found > timedelta(days=days) if isinstance(found, timedelta) else None

    return means


def both(*parts: Callable[[Facts], bool | None]) -> Callable[[Facts], bool | None]:
    def means(facts: Facts) -> bool | None:
        found = [part(facts) for part in parts]
        return False if False in found else None if None in found else True

    return means


def either(*parts: Callable[[Facts], bool | None]) -> Callable[[Facts], bool | None]:
    def means(facts: Facts) -> bool | None:
        found = [part(facts) for part in parts]
        return True if True in found else None if None in found else False

    return means


def no(part: Callable[[Facts], bool | None]) -> Callable[[Facts], bool | None]:
    def means(facts: Facts) -> bool | None:
        found = part(facts)
        return None if found is None else not found

    return means


def called(tool: str) -> Callable[[Facts], bool | None]:
    return lambda facts: facts.get("tool.name") == tool


def reason(*words: str) -> Callable[[Facts], bool | None]:
    def means(facts: Facts) -> bool | None:
        found = value(facts, "cancel.reason")
        return found in words if isinstance(found, str) else None

    return means


def doubtful(facts: Facts) -> bool | None:
    found = value(facts, "confidence")
    return isinstance(found, Decimal) and found < Decimal("0.7")


def unmeasured(facts: Facts) -> bool | None:
    return value(facts, "confidence") is None


RULES = (
    # The rules of the full example.
    Said(
        "Refunds over 200 dollars go to finance.",
        "refund.amount > 200 USD",
        in_call("issue_refund", over("refund.amount", 200)),
    ),
    Said(
        "Only specialists read health data.", "input.findings has health", holds("input.findings", "health")
    ),
    Said("Doubtful answers are read first.", "confidence is known and confidence < 0.7", doubtful),
    Said("Who disputes an answer talks to a person.", "disputes", yes("disputes")),
    Said(
        "Old orders are not refunded.",
        'tool.name == "issue_refund" and order.age > 30 days',
        both(called("issue_refund"), older(30)),
    ),
    Said(
        "Fresh orders are refunded.",
        'tool.name == "issue_refund" and not (order.age > 30 days)',
        both(called("issue_refund"), no(older(30))),
    ),
    Said(
        "Sale items are not given back.",
        'tool.name == "issue_refund" and order.sale',
        both(called("issue_refund"), yes("order.sale")),
    ),
    Said(
        "Damaged goods may be given back.",
        'tool.name == "issue_refund" and order.damaged',
        both(called("issue_refund"), yes("order.damaged")),
    ),
    Said("Cancelling is for a person.", 'tool.name == "cancel_order"', called("cancel_order")),
    Said("No IBAN leaves the house.", "output.findings has iban", holds("output.findings", "iban")),
    Said("An answer that nobody measured is read.", "confidence is missing", unmeasured),
    Said(
        "Euros are for the manager.",
        "refund.amount > 0 EUR",
        in_call("issue_refund", over("refund.amount", 0, "EUR")),
    ),
    # Ten more.
    Said(
        "Refunds of up to 200 are looked at on Fridays.",
        "not (refund.amount > 200 USD)",
        in_call("issue_refund", no(over("refund.amount", 200))),
    ),
    Said(
        "Large refunds to anybody but good customers.",
        "refund.amount > 100 USD and not vip",
        both(in_call("issue_refund", over("refund.amount", 100)), no(yes("vip"))),
    ),
    Said(
        "Late or broken orders are cancelled by hand.",
        'cancel.reason in ["late", "broken"]',
        in_call("cancel_order", reason("late", "broken")),
    ),
    Said("Every reason but other.", 'cancel.reason != "other"', in_call("cancel_order", no(reason("other")))),
    Said(
        "A payment without a payee.",
        "pay.to is missing",
        in_call("pay", lambda facts: value(facts, "pay.to") is None),
    ),
    Said(
        "Refunds over 500 or good customers.",
        "refund.amount > 500 USD or vip",
        either(in_call("issue_refund", over("refund.amount", 500)), yes("vip")),
    ),
    Said(
        "Payments over 50 of damaged goods.",
        "pay.sum > 50 USD and order.damaged",
        both(in_call("pay", over("pay.sum", 50)), yes("order.damaged")),
    ),
    Said("Who asks for a person gets one.", "asks", yes("asks")),
    Said(
        "Refunds or payments, large ones.",
        "refund.amount > 300 USD or pay.sum > 300 USD",
        either(in_call("issue_refund", over("refund.amount", 300)), in_call("pay", over("pay.sum", 300))),
    ),
    Said(
        "A refund that says no amount.",
        "refund.amount is missing",
        in_call("issue_refund", lambda facts: value(facts, "refund.amount") is None),
    ),
)
TOOLS = ("get_order", "find_customer", "issue_refund", "cancel_order", "pay", "reply")
READS = ("get_order", "find_customer")


def situation(rng: random.Random) -> tuple[Facts, Stage]:
    """Return facts as a guard gathers them: what belongs to the stage and the tool, some of it unknown."""
    stage = rng.choice((Stage.INPUT, Stage.ANSWER, Stage.TOOL, Stage.TOOL, Stage.TOOL))
    facts: Facts = {
        "order.age": timedelta(days=rng.choice((1, 30, 31, 90))),
        "vip": rng.random() < 0.3,
        "order.sale": rng.random() < 0.3,
        "order.damaged": rng.random() < 0.3,
        "input.findings": frozenset(one for one in ("health", "email") if rng.random() < 0.2),
        "disputes": rng.random() < 0.1,
        "asks": rng.random() < 0.1,
    }
    if stage is not Stage.INPUT:
        facts["output.findings"] = frozenset(one for one in ("iban",) if rng.random() < 0.2)
        facts["confidence"] = Decimal(rng.choice(("0.2", "0.69", "0.7", "0.95")))
    if stage is Stage.TOOL:
        tool = rng.choice(TOOLS)
        facts["tool.name"] = tool
        amount = Money(
            amount=Decimal(rng.choice((5, 100, 200, 201, 501))), currency=rng.choice(("USD", "USD", "EUR"))
        )
        own: dict[str, Facts] = {
            "issue_refund": {"refund.amount": amount},
            "cancel_order": {"cancel.reason": rng.choice(("late", "broken", "other"))},
            "pay": {"pay.sum": Money(amount=amount.amount, currency="USD"), "pay.to": "ana"},
        }
        facts |= own.get(tool, {})
    for name in list(facts):
        if name != "tool.name" and rng.random() < 0.08:
            facts[name] = Unknown(why="missing")
    return facts, stage


def test_every_sentence_does_what_it_says_on_two_hundred_calls_answers_and_reads() -> None:
    wrong: list[str] = []
    for said in RULES:
        rng = random.Random(said.sentence)
        policy = loads(POLICY.replace("RULES", f"  - {{id: r, when: '{said.when}', to: lead}}"))
        rule = next(rule for rule in policy.hand_offs if rule.id == "r")
        for _ in range(200):
            facts, stage = situation(rng)
            expected = said.means(facts)
            if stage is not Stage.TOOL and rule.stage is Stage.TOOL and expected is not True:
                # Before there is a call only what is certain counts.
                expected = False
            if stage is Stage.INPUT and rule.stage is Stage.ANSWER:
                expected = False
            names_tool = str(facts.get("tool.name")) in said.when
            if expected is None and facts.get("tool.name") in READS and not names_tool:
                expected = False
            decision = policy.decide(facts, stage)
            role = {True: "lead", None: "manager", False: None}[expected]
            if decision.role != role:
                wrong.append(
                    f"{said.sentence} {stage} {sorted(facts.items(), key=str)}: {decision.role}, not {role}"
                )
    assert wrong == []


def test_calls_that_no_rule_speaks_of_cost_no_ticket() -> None:
    rules = "\n".join(
        f"  - {{id: r{number}, when: '{said.when}', to: lead}}"
        for number, said in enumerate(RULES)
        if "refund" in said.when or "pay." in said.when or "cancel" in said.when
        if " or vip" not in said.when
    )
    policy = loads(POLICY.replace("RULES", rules))
    rng = random.Random(7)
    tickets = tried = 0
    while tried < 1000:
        facts, stage = situation(rng)
        if facts.get("tool.name") in ("issue_refund", "cancel_order", "pay"):
            continue
        tried += 1
        tickets += policy.decide(facts, stage).effect is not Effect.PASS
    assert tickets == 0


def test_the_sentences_together_check_without_an_error() -> None:
    rules = "\n".join(f"  - {{id: r{n}, when: '{said.when}', to: lead}}" for n, said in enumerate(RULES))
    policy = loads(POLICY.replace("RULES", rules))
    found = check(policy, prover=prover_for(policy))
    assert found.bad_witnesses == 0
    assert not [remark for remark in found.remarks if remark.code in ("never-applies", "not-loadable")]
