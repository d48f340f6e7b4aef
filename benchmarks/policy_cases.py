"""Random and table-like policies, for timing and for comparing evaluators."""

import random
from collections.abc import Mapping
from datetime import time, timedelta
from decimal import Decimal

from handrail.policy import Policy, loads
from handrail.policy.analyse.boxes import (
    OTHER,
    Absent,
    Box,
    Interval,
    Items,
    OneOf,
    Space,
    ValueSet,
    meet,
    size_of,
)
from handrail.policy.language.facts import Kind
from handrail.records import FactValue, Money

HEAD = """\
policy: generated
version: "1"
if_unsure: a
roles: {a: {answer_within: 1 hours, backup: b}, b: {answer_within: 1 hours}}
on_conflict: {to: b}
facts:
  tool.name: {type: text}
  kind: {type: one of, values: [red, green, blue], optional: true}
  flag: {type: yes/no, optional: true}
  other: {type: yes/no, optional: true}
  marks: {type: set, values: [x, y, z], optional: true}
  amount: {type: money, currencies: [USD, EUR], optional: true}
  limit: {type: money, currencies: [USD], optional: true}
  age: {type: duration, optional: true}
  wait: {type: duration, min: 0 days, max: 90 days, optional: true}
  score: {type: number, min: 0, max: 1, optional: true}
  count: {type: whole number, optional: true}
  now: {type: time of day, optional: true}
  day: {type: weekday, optional: true}
"""


def expression(rng: random.Random, *, depth: int = 2, is_boxable: bool = False) -> str:
    """Return the text of a random condition over the facts of `HEAD`."""
    if depth == 0 or rng.random() < 0.3:
        return atom(rng, is_boxable=is_boxable)
    parts = [expression(rng, depth=depth - 1, is_boxable=is_boxable) for _ in range(rng.choice((1, 2, 2, 3)))]
    if len(parts) == 1:
        return f"not ({parts[0]})"
    return "(" + rng.choice((" and ", " or ")).join(parts) + ")"


def atom(rng: random.Random, *, is_boxable: bool = False) -> str:
    """Return the text of a random comparison."""
    compare = rng.choice(("==", "!=", "<", "<=", ">", ">="))
    equal = rng.choice(("==", "!="))
    choices = [
        f'tool.name {equal} "{rng.choice(("t1", "t2"))}"',
        f'kind {equal} "{rng.choice(("red", "green", "blue"))}"',
        f'kind {rng.choice(("in", "not in"))} ["red", "{rng.choice(("green", "blue"))}"]',
        "flag",
        "other == no",
        f'marks has "{rng.choice("xyz")}"',
        f"amount {compare} {rng.choice((0, 10, 50))} {rng.choice(('USD', 'EUR'))}",
        f"age {compare} {rng.choice((0, 7, 30))} days",
        f"wait {compare} {rng.choice((0, 12, 48))} hours",
        f"score {compare} {rng.choice((0, 0.5, 0.7))}",
        f"count {compare} {rng.choice((0, 3))}",
        f"now {compare} {rng.choice(('00:00', '09:00', '22:00'))}",
        f'day {equal} "{rng.choice(("monday", "sunday"))}"',
        f"{rng.choice(('kind', 'amount', 'age', 'flag', 'marks'))} is {rng.choice(('missing', 'known'))}",
    ]
    if not is_boxable:
        choices += [
            f"amount + limit {compare} {rng.choice((20, 60))} USD",
            f"amount {compare} limit",
            f"wait {compare} age + {rng.choice((1, 5))} days",
            "flag == other",
            f"count - score {compare} {rng.choice((0, 2))}",
        ]
    return rng.choice(choices)


def case(rng: random.Random) -> dict[str, FactValue]:
    """Return random facts; each is missing now and then."""
    everything: dict[str, FactValue] = {
        "tool.name": rng.choice(("t1", "t2", "t3")),
        "kind": rng.choice(("red", "green", "blue")),
        "flag": rng.random() < 0.5,
        "other": rng.random() < 0.5,
        "marks": frozenset(mark for mark in "xyz" if rng.random() < 0.5),
        "amount": Money(
            amount=Decimal(rng.choice((0, 9, 10, 11, 50, 51))), currency=rng.choice(("USD", "EUR"))
        ),
        "limit": Money(amount=Decimal(rng.choice((0, 10, 50))), currency="USD"),
        "age": timedelta(days=rng.choice((-1, 0, 7, 8, 30, 31))),
        "wait": timedelta(hours=rng.choice((0, 12, 13, 48, 2000))),
        "score": Decimal(rng.choice(("0", "0.5", "0.6", "0.7", "1"))),
        "count": Decimal(rng.choice((-1, 0, 2, 3, 4))),
        "now": rng.choice((time(0), time(8, 59), time(9), time(22), time(23, 59, 59))),
        "day": rng.choice(("monday", "tuesday", "sunday")),
    }
    return {name: value for name, value in everything.items() if rng.random() < 0.8}


