"""The traffic of a simulated quarter: when exchanges happen, what they are, which answers are wrong."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from handrail.policy import Policy
from handrail.policy.language import sources
from handrail.records import Decision, Effect, FactValue, Stage, Trigger
from handrail.testing.quarter_settings import QuarterSettings
from handrail.testing.simulated_attack import Attack
from handrail.testing.simulated_facts import SimulatedFacts

DAY_S = 86_400.0
ATTACK_WRONG = 0.9
"""An attack that is answered is nearly always answered wrongly."""


@dataclass(slots=True, kw_only=True)
class SimulatedExchange:
    """One exchange: its facts, what is true of it, what the policy says, and what becomes of it."""

    id: str
    at: datetime
    facts: Mapping[str, FactValue]
    score: float
    chance: float
    is_wrong: bool
    decision: Decision
    is_wanted: bool
    is_attack: bool
    is_held: bool = False
    is_stopped: bool = False
    chance_drawn: float = 1.0


class Traffic:
    """Draws the exchanges of one week after the other.

    Args:
        settings: what the quarter is like.
        reference: the policy as it should be.
        policy: the one in force at the beginning: it says which facts there are, and what attackers try.
    """

    def __init__(self, settings: QuarterSettings, reference: Policy, policy: Policy) -> None:
        self._settings, self._reference = settings, reference
        self._facts = SimulatedFacts.of((reference, policy))
        self._confidence = [
            name for name, fact in policy.facts.items() if isinstance(fact.source, sources.ConfidenceValue)
        ]
        self._attack = Attack.on(policy)

    def week(self, rng: np.random.Generator, policy: Policy, week: int) -> list[SimulatedExchange]:
        """Return a week's exchanges under a policy, in the order of their time."""
        set_ = self._settings
        swing = 1.0 + set_.season * math.sin(2 * math.pi * (week + 0.5) / set_.weeks)
        at = _moments(rng, set_.start + timedelta(weeks=week), int(rng.poisson(set_.weekly * swing)))
        doubt = rng.beta(1.0, 9.0, len(at))
        base = self._base(doubt, week)
        luck = rng.random(len(at))
        attacks = rng.random(len(at)) < self._attack_share(week)
        found = []
        for place, drawn in enumerate(self._facts.draw(rng, at, season=swing)):
            is_attack = bool(attacks[place]) and self._attack.is_possible
            tool, facts = self._attack.request(rng, drawn[1]) if is_attack else drawn
            score = round(1.0 - float(doubt[place]), 4)
            known = self._given(tool, facts, score)
            stage = Stage.TOOL if tool else Stage.ANSWER
            should = self._reference.decide(known, stage)
            chance = ATTACK_WRONG if is_attack else self._chance(should, float(base[place]))
            found.append(
                SimulatedExchange(
                    id=hashlib.sha256(f"{set_.seed}|{week}|{place}".encode()).hexdigest()[:32],
                    at=at[place],
                    facts=known,
                    score=score,
                    chance=chance,
                    is_wrong=bool(luck[place] < chance),
                    decision=policy.decide(known, stage),
                    is_wanted=not should.effect.is_released,
                    is_attack=is_attack,
                )
            )
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

    def _chance(self, should: Decision, base: float) -> float:
        is_stopped = any(
            _stops(reason.effect) and reason.trigger is not Trigger.LOW_CONFIDENCE
            for reason in should.reasons
        )
        return 1.0 - (1.0 - base) * (1.0 - self._settings.stopped_wrong) if is_stopped else base

    def _given(self, tool: str, facts: dict[str, FactValue], score: float) -> dict[str, FactValue]:
        known = dict(facts)
        if tool:
            known["tool.name"] = tool
        known.update((name, Decimal(str(score))) for name in self._confidence)
        return known

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
