"""Finds where in a policy's traffic something may be wrong that stands in no policy's text.

A rule whose tickets are always passed on, a role that is too small, a detector of false alarms, a customer
whose cases need nobody and one whose grant lets wrong ones pass, an edit that is made again and again, a fact
that is never known, a topic that people answer themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from handrail.errors import ConfigError
from handrail.policy import FactDeclaration, Kind, Policy
from handrail.policy.language import sources
from handrail.records import Effect, FactValue, Stage, Trigger, Unknown
from handrail.testing.plants import Plant
from handrail.testing.simulated_exchange import SimulatedExchange

ROLE, STAFFING, DETECTOR, GRANT, BAD_GRANT = "role", "staffing", "detector", "grant", "bad_grant"
PROMPT, FACT, TOPIC = "prompt", "fact", "topic"
SAMPLE_WEEKS: Final = 4
LOW_SCORE: Final = 0.25
"""How sure the assistant is where it does not know its way."""
_DETECTED: Final = frozenset({Trigger.SENSITIVE_DATA, Trigger.COMPLAINT, Trigger.ASKS_FOR_HUMAN})
_FEWEST, _FEWEST_OF_ROLE = 12, 80
"""Tickets in the sample that a rule and a role must have for something to be planted there."""
_SOON: Final = timedelta(hours=4)
_MOST_MISSED: Final = 0.15
"""A fact that more of the traffic rests on would leave the policy with nothing else to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A policy and some weeks of its traffic in which nothing is planted yet."""

    policy: Policy
    exchanges: Sequence[SimulatedExchange]

    def alone(self) -> Mapping[str, list[SimulatedExchange]]:
        """Return for each rule the exchanges that it alone hands off."""
        found: dict[str, list[SimulatedExchange]] = defaultdict(list)
        for exchange in self.exchanges:
            if len(exchange.rules) == 1:
                found[exchange.rules[0]].append(exchange)
        return found

    def answers(self) -> Iterator[SimulatedExchange]:
        """Yield the exchanges that go out to the customer and call no tool."""
        for exchange in self.exchanges:
            if not exchange.tool and exchange.decision.is_released:
                yield exchange


def find_plants(kinds: Sequence[str], sample: Sample) -> tuple[Plant, ...]:
    """Return a place for each kind, no two of which are about the same role or detector; pure.

    Raises:
        ConfigError: the policy's traffic has none for one of the kinds.
    """
    found: list[Plant] = []
    for kind in kinds:
        taken = frozenset(plant.role for plant in found if plant.role)
        found.append(IN_TRAFFIC[kind](sample, taken))
    return tuple(found)


def _role(sample: Sample, taken: frozenset[str]) -> Plant:
    alone, roles = sample.alone(), sample.policy.roles
    rules = [
        rule
        for rule in sample.policy.hand_offs
        if rule.role and not (rule.is_shadow or rule.is_built_in) and len(alone.get(rule.id, ())) >= _FEWEST
    ]
    for rule in sorted(rules, key=lambda each: -len(alone[each.id])):
        own = str(rule.role)
        plan = roles.get(own)
        nobody = {own, plan.backup if plan else None, *taken}
        others = [name for name in roles if name not in nobody]
        if own not in taken and others:
            return Plant(kind=ROLE, rule=rule.id, role=others[0])
    raise ConfigError("this policy has no rule whose tickets another role could decide; none can be planted")


def _staffing(sample: Sample, taken: frozenset[str]) -> Plant:
    count = Counter(exchange.decision.role for exchange in sample.exchanges if exchange.rules)
    roles = [
        (plan.answer_within > _SOON, -count[name], name)
        for name, plan in sample.policy.roles.items()
        if name not in taken and plan.answer_within is not None and count[name] >= _FEWEST_OF_ROLE
    ]
    if not roles:
        raise ConfigError("this policy has no role with a deadline that gets enough tickets to be too small")
    return Plant(kind=STAFFING, role=min(roles)[2])


def _detector(sample: Sample, _: frozenset[str]) -> Plant:
    quiet = next(sample.answers(), None)
    found: list[tuple[int, Plant]] = []
    for fact in sample.policy.facts.values() if quiet is not None else ():
        for item in _items(fact):
            known = with_item(quiet.facts if quiet else {}, fact.name, item)
            held = [one for one in sample.policy.decide(known, Stage.ANSWER).reasons if _is_hand_off(one)]
            if len(held) == 1 and held[0].trigger in _DETECTED:
                plant = Plant(kind=DETECTOR, rule=held[0].rule, fact=fact.name, item=item)
                found.append((len(sample.alone().get(plant.rule, ())), plant))
    if not found:
        raise ConfigError("this policy hands off nothing that a detector alone finds; none can be planted")
    return max(found, key=lambda each: each[0])[1]


def _is_hand_off(reason: object) -> bool:
    return getattr(reason, "effect", None) is Effect.HAND_OFF


def _items(fact: FactDeclaration) -> tuple[str, ...]:
    if fact.type is Kind.SET:
        return fact.values
    return ("",) if fact.type is Kind.YES_NO and isinstance(fact.source, sources.SignalSeen) else ()


def with_item(facts: Mapping[str, FactValue], fact: str, item: str) -> dict[str, FactValue]:
    """Return facts in which a detector found something: an item of a set, or a signal; pure."""
    return {**facts, fact: frozenset({item}) if item else True}


def _granted(kind: str) -> "Finder":
    def find(sample: Sample, _: frozenset[str]) -> Plant:
        """Only rules about high stakes can be lifted by a grant."""
        stakes = {rule.id for rule in sample.policy.hand_offs if rule.trigger is Trigger.HIGH_STAKES}
        alone = {rule: cases for rule, cases in sample.alone().items() if rule in stakes}
        if not alone:
            raise ConfigError(
                "no rule of this policy about high stakes hands off anything; none can be planted"
            )
        return Plant(kind=kind, rule=max(alone, key=lambda rule: len(alone[rule])))

    return find


def _prompt(sample: Sample, _: frozenset[str]) -> Plant:
    """An amount that people lower where there are enough, else answers to which they add a sentence."""
    count: Counter[str] = Counter()
    for exchange in sample.exchanges:
        if exchange.rules:
            count.update(amounts_of(sample.policy, exchange.facts))
    often = [(total, name) for name, total in count.items() if total >= 2 * _FEWEST]
    if often:
        return Plant(kind=PROMPT, fact=max(often)[1])
    if not any(one.rules and not one.tool for one in sample.exchanges):
        raise ConfigError("this policy hands off no draft that people could edit; none can be planted")
    return Plant(kind=PROMPT)


def amounts_of(policy: Policy, facts: Mapping[str, FactValue]) -> tuple[str, ...]:
    """Return the facts of a call that are amounts among its arguments; pure."""
    return tuple(
        name
        for name, value in facts.items()
        if name in policy.facts
        and isinstance(policy.facts[name].source, sources.ToolArgument)
        and policy.facts[name].type in (Kind.MONEY, Kind.NUMBER)
        and not isinstance(value, Unknown)
    )


def _fact(sample: Sample, _: frozenset[str]) -> Plant:
    scores = confidence_facts(sample.policy)
    some = sample.exchanges[: 25 * _FEWEST]
    missed: Counter[str] = Counter()
    for exchange in some:
        for name in exchange.facts:
            if name in scores or name not in sample.policy.facts or _is_at_hand(sample.policy.facts[name]):
                continue
            known = {**exchange.facts, name: Unknown(why="missing")}
            stage = Stage.TOOL if exchange.tool else Stage.ANSWER
            missed[name] += any(name in one.unknown for one in sample.policy.decide(known, stage).reasons)
    found = [(total, name) for name, total in missed.items() if 0 < total <= _MOST_MISSED * len(some)]
    if not found:
        raise ConfigError("this policy needs no fact that could be missing in part of the traffic")
    return Plant(kind=FACT, fact=max(found)[1])


def _is_at_hand(fact: FactDeclaration) -> bool:
    return isinstance(fact.source, sources.ToolName | sources.Clock)


def confidence_facts(policy: Policy) -> frozenset[str]:
    """Return the facts that hold how sure an answer is; pure."""
    return frozenset(
        name for name, fact in policy.facts.items() if isinstance(fact.source, sources.ConfidenceValue)
    )


def _topic(sample: Sample, _: frozenset[str]) -> Plant:
    scores = confidence_facts(sample.policy)
    low = Decimal(str(LOW_SCORE))
    for exchange in sample.answers():
        decision = sample.policy.decide({**exchange.facts, **dict.fromkeys(scores, low)}, Stage.ANSWER)
        held = [reason for reason in decision.reasons if _is_hand_off(reason)]
        if len(held) == 1 and held[0].trigger is Trigger.LOW_CONFIDENCE:
            return Plant(kind=TOPIC, rule=held[0].rule)
    raise ConfigError("this policy reads no answer that is unsure; a topic cannot be planted")


Finder = Callable[[Sample, frozenset[str]], Plant]
IN_TRAFFIC: Final[Mapping[str, Finder]] = {
    ROLE: _role,
    STAFFING: _staffing,
    DETECTOR: _detector,
    GRANT: _granted(GRANT),
    BAD_GRANT: _granted(BAD_GRANT),
    PROMPT: _prompt,
    FACT: _fact,
    TOPIC: _topic,
}
"""What can be planted in the traffic, by kind."""
IN_TEXTS: Final = frozenset({PROMPT, TOPIC})
"""What shows in the texts of tickets only, which no log holds."""