def random_policy(rng: random.Random, *, rules: int, is_boxable: bool) -> Policy:
    """Return a policy with one decision of random rules, some of which override earlier ones."""
    lines = [HEAD + 'decisions:\n  d:\n    applies_when: tool.name in ["t1", "t2"]']
    lines.append("    answers: {yes: pass, no: block, ask: {effect: hand_off, to: a}}\n    rules:")
    for number in range(rules):
        beats = [f"r{other}" for other in range(number) if rng.random() < 0.15]
        then = rng.choice(("yes", "no", "ask"))
        when = expression(rng, is_boxable=is_boxable)
        lines.append(
            f"      - {{id: r{number}, when: '{when}', then: {then}, overrides: [{', '.join(beats)}]}}"
        )
    return loads("\n".join(lines) + "\n")


def table_policy(rules: int, *, per_topic: int = 25) -> str:
    """Return a policy like a decision table: topics by tool, age by amount inside, a few planted overlaps."""
    tools = max(1, rules // per_topic)
    lines = [HEAD + "decisions:"]
    made = 0
    for topic in range(tools):
        here = per_topic if topic < tools - 1 else rules - made
        lines.append(f'  d{topic}:\n    applies_when: tool.name == "t{topic}"')
        lines.append("    answers: {yes: pass, no: block}\n    rules:")
        width = 5
        for number in range(here):
            row, column = divmod(number, width)
            low, high = column * 100, column * 100 + 100
            # Every topic's last row is open to the right, so that two neighbours overlap in one topic of ten.
            reach = high + 50 if topic % 10 == 0 and number == 1 else high
            ages = f"age >= {row * 10} days and age < {row * 10 + 10} days"
            amounts = f"amount >= {low} USD and amount < {reach} USD"
            then = "yes" if (row + column) % 2 else "no"
            lines.append(
                f"      - {{id: r{topic}-{number}, when: {ages} and {amounts}, then: {then}, because: x}}"
            )
        made += here
    return "\n".join(lines) + "\n"


def listed_policy(rules: int, *, topics: int = 40) -> str:
    """Return a policy of hand-off rules, each for one tool."""
    lines = [HEAD + "hand_offs:"]
    for number in range(rules):
        topic = f'tool.name == "t{number % topics}" and '
        condition = (
            f"amount > {1000 + number} USD",
            f"age > {100 + number} days",
            f"count < -{number + 1}",
            f"flag and count > {1000 + number}",
        )[number % 4]
        lines.append(f"  - {{id: r{number}, when: {topic}{condition}, to: a, because: x}}")
    return "\n".join(lines) + "\n"


def is_in(case: Mapping[str, FactValue], box: Box, space: Space) -> bool:
    """Tell whether a case lies in a box; what a box leaves open may be anything. Pure."""
    return all(_fits(case.get(name), extent, name, space) for name, extent in box.items())


def _fits(value: FactValue | None, extent: ValueSet, name: str, space: Space) -> bool:
    if isinstance(extent, Absent) or value is None:
        return isinstance(extent, Absent) and value is None
    match extent, value:
        case OneOf(values=values), str() if space.facts[name].type is Kind.TEXT:
            named = space.named.get(name, frozenset())
            return (value if value in named else OTHER) in values
        case OneOf(values=values), str() | bool():
            return value in values
        case Items(inside=inside, outside=outside), frozenset():
            return inside <= value and not outside & value
        case Interval(), Money() | Decimal() | timedelta() | time():
            if isinstance(value, Money) and extent.currencies and value.currency not in extent.currencies:
                return False
            size = size_of(value)
            point = Interval(size, size, currencies=extent.currencies)
            return meet(extent, point) is not None
        case _:
            return False
