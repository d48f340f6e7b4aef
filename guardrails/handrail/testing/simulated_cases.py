"""The tickets of a simulated week with texts, as a review of a store reads them: asked, proposed, decided."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import numpy as np

from handrail.policy import Policy
from handrail.policy.language import sources
from handrail.policy.runtime.log_row import read_row
from handrail.records import FactValue, Money
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.log.log_cases import log_cases
from handrail.testing.traffic_plants import PROMPT, TOPIC

LOWERED: Final = Decimal("0.9")
ADDED_SENTENCE: Final = "Please keep the receipt until the parcel has arrived."
TOPIC_WORD: Final = "voltage"
_VOCABULARY: Final = """
    account address adapter answer battery bottle branch button cable camera carton charge colour
    contract counter cover cushion damage delivery deposit desk display driver engine entry filter
    folder frame garden gift glass handle helmet holiday hotel invoice jacket kettle kitchen label lamp
    leather letter manual meeting member mirror monitor morning notebook number office order package
    paper parcel partner payment phone picture pillow plan plate portal present printer product project
    query question record refill release remote rental repair report reserve return sample screen season
    seller series service session sheet shelf shipment shirt signal sofa speaker store summer supply
    switch table tablet ticket timer travel tunnel update upload vendor voucher wallet warranty watch
    window winter writer yellow zipper
    """
_WORDS: Final = tuple(_VOCABULARY.split())
_OPENINGS: Final = (
    "Hello, I have",
    "Good morning, there is",
    "Can you help me with",
    "I would like to know about",
)
_DRAFTS: Final = (
    "Thank you for your message about the {}. It will be with you within a few days. "
    "If anything about the {} is missing, please tell us and we will look into it.",
    "We have looked at your {} and found nothing wrong. You can see the {} in your account at any time.",
    "Your {} is covered. To go on we need the number that is printed on the {}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWriter:
    """Writes what was said in a week's tickets.

    Args:
        policy: says which facts are arguments of tools.
        facts: the facts of each exchange.
        planted: the kinds of plants that each exchange shows.
        lowered: the fact that people lower, where that is planted.
        rng: where words come from.
    """

    policy: Policy
    facts: Mapping[str, Mapping[str, FactValue]]
    planted: Mapping[str, str]
    lowered: str
    rng: np.random.Generator

    def cases(self, records: Sequence[Mapping[str, Any]]) -> Iterator[ReviewCase]:
        """Yield the tickets that some records tell of, with their texts."""
        rows = [row for row in map(read_row, records) if row is not None]
        for case in log_cases(rows):
            if case.id in self.facts:
                yield self._written(case)

    def _written(self, case: ReviewCase) -> ReviewCase:
        facts, planted = self.facts[case.id], self.planted[case.id].split()
        about = TOPIC_WORD if TOPIC in planted else self._word()
        wanted = f"{_OPENINGS[self._below(len(_OPENINGS))]} the {about}, the {self._word()} {self._word()}."
        tool = str(facts.get("tool.name", ""))
        if not tool:
            draft = _DRAFTS[self._below(len(_DRAFTS))].format(about, self._word())
            return replace(case, wanted=wanted, proposed=draft, resolved=self._answer(case, draft, planted))
        proposed = {
            "reference": f"A-{self._below(90_000) + 10_000}",
            "note": f"{self._word()} {self._word()}",
        }
        proposed |= {path: value for path, value, _ in self._arguments(tool, facts)}
        resolved = self._call(case, tool, proposed, planted)
        return replace(case, wanted=wanted, tool=tool, proposed=json.dumps(proposed), resolved=resolved)

    def _answer(self, case: ReviewCase, draft: str, planted: Sequence[str]) -> str:
        if case.ending is TicketEnding.APPROVED:
            return draft
        if case.ending is TicketEnding.ANSWERED:
            return _DRAFTS[self._below(len(_DRAFTS))].format(self._word(), self._word())
        if case.ending is not TicketEnding.EDITED:
            return ""
        if PROMPT in planted:
            return f"{draft} {ADDED_SENTENCE}"
        words = draft.split()
        for _ in range(4):
            words[self._below(len(words))] = self._word()
        return " ".join(words)

    def _call(self, case: ReviewCase, tool: str, proposed: Mapping[str, str], planted: Sequence[str]) -> str:
        if case.ending is TicketEnding.ANSWERED:
            return _DRAFTS[0].format(self._word(), self._word())
        if case.ending is not TicketEnding.EDITED:
            return json.dumps(proposed) if case.ending is TicketEnding.APPROVED else ""
        amounts = [(path, name) for path, _, name in self._arguments(tool, self.facts[case.id]) if name]
        changed = dict(proposed)
        for path, name in amounts:
            if PROMPT in planted and name == self.lowered:
                changed[path] = _times(changed[path], LOWERED)
                return json.dumps(changed)
        if amounts:
            path, _ = amounts[self._below(len(amounts))]
            changed[path] = _times(
                changed[path], Decimal(str(round(float(np.exp(self.rng.normal(0, 0.8))), 2)))
            )
        else:
            changed["note"] = f"{changed['note']} {self._word()}"
        return json.dumps(changed)

    def _arguments(self, tool: str, facts: Mapping[str, FactValue]) -> Iterator[tuple[str, str, str]]:
        """Yield path and value of what a tool is called with, and the fact's name where it is an amount."""
        for name, value in facts.items():
            fact = self.policy.facts.get(name)
            if fact is None or not isinstance(fact.source, sources.ToolArgument):
                continue
            path = ".".join(fact.source.path_in(tool) or ())
            if path and isinstance(value, Money):
                yield path, str(value.amount), name
            elif path and isinstance(value, Decimal):
                yield path, str(value), name
            elif path and isinstance(value, str):
                yield path, value, ""

    def _word(self) -> str:
        return _WORDS[self._below(len(_WORDS))]

    def _below(self, count: int) -> int:
        return int(self.rng.integers(count))


def _times(amount: str, factor: Decimal) -> str:
    return str((Decimal(amount) * factor).quantize(Decimal("0.01")))
