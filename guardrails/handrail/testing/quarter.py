"""A quarter of guarded traffic with known truth, told in the records that a store would hold.

Each week an assistant answers under the policy that is then in force. Which answers are wrong is known here
and nowhere else: an answer is wrong by chance, the more so the less sure it is, and where the *reference*
policy stops it for another reason than low confidence. People read what is handed off, and what is drawn of
the rest; some of them miss much. The model drifts, seasons change volume and amounts, and attackers ask for
just less than the limit in force, which they learn by trying.

The records are entries of the audit log, built from real decisions by the code that the store uses, so that
whatever reads a store's export reads these. `handrail simulate` writes them to a file.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import numpy as np

from handrail.policy import Policy
from handrail.policy.file.load import loads
from handrail.policy.language import sources
from handrail.records import Confidence, Decision, Effect, FactValue, Stage, Trigger
from handrail.store.audit.entry import event_of
from handrail.testing.plants import PlantedPolicy, plant
from handrail.testing.simulated_attack import Attack
from handrail.testing.simulated_facts import SimulatedFacts
from handrail.testing.simulated_people import SimulatedReviewer, staff
from handrail.tickets.ports import DecisionEntry

TENANT = "default"
MODEL, PROMPT, METHOD = "simulated-model", "0" * 64, "simulated"
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterSettings:
    """What a quarter is like. Every number is part of its truth.

    Args:
        seed: the same seed plays the same quarter.
        weeks: how many.
        weekly: exchanges of a week, before the season.
        start: first moment, a Monday.
        wrong: share of wrong answers at the beginning, of those that no rule of the reference stops.
        stopped_wrong: share of wrong ones among those that it does stop.
        drift_week: from when on the model is worse, counted from 0; None for never.
        drift: what the odds of a wrong answer are multiplied by from then on.
        attack_week: from when on attackers come; None for never.
        attack_share: share of the traffic that they reach within four weeks.
        season: how much volume and amounts swing over the quarter.
        people: who reads.
        answers_weekly: cases that people can read in a week; what they cannot, expires. None for all.
    """

    seed: int = 0
    weeks: int = 13
    weekly: int = 400
    start: datetime = datetime(2026, 8, 31, tzinfo=UTC)
    wrong: float = 0.07
    stopped_wrong: float = 0.6
    drift_week: int | None = None
    drift: float = 3.0
    attack_week: int | None = None
    attack_share: float = 0.04
    season: float = 0.2
    people: tuple[SimulatedReviewer, ...] = field(default_factory=lambda: staff(honest=6, stampers=0))
    answers_weekly: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeekTruth:
    """What was true of a week's exchanges, in their order: arrays of shape (n,).

    `chance` is P(wrong), `is_wrong` what came of it, `is_held` whether people got it, `is_wanted` whether the
    reference would have given it to people or stopped it.
    """

    exchanges: tuple[str, ...]
    score: np.ndarray
    chance: np.ndarray
    is_wrong: np.ndarray
    is_held: np.ndarray
    is_wanted: np.ndarray
    facts: tuple[Mapping[str, FactValue], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWeek:
    """One week: entries as an export of the audit log holds them, by time, and the truth behind them."""

    records: tuple[Mapping[str, Any], ...]
    truth: WeekTruth


class Quarter:
    """Plays a quarter week by week, so that what people change in between has its effect.

    Args:
        planted: the policy as it should be, and as it is at the beginning; see `plants.plant`.
        settings: what the quarter is like.
    """

    def __init__(self, planted: PlantedPolicy | str, settings: QuarterSettings) -> None:
        if isinstance(planted, str):
            planted = plant(planted)
        self.planted, self.settings = planted, settings
        self.reference = loads(planted.reference)
        self.policy = loads(planted.text)
        self._rng = np.random.default_rng(settings.seed)
        self._facts = SimulatedFacts.of((self.reference, self.policy))
        self._confidence = [
            name
            for name, fact in self.policy.facts.items()
            if isinstance(fact.source, sources.ConfidenceValue)
        ]
        self._week = 0
        self._attack = Attack.on(self.policy)

    def play(
        self,
        policy: Policy | None = None,
        *,
        audit_rate: float = 0.1,
        first: Callable[[Mapping[str, FactValue]], bool] | None = None,
    ) -> SimulatedWeek:
        """Play the next week.

        Args:
            policy: the one in force; the planted one if not given.
            audit_rate: chance with which a passed answer is drawn to be read.
            first: of which facts people read the cases first where they cannot read all, for five sixths of
                their time.
        """
        policy = policy or self.policy
        week, self._week = self._week, self._week + 1
        set_ = self.settings
        swing = 1.0 + set_.season * math.sin(2 * math.pi * (week + 0.5) / set_.weeks)
        count = int(self._rng.poisson(set_.weekly * swing))
        at = self._moments(week, count)
        exchanges = self._exchanges(policy, week, at, swing)
        held: list[_Held] = []
        records: list[Mapping[str, Any]] = []
        for exchange in exchanges:
            entry = self._entry(exchange, policy, audit_rate)
            records.append(_record(entry))
            if entry.scored is not None and (entry.scored["escalated"] or entry.scored["audited"]):
                held.append(
                    _Held(exchange=exchange, is_ticket=bool(entry.ticket), role=entry.decision.role or "")
                )
        records += self._people(held, first)
        self._attack.learn([one.is_stopped for one in exchanges if one.is_attack])
        return SimulatedWeek(
            records=tuple(sorted(records, key=lambda record: str(record["at"]))), truth=_truth(exchanges)
        )

    def weeks(self) -> Iterator[SimulatedWeek]:
        """Play what is left of the quarter under the planted policy."""
        while self._week < self.settings.weeks:
            yield self.play()

    def _moments(self, week: int, count: int) -> list[datetime]:
        start = self.settings.start + timedelta(weeks=week)
        # Working days carry most of the traffic, daytime nearly all of it.
        days = self._rng.choice(7, size=count, p=(0.17, 0.17, 0.17, 0.17, 0.16, 0.09, 0.07))
        hours = np.clip(self._rng.normal(14.0, 3.0, count), 0.0, 23.5)
        seconds = np.sort(days * DAY_S + hours * 3600.0 + self._rng.random(count))
        return [start + timedelta(seconds=round(float(each), 3)) for each in seconds]

    def _exchanges(self, policy: Policy, week: int, at: list[datetime], swing: float) -> list["_Exchange"]:
        set_, rng = self.settings, self._rng
        doubt = rng.beta(1.0, 9.0, len(at))
        is_drifted = set_.drift_week is not None and week >= set_.drift_week
        base = np.clip(10.0 * set_.wrong * doubt, 0.0, 0.95)
        if is_drifted:
            odds = set_.drift * base / (1.0 - base)
            base = odds / (1.0 + odds)
        luck = rng.random(len(at))
        attacks = rng.random(len(at)) < self._attack_share(week)
        found = []
        for place, drawn in enumerate(self._facts.draw(rng, at, season=swing)):
            is_attack = bool(attacks[place]) and self._attack.is_possible
            tool, facts = self._attack.request(rng, drawn[1]) if is_attack else drawn
            score = round(1.0 - float(doubt[place]), 4)
            known = self._given(tool, facts, score)
            stage = Stage.TOOL if tool else Stage.ANSWER
            should = self.reference.decide(known, stage)
            stopped = [
                r for r in should.reasons if _stops(r.effect) and r.trigger is not Trigger.LOW_CONFIDENCE
            ]
            chance = float(base[place])
            if stopped:
                chance = 1.0 - (1.0 - chance) * (1.0 - set_.stopped_wrong)
            if is_attack:
                chance = 0.9
            found.append(
                _Exchange(
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

    def _given(self, tool: str, facts: dict[str, FactValue], score: float) -> dict[str, FactValue]:
        known = dict(facts)
        if tool:
            known["tool.name"] = tool
        known.update((name, Decimal(str(score))) for name in self._confidence)
        return known

    def _attack_share(self, week: int) -> float:
        first = self.settings.attack_week
        if first is None or week < first:
            return 0.0
        return self.settings.attack_share * min(1.0, (week - first + 1) / 4)

    def _entry(self, exchange: "_Exchange", policy: Policy, audit_rate: float) -> DecisionEntry:
        decision = exchange.decision
        is_held = any(reason.effect is Effect.HAND_OFF for reason in decision.reasons)
        is_blocked = not decision.effect.is_released and not is_held
        chance = 1.0 if is_held else audit_rate
        exchange.is_held = is_held
        exchange.is_stopped = is_held or is_blocked
        exchange.chance_drawn = chance
        scored = {
            "score": exchange.score,
            "method": METHOD,
            "model": MODEL,
            "prompt_sha256": PROMPT,
            "audit_probability": chance,
            "audit_floor": audit_rate,
            "audit_lowest": None,
            "audited": is_held or bool(self._rng.random() < chance),
            "escalated": is_held,
            "signals": {},
        }
        return DecisionEntry(
            decision=decision,
            exchange=exchange.id,
            tenant=TENANT,
            at=exchange.at,
            model=MODEL,
            confidence=Confidence(value=exchange.score, method=METHOD),
            scored=None if is_blocked else scored,
            ticket=exchange.id if is_held else None,
        )

    def _chosen(
        self, held: list["_Held"], first: Callable[[Mapping[str, FactValue]], bool] | None
    ) -> set[int]:
        """Return the cases that people get to: some they were asked to read first, the rest by chance.

        Of each part half are drawn answers, as far as there are as many.
        """
        order = self._rng.permutation(len(held)).tolist()
        most = self.settings.answers_weekly
        if most is None or most >= len(held):
            return set(order)
        asked = [i for i in order if first is not None and first(held[i].exchange.facts)]
        chosen = _in_turn(asked, held)[: 5 * most // 6]
        taken = set(chosen)
        rest = _in_turn([i for i in order if i not in taken], held)
        return taken | set(rest[: most - len(chosen)])

    def _people(
        self, held: list["_Held"], first: Callable[[Mapping[str, FactValue]], bool] | None
    ) -> Iterator[Mapping[str, Any]]:
        set_, rng = self.settings, self._rng
        chosen = self._chosen(held, first)
        seen: Counter[tuple[str, str]] = Counter()
        picks = rng.integers(len(set_.people), size=len(held))
        waits = rng.lognormal(math.log(480.0), 0.8, len(held))
        for place, case in enumerate(held):
            person = set_.people[picks[place]]
            if place not in chosen:
                if case.is_ticket:
                    gone = case.exchange.at + timedelta(days=1)
                    yield _event(case, "ticket.expire", gone, "", {})
                continue
            taken = case.exchange.at + timedelta(seconds=float(waits[place]))
            done = taken + timedelta(seconds=person.took(rng))
            day = (person.name, f"{taken:%j}")
            verdict = person.verdict(rng, is_wrong=case.exchange.is_wrong, before=seen[day])
            seen[day] += 1
            if not case.is_ticket:
                yield _event(case, "answer.view", taken, person.name, {"exchange": case.exchange.id})
                said = "right" if verdict == "approve" else "wrong"
                judged = {"exchange": case.exchange.id, "verdict": said}
                yield _event(case, "answer.judge", done, person.name, judged)
                continue
            yield _event(case, "ticket.claim", taken, person.name, {})
            kind = "approve" if verdict in ("approve", "edit") else verdict
            yield _event(case, f"ticket.{kind}", done, person.name, {"verdict": verdict})


@dataclass(slots=True, kw_only=True)
class _Exchange:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    exchange: _Exchange
    is_ticket: bool
    role: str


def _in_turn(places: list[int], held: list[_Held]) -> list[int]:
    """Return the places with tickets and drawn answers in turn."""
    tickets = [i for i in places if held[i].is_ticket]
    drawn = [i for i in places if not held[i].is_ticket]
    rows = zip_longest(tickets, drawn)
    return [i for row in rows for i in row if i is not None]


def _stops(effect: Effect) -> bool:
    return effect in (Effect.HAND_OFF, Effect.BLOCK)


def _hashed(*values: str) -> str:
    return hashlib.sha256("|".join(values).encode()).hexdigest()


def _record(entry: DecisionEntry) -> Mapping[str, Any]:
    event = event_of(entry, _hashed)
    return {
        "tenant": event.tenant,
        "ticket": event.ticket,
        "version": event.version,
        "kind": event.kind,
        "actor": event.actor,
        "role": event.role,
        "at": event.at.isoformat(),
        "data": dict(event.data),
    }


def _event(case: _Held, kind: str, at: datetime, actor: str, data: Mapping[str, object]) -> Mapping[str, Any]:
    return {
        "tenant": TENANT,
        "ticket": case.exchange.id if case.is_ticket else "",
        "version": 2,
        "kind": kind,
        "actor": actor,
        "role": case.role,
        "at": at.isoformat(),
        "data": dict(data),
    }


def _truth(exchanges: list[_Exchange]) -> WeekTruth:
    return WeekTruth(
        exchanges=tuple(exchange.id for exchange in exchanges),
        score=np.array([exchange.score for exchange in exchanges]),
        chance=np.array([exchange.chance for exchange in exchanges]),
        is_wrong=np.array([exchange.is_wrong for exchange in exchanges], dtype=np.bool_),
        is_held=np.array([exchange.is_stopped for exchange in exchanges], dtype=np.bool_),
        is_wanted=np.array([exchange.is_wanted for exchange in exchanges], dtype=np.bool_),
        facts=tuple(exchange.facts for exchange in exchanges),
    )


def quarter(policy: str, settings: QuarterSettings | None = None, *, plants: tuple[str, ...] = ()) -> Quarter:
    """Return a quarter under a policy, given by its name or its file, with faults planted in it.

    Raises:
        ConfigError: the policy has nothing of a kind that is to be planted.
    """
    return Quarter(plant(policy, plants), settings or QuarterSettings())
