"""The traffic of a simulated quarter: when exchanges happen, what they are, which answers are wrong."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from handrail.policy import Policy
from handrail.policy.language import sources
from handrail.records import Decision, Effect, FactValue, Stage, Trigger
from handrail.testing.planted_traffic import TOPIC_WRONG, PlantedTraffic, Request
from handrail.testing.quarter_settings import QuarterSettings
from handrail.testing.simulated_attack import Attack
from handrail.testing.simulated_exchange import SimulatedExchange
from handrail.testing.simulated_facts import SimulatedFacts
from handrail.testing.traffic_plants import SAMPLE_WEEKS, TOPIC, Sample, find_plants

DAY_S = 86_400.0
DOUBT: Final = 9.0
"""How unsure answers are is Beta(1, `DOUBT`): at least so unsure as d are (1 - d) ** `DOUBT` of them."""
ATTACK_WRONG = 0.9
"""An attack that is answered is nearly always answered wrongly."""


class Traffic:
    """Draws the exchanges of one week after the other.

    Args:
        settings: what the quarter is like.
        reference: the policy as it should be.
        policy: the one in force at the beginning: it says which facts there are, and what attackers try.
        kinds: what is planted in the traffic.
        tools: tools that only the tests of the policy's file name.

    Raises:
        ConfigError: the policy's traffic has no place for something that is to be planted.
    """

    def __init__(
        self,
        settings: QuarterSettings,
        reference: Policy,
        policy: Policy,
        *,
        kinds: Sequence[str] = (),
        tools: Sequence[str] = (),
    ) -> None:
        self._settings, self._reference, self._tools = settings, reference, tuple(tools)
        self._facts = SimulatedFacts.of((reference, policy), tools)
        self._confidence = [
            name for name, fact in policy.facts.items() if isinstance(fact.source, sources.ConfidenceValue)
        ]
        self._attack = Attack.on(policy)
        self.drawn = (*self._facts.in_words(), *self._doubt_in_words())
        self.sample = Sample(policy, ())
        self._planted = PlantedTraffic((), settings, self.sample)
        if kinds:
            self.sample = self._sampled(policy)
        self.plants = find_plants(kinds, self.sample)
        self._planted = PlantedTraffic(self.plants, settings, self.sample)

    def _sampled(self, policy: Policy) -> Sample:
        """Return some weeks in which nothing is planted yet."""
        rng = self._settings.chance("sample")
        calm = replace(self._settings, attack_week=None, drift_week=None, season=0.0, outages=0.0)
        traffic = Traffic(calm, self._reference, policy, tools=self._tools)
        return Sample(
            policy, [one for week in range(SAMPLE_WEEKS) for one in traffic.week(rng, policy, week)]
        )

    def week(self, rng: np.random.Generator, policy: Policy, week: int) -> list[SimulatedExchange]:
        """Return a week's exchanges under a policy, in the order of their time."""
        set_ = self._settings
        swing = 1.0 + set_.season * math.sin(2 * math.pi * (week + 0.5) / set_.weeks)
        at = _moments(rng, set_.start + timedelta(weeks=week), int(rng.poisson(set_.weekly * swing)))
        doubt = rng.beta(1.0, DOUBT, len(at))
        base = self._base(doubt, week)
        luck = rng.random(len(at))
        attacks = rng.random(len(at)) < self._attack_share(week)
        planted = self._planted.week(week, len(at))
        found = []
        for place, drawn in enumerate(self._facts.draw(rng, at, season=swing)):
            is_attack = bool(attacks[place]) and self._attack.is_possible
            tool, facts = self._attack.request(rng, drawn[1]) if is_attack else drawn
            score = round(1.0 - float(doubt[place]), 4)
            request = planted.request(place, self._given(tool, facts, score), score)
            stage = Stage.TOOL if "tool.name" in request.facts else Stage.ANSWER
            should = self._reference.decide(request.facts, stage)
            chance = ATTACK_WRONG if is_attack else self._chance(should, request, float(base[place]))
            known = planted.seen(place, request)
            exchange = SimulatedExchange(
                id=hashlib.sha256(f"{set_.seed}|{week}|{place}".encode()).hexdigest()[:32],
                at=at[place],
                facts=known,
                score=request.score,
                chance=chance,
                is_wrong=bool(luck[place] < chance),
                decision=policy.decide(known, stage),
                is_wanted=not (should.effect.is_released or request.is_sound),
                is_attack=is_attack,
            )
            planted.finish(exchange, request)
            found.append(exchange)
        return found

    def learn(self, week: Sequence[SimulatedExchange]) -> None:
        """Let attackers learn from what became of a week."""
        self._attack.learn([one.is_stopped for one in week if one.is_attack])

    def _base(self, doubt: np.ndarray, week: int) -> np.ndarray:
        """Return P(wrong) of answers that no rule of the reference stops."""
        set_ = self._settings
        base: np.ndarray = np.clip(10.0 * set_.wrong * doubt, 0.0, 0.95)
        if set_.drift_week is not None and week >= set_.drift_week:
            odds = set_.drift * base / (1.0 - base)
            base = odds / (1.0 + odds)
        return base

    def _chance(self, should: Decision, request: Request, base: float) -> float:
        if request.plant == TOPIC:
            return TOPIC_WRONG
        is_stopped = not request.is_sound and any(
            _stops(reason.effect) and reason.trigger is not Trigger.LOW_CONFIDENCE
            for reason in should.reasons
        )
        return 1.0 - (1.0 - base) * (1.0 - self._settings.stopped_wrong) if is_stopped else base

    def _given(self, tool: str, facts: dict[str, FactValue], score: float) -> dict[str, FactValue]:
        known = {**facts, **self._facts.tools.facts(tool)}
        known.update((name, Decimal(str(score))) for name in self._confidence)
        return known

    def _doubt_in_words(self) -> Iterator[str]:
        if self._confidence:
            middle, low = (share ** (1.0 / DOUBT) for share in (0.5, 0.05))
            yield f"drawn: {', '.join(self._confidence)}: around {middle:.2f}, below {low:.2f} in 5%"

    def _attack_share(self, week: int) -> float:
        first = self._settings.attack_week
        if first is None or week < first:
            return 0.0
        return self._settings.attack_share * min(1.0, (week - first + 1) / 4)


def _moments(rng: np.random.Generator, start: datetime, count: int) -> list[datetime]:
    # Working days carry most of the traffic, daytime nearly all of it.
    days = rng.choice(7, size=count, p=(0.17, 0.17, 0.17, 0.17, 0.16, 0.09, 0.07))
    hours = np.clip(rng.normal(14.0, 3.0, count), 0.0, 23.5)
    seconds = np.sort(days * DAY_S + hours * 3600.0 + rng.random(count))
    return [start + timedelta(seconds=round(float(each), 3)) for each in seconds]


def _stops(effect: Effect) -> bool:
    return effect in (Effect.HAND_OFF, Effect.BLOCK)
