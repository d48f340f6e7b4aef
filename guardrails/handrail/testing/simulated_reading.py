"""What people do with the cases of a simulated week, and when: the entries that the log gets of it."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from handrail.policy import Policy
from handrail.testing.plants import Plant
from handrail.testing.quarter_settings import QuarterSettings
from handrail.testing.simulated_log import Held, event_record
from handrail.testing.simulated_people import SimulatedReviewer
from handrail.testing.simulated_queue import SimulatedQueue, Turn
from handrail.testing.traffic_plants import PROMPT, ROLE, STAFFING, TOPIC, Sample, amounts_of

MEDIAN_WAIT_S, SPREAD = 480.0, 0.8
"""How long a case waits until somebody takes it: log-normal."""
PASSED_ON: Final = 0.9
"""Share of a rule's tickets that are passed on where another role decides them."""
SAME_EDIT: Final = 0.9
"""Share of the corrections of a kind of case that are one kind of edit, where one is planted."""
BY_HAND: Final = 0.8
"""Share of the corrections about an unknown topic that are answers of people's own."""
_PASSING_ON_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    case: Held
    person: SimulatedReviewer
    taken: datetime
    done: datetime
    verdict: str


class SimulatedReaders:
    """The people of a quarter, with what was planted among them.

    Args:
        settings: what the quarter is like.
        policy: the policy in force at the beginning.
        plants: what was planted outside of its text.
        sample: ordinary weeks of traffic, by which a role is made too small.
    """

    def __init__(
        self, settings: QuarterSettings, policy: Policy, plants: Sequence[Plant], sample: Sample
    ) -> None:
        self._settings, self._policy = settings, policy
        self._plants = {plant.kind: plant for plant in plants}
        self._queue: SimulatedQueue | None = None
        if STAFFING in self._plants:
            role = self._plants[STAFFING].role
            moments = [one.at for one in sample.exchanges if one.rules and one.decision.role == role]
            self._queue = SimulatedQueue.too_small(policy.roles[role], moments)

    def read(
        self, week: int, held: Sequence[Held], chosen: Collection[int], rng: np.random.Generator
    ) -> Iterator[Mapping[str, Any]]:
        """Yield what people do with a week's cases.

        Args:
            week: its number.
            held: the cases, in the order of their time.
            chosen: the places of those that they get to; tickets that they do not get to expire after a day.
            rng: where chance comes from, but for what is planted.
        """
        people = self._settings.people
        seen: Counter[tuple[str, str]] = Counter()
        picks = rng.integers(len(people), size=len(held))
        waits = rng.lognormal(math.log(MEDIAN_WAIT_S), SPREAD, len(held))
        own = self._settings.chance("reading", week)
        turns = self._turns(held, chosen, own)
        for place, case in enumerate(held):
            person = people[picks[place]]
            if place not in chosen:
                if case.is_ticket:
                    gone = case.exchange.at + timedelta(days=1)
                    yield event_record(case, "ticket.expire", gone, "", {})
                continue
            taken = case.exchange.at + timedelta(seconds=float(waits[place]))
            done = taken + timedelta(seconds=person.took(rng))
            day = (person.name, f"{taken:%j}")
            verdict = person.verdict(rng, is_wrong=case.exchange.is_wrong, before=seen[day])
            seen[day] += 1
            reading = _Reading(case=case, person=person, taken=taken, done=done, verdict=verdict)
            yield from self._told(self._planted(reading, own), turns.get(place), own)

    def _turns(
        self, held: Sequence[Held], chosen: Collection[int], rng: np.random.Generator
    ) -> dict[int, Turn]:
        if self._queue is None:
            return {}
        role = self._plants[STAFFING].role
        places = [i for i, case in enumerate(held) if case.is_ticket and case.role == role and i in chosen]
        turns = self._queue.turns([held[i].exchange.at for i in places], rng)
        return dict(zip(places, turns, strict=True))

    def _planted(self, reading: _Reading, rng: np.random.Generator) -> _Reading:
        """Return a reading with the verdict that is planted for its kind of case."""
        exchange = reading.case.exchange
        if not reading.case.is_ticket or reading.verdict == "approve":
            return reading
        if TOPIC in exchange.planted:
            return replace(reading, verdict="answer" if rng.random() < BY_HAND else "edit")
        prompt = self._plants.get(PROMPT)
        if prompt is None or not exchange.is_wrong:
            return reading
        is_meant = (
            prompt.fact in amounts_of(self._policy, exchange.facts) if prompt.fact else not exchange.tool
        )
        if is_meant and rng.random() < SAME_EDIT:
            exchange.planted.add(PROMPT)
            return replace(reading, verdict="edit")
        return reading

    def _told(
        self, reading: _Reading, turn: Turn | None, rng: np.random.Generator
    ) -> Iterator[Mapping[str, Any]]:
        if not reading.case.is_ticket:
            return _of_drawn(reading)
        if turn is not None:
            return self._in_turn(reading, turn)
        plant = self._plants.get(ROLE)
        is_passed_on = plant is not None and reading.case.exchange.rules == (plant.rule,)
        if plant is not None and is_passed_on and rng.random() < PASSED_ON:
            return self._passed_on(reading, plant.role, rng)
        return _of_ticket(reading)

    def _in_turn(self, reading: _Reading, turn: Turn) -> Iterator[Mapping[str, Any]]:
        if not turn.is_late:
            yield from _of_ticket(replace(reading, taken=turn.taken, done=turn.done))
            return
        case = reading.case
        case.exchange.planted.add(STAFFING)
        plan = self._policy.roles[case.role]
        if plan.backup is None:
            yield event_record(case, "ticket.expire", turn.done, "", {})
            return
        yield event_record(case, "ticket.escalate", turn.taken, "", {"to": plan.backup})
        later = turn.taken - case.exchange.at
        gone_on = replace(case, role=plan.backup)
        yield from _of_ticket(
            replace(reading, case=gone_on, taken=reading.taken + later, done=reading.done + later)
        )

    def _passed_on(
        self, reading: _Reading, role: str, rng: np.random.Generator
    ) -> Iterator[Mapping[str, Any]]:
        case, people = reading.case, self._settings.people
        case.exchange.planted.add(ROLE)
        first = people[int(rng.integers(len(people)))].name
        yield event_record(case, "ticket.claim", reading.taken, first, {})
        gone = reading.taken + timedelta(seconds=_PASSING_ON_S)
        yield event_record(case, "ticket.reassign", gone, first, {"to": role, "why": ""})
        later = timedelta(seconds=2 * _PASSING_ON_S)
        yield from _of_ticket(
            replace(
                reading, case=replace(case, role=role), taken=reading.taken + later, done=reading.done + later
            )
        )


def _of_drawn(reading: _Reading) -> Iterator[Mapping[str, Any]]:
    case, name = reading.case, reading.person.name
    yield event_record(case, "answer.view", reading.taken, name, {"exchange": case.exchange.id})
    said = "right" if reading.verdict == "approve" else "wrong"
    judged = {"exchange": case.exchange.id, "verdict": said}
    yield event_record(case, "answer.judge", reading.done, name, judged)


def _of_ticket(reading: _Reading) -> Iterator[Mapping[str, Any]]:
    yield event_record(reading.case, "ticket.claim", reading.taken, reading.person.name, {})
    kind = "approve" if reading.verdict in ("approve", "edit") else reading.verdict
    yield event_record(
        reading.case, f"ticket.{kind}", reading.done, reading.person.name, {"verdict": reading.verdict}
    )
