"""A quarter of guarded traffic with known truth, told in the records that a store would hold.

Each week an assistant answers under the policy that is then in force. Which answers are wrong is known here
and nowhere else: an answer is wrong by chance, the more so the less sure it is, and where the *reference*
policy stops it for another reason than low confidence. People read what is handed off, and what is drawn of
the rest; some of them miss much. The model drifts, seasons change volume and amounts, and attackers ask for
just less than the limit in force, which they learn by trying.

The records are entries of the audit log, built from real decisions by the code that the store uses, so that
whatever reads a store's export reads these. `handrail simulate` writes them to a file.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from handrail.policy import Policy
from handrail.policy.file.load import loads
from handrail.records import FactValue
from handrail.review.log.cases import ReviewCase
from handrail.testing.plants import PlantedPolicy, plant
from handrail.testing.quarter_settings import QuarterSettings
from handrail.testing.simulated_cases import CaseWriter
from handrail.testing.simulated_exchange import SimulatedExchange
from handrail.testing.simulated_log import Held, decided, record_of
from handrail.testing.simulated_reading import SimulatedReaders
from handrail.testing.simulated_traffic import Traffic
from handrail.testing.traffic_plants import PROMPT

__all__ = ["Quarter", "QuarterSettings", "SimulatedWeek", "WeekTruth", "quarter"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeekTruth:
    """What was true of a week's exchanges, in their order: arrays of shape (n,).

    `chance` is P(wrong), `is_wrong` what came of it, `is_held` whether people got it, `is_wanted` whether the
    reference would have given it to people or stopped it. `planted` names for each one the kinds of what was
    planted in the traffic that it shows, with blanks between them.
    """

    exchanges: tuple[str, ...]
    score: np.ndarray
    chance: np.ndarray
    is_wrong: np.ndarray
    is_held: np.ndarray
    is_wanted: np.ndarray
    facts: tuple[Mapping[str, FactValue], ...]
    planted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWeek:
    """One week, counted from 0: entries as an export of the audit log holds them, by time, and the truth."""

    number: int
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
        self.reference = loads(planted.reference, folder=planted.folder)
        self.policy = loads(planted.text, folder=planted.folder)
        self._rng = np.random.default_rng(settings.seed)
        self._traffic = Traffic(
            settings, self.reference, self.policy, kinds=planted.traffic, tools=planted.tools
        )
        self.plants = (*planted.plants, *self._traffic.plants)
        self._readers = SimulatedReaders(settings, self.policy, self._traffic.plants, self._traffic.sample)
        self.drawn = self._traffic.drawn
        self._week = 0

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
        exchanges = self._traffic.week(self._rng, policy, week)
        held: list[Held] = []
        records: list[Mapping[str, Any]] = []
        for exchange in exchanges:
            entry = decided(exchange, self._rng, audit_rate)
            records.append(record_of(entry))
            if entry.scored is not None and (entry.scored["escalated"] or entry.scored["audited"]):
                held.append(
                    Held(exchange=exchange, is_ticket=bool(entry.ticket), role=entry.decision.role or "")
                )
        chosen = self._chosen(held, first)
        records += self._readers.read(week, held, chosen, self._rng)
        self._traffic.learn(exchanges)
        return SimulatedWeek(
            number=week,
            records=tuple(sorted(records, key=lambda record: str(record["at"]))),
            truth=_truth(exchanges),
        )

    def cases(self, week: SimulatedWeek) -> tuple[ReviewCase, ...]:
        """Return the tickets of a week that was played, with texts: a log holds none."""
        truth = week.truth
        prompt = next((plant for plant in self.plants if plant.kind == PROMPT), None)
        writer = CaseWriter(
            policy=self.policy,
            facts=dict(zip(truth.exchanges, truth.facts, strict=True)),
            planted=dict(zip(truth.exchanges, truth.planted, strict=True)),
            lowered=prompt.fact if prompt else "",
            rng=self.settings.chance("texts", week.number),
        )
        return tuple(writer.cases(week.records))

    def weeks(self) -> Iterator[SimulatedWeek]:
        """Play what is left of the quarter under the planted policy."""
        while self._week < self.settings.weeks:
            yield self.play()

    def _chosen(self, held: list[Held], first: Callable[[Mapping[str, FactValue]], bool] | None) -> set[int]:
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


def _in_turn(places: list[int], held: list[Held]) -> list[int]:
    """Return the places with tickets and drawn answers in turn."""
    tickets = [i for i in places if held[i].is_ticket]
    drawn = [i for i in places if not held[i].is_ticket]
    rows = zip_longest(tickets, drawn)
    return [i for row in rows for i in row if i is not None]


def _truth(exchanges: list[SimulatedExchange]) -> WeekTruth:
    return WeekTruth(
        exchanges=tuple(exchange.id for exchange in exchanges),
        score=np.array([exchange.score for exchange in exchanges]),
        chance=np.array([exchange.chance for exchange in exchanges]),
        is_wrong=np.array([exchange.is_wrong for exchange in exchanges], dtype=np.bool_),
        is_held=np.array([exchange.is_stopped for exchange in exchanges], dtype=np.bool_),
        is_wanted=np.array([exchange.is_wanted for exchange in exchanges], dtype=np.bool_),
        facts=tuple(exchange.facts for exchange in exchanges),
        planted=tuple(" ".join(sorted(exchange.planted)) for exchange in exchanges),
    )


def quarter(policy: str, settings: QuarterSettings | None = None, *, plants: tuple[str, ...] = ()) -> Quarter:
    """Return a quarter under a policy, given by its name or its file, with faults planted in it.

    Raises:
        ConfigError: the policy has nothing of a kind that is to be planted.
    """
    return Quarter(plant(policy, plants), settings or QuarterSettings())
