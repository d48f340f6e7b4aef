"""What was planted in the traffic, as it shows in single exchanges: each carries one plant at most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import numpy as np

from handrail.records import Decision, Effect, FactValue, Unknown
from handrail.testing.plants import Plant
from handrail.testing.quarter_settings import QuarterSettings
from handrail.testing.simulated_exchange import SimulatedExchange
from handrail.testing.traffic_plants import (
    BAD_GRANT,
    DETECTOR,
    FACT,
    GRANT,
    LOW_SCORE,
    TOPIC,
    Sample,
    confidence_facts,
    with_item,
)

SHARES: Final[Mapping[str, float]] = {DETECTOR: 0.04, GRANT: 0.03, BAD_GRANT: 0.05, TOPIC: 0.03}
"""Share of the traffic that a false alarm, a customer and a topic make up."""
TOPIC_WRONG: Final = 0.95
"""Share of wrong answers about a topic of which the assistant knows nothing."""
GRANT_ID: Final = "grant-1"
CUSTOMER: Final = "customer-{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked in an exchange: the facts of it, how sure the assistant is, and P(wrong) if not fixed."""

    facts: Mapping[str, FactValue]
    score: float
    customer: str
    plant: str = ""

    @property
    def is_sound(self) -> bool:
        """True where nothing is the matter, whatever rules say of it."""
        return self.plant in (DETECTOR, GRANT)


class PlantedTraffic:
    """Puts what was planted into the exchanges of a quarter, beside customers and outages.

    Args:
        plants: what was planted outside of the policy's text.
        settings: what the quarter is like.
        sample: traffic without plants, from which cases of a rule are taken.
    """

    def __init__(self, plants: Sequence[Plant], settings: QuarterSettings, sample: Sample) -> None:
        self._settings = settings
        self._plants = {plant.kind: plant for plant in plants}
        self._scores = confidence_facts(sample.policy)
        alone = sample.alone()
        self._pools = {
            plant.kind: [dict(one.facts) for one in alone[plant.rule]]
            for plant in plants
            if plant.kind in (GRANT, BAD_GRANT)
        }
        if TOPIC in self._plants:
            self._pools[TOPIC] = [self._unsure(one) for one in sample.answers()]

    def week(self, week: int, count: int) -> "PlantedWeek":
        """Return what is planted in a week's exchanges."""
        kinds = [kind for kind in SHARES if kind in self._plants]
        drawn = np.full(count, "", dtype=object)
        if kinds:
            rng = self._settings.chance("planted", week)
            shares = [SHARES[kind] for kind in kinds]
            drawn = rng.choice(
                np.array(["", *kinds], dtype=object), size=count, p=[1.0 - sum(shares), *shares]
            )
        return PlantedWeek(
            kinds=drawn.tolist(),
            customers=self._customers(week, count),
            missing=self._outages(week, count),
            plants=self._plants,
            pools=self._pools,
            rng=self._settings.chance("requests", week),
        )

    def _unsure(self, exchange: SimulatedExchange) -> dict[str, FactValue]:
        return {**exchange.facts, **dict.fromkeys(self._scores, Decimal(str(LOW_SCORE)))}

    def _customers(self, week: int, count: int) -> list[str]:
        most = self._settings.customers
        if not most:
            return [""] * count
        weights = 1.0 / (np.arange(most) + 20.0)
        picked = self._settings.chance("customers", week).choice(most, size=count, p=weights / weights.sum())
        return [CUSTOMER.format(each) for each in picked.tolist()]

    def _outages(self, week: int, count: int) -> list[float | None]:
        """Return for each exchange which fact cannot be had, as a place from 0 to 1; None for none."""
        if not self._settings.outages:
            return [None] * count
        rng = self._settings.chance("outages", week)
        places, hit = rng.random(count).tolist(), (rng.random(count) < self._settings.outages).tolist()
        return [place if is_hit else None for place, is_hit in zip(places, hit, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedWeek:
    """One week of what is planted; see `PlantedTraffic`."""

    kinds: Sequence[str]
    customers: Sequence[str]
    missing: Sequence[float | None]
    plants: Mapping[str, Plant]
    pools: Mapping[str, Sequence[Mapping[str, FactValue]]]
    rng: np.random.Generator

    def request(self, place: int, facts: Mapping[str, FactValue], score: float) -> Request:
        """Return what is asked in place of what was drawn."""
        kind = self.kinds[place]
        request = Request(facts=facts, score=score, customer=self.customers[place], plant=kind)
        if kind in self.pools:
            pool = self.pools[kind]
            request = replace(request, facts=pool[int(self.rng.integers(len(pool)))])
        if kind == TOPIC:
            return replace(request, score=LOW_SCORE)
        if kind in (GRANT, BAD_GRANT):
            return replace(request, customer=CUSTOMER.format(kind))
        return request

    def seen(self, place: int, request: Request) -> dict[str, FactValue]:
        """Return the facts as they are known: with false alarms, and without what cannot be had."""
        known = dict(request.facts)
        if request.plant == DETECTOR:
            plant = self.plants[DETECTOR]
            known = with_item(known, plant.fact, plant.item)
        missing = self.missing[place]
        if missing is not None:
            names = [name for name in known if name != "tool.name"]
            if names:
                known[names[int(missing * len(names))]] = Unknown(why="missing")
        fact = self.plants.get(FACT)
        if fact is not None and fact.fact in known:
            known[fact.fact] = Unknown(why="missing")
        return known

    def finish(self, exchange: SimulatedExchange, request: Request) -> None:
        """Note what an exchange shows, and let a grant lift the rule that it is about."""
        exchange.customer = request.customer
        if request.plant and (request.plant != BAD_GRANT):
            exchange.planted.add(request.plant)
        fact = self.plants.get(FACT)
        if fact is not None and any(fact.fact in one.unknown for one in exchange.decision.reasons):
            exchange.planted.add(FACT)
        if request.plant == BAD_GRANT and exchange.rules == (self.plants[BAD_GRANT].rule,):
            exchange.decision, exchange.grant = _lifted(exchange.decision), GRANT_ID
            exchange.planted.add(BAD_GRANT)


def _lifted(decision: Decision) -> Decision:
    """Return a decision without its one hand-off, which a grant lifts."""
    kept = tuple(reason for reason in decision.reasons if reason.effect is not Effect.HAND_OFF)
    redacts = any(reason.effect is Effect.REDACT for reason in kept)
    return replace(
        decision,
        effect=Effect.REDACT if redacts else Effect.PASS,
        reasons=kept,
        role=None,
        co_approvers=(),
    )
