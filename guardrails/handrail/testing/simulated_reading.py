"""What people do with the cases of a simulated week, and when: the entries that the log gets of it."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from handrail.testing.simulated_log import Held, event_record
from handrail.testing.simulated_people import SimulatedReviewer

MEDIAN_WAIT_S, SPREAD = 480.0, 0.8
"""How long a case waits until somebody takes it: log-normal."""


def read_cases(
    held: Sequence[Held],
    chosen: Collection[int],
    people: Sequence[SimulatedReviewer],
    rng: np.random.Generator,
) -> Iterator[Mapping[str, Any]]:
    """Yield what people do with a week's cases.

    Args:
        held: the cases.
        chosen: the places of those that they get to; tickets that they do not get to expire after a day.
        people: who reads; each case goes to one of them by chance.
        rng: where chance comes from.
    """
    seen: Counter[tuple[str, str]] = Counter()
    picks = rng.integers(len(people), size=len(held))
    waits = rng.lognormal(math.log(MEDIAN_WAIT_S), SPREAD, len(held))
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
        if not case.is_ticket:
            yield event_record(case, "answer.view", taken, person.name, {"exchange": case.exchange.id})
            said = "right" if verdict == "approve" else "wrong"
            judged = {"exchange": case.exchange.id, "verdict": said}
            yield event_record(case, "answer.judge", done, person.name, judged)
            continue
        yield event_record(case, "ticket.claim", taken, person.name, {})
        kind = "approve" if verdict in ("approve", "edit") else verdict
        yield event_record(case, f"ticket.{kind}", done, person.name, {"verdict": verdict})
