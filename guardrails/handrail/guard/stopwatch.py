"""What a call takes: microseconds by part, how often the model was asked, what its provider says it used."""

import math
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from handrail.confidence.cascade import SampleRequest
from handrail.records import CallCost, Draft

Ask = Callable[[SampleRequest], Sequence[Draft]]
AsyncAsk = Callable[[SampleRequest], Awaitable[Sequence[Draft]]]
Askable = Callable[[SampleRequest], SampleRequest]

MOST_FIGURES = 32
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


class StopWatch:
    """Times the parts of one call, each from the end of the one before."""

    __slots__ = ("_asked", "_latency", "_sampling_ns", "_since", "usage")

    def __init__(self) -> None:
        self._since = time.perf_counter_ns()
        self._latency: dict[str, int] = {}
        self._asked = self._sampling_ns = 0
        self.usage: Mapping[str, float] = {}

    def lap(self, part: str) -> None:
        """End a part."""
        now = time.perf_counter_ns()
        self._latency[part] = (now - self._since - self._sampling_ns) // 1000
        if self._sampling_ns:
            self._latency["samples"] = self._sampling_ns // 1000
        self._since, self._sampling_ns = now, 0
        if part == "model":
            self._asked += 1

    def asking(self, ask: Ask | None, askable: Askable) -> Ask | None:
        """Return how to ask the model again, timed apart from the part in which it is asked."""
        if ask is None:
            return None

        def again(need: SampleRequest) -> Sequence[Draft]:
            with self._sampling(need):
                return ask(askable(need))

        return again

    def aasking(self, ask: AsyncAsk | None, askable: Askable) -> AsyncAsk | None:
        """Return how to ask the model again, awaited; see `asking`."""
        if ask is None:
            return None

        async def again(need: SampleRequest) -> Sequence[Draft]:
            with self._sampling(need):
                return await ask(askable(need))

        return again

    @contextmanager
    def _sampling(self, need: SampleRequest) -> Iterator[None]:
        began = time.perf_counter_ns()
        try:
            yield
        finally:
            self._sampling_ns += time.perf_counter_ns() - began
            self._asked += need.count

    def cost(self) -> CallCost:
        """Return what the call took so far."""
        return CallCost(latency_us=dict(self._latency), asked=self._asked, usage=self.usage)


def usage_of(stated: object) -> dict[str, float]:
    """Return the numbers that a provider states, nested names joined by dots; no other values. Pure.

    Names that are no plain identifiers are left out too: a log holds nobody's words.
    """
    found: dict[str, float] = {}
    waiting: list[tuple[str, object]] = [("", stated)]
    while waiting and len(found) < MOST_FIGURES:
        prefix, value = waiting.pop(0)
        if isinstance(value, Mapping):
            for name, inner in list(value.items())[:MOST_FIGURES]:
                if isinstance(name, str) and _NAME.fullmatch(name) and prefix.count(".") < 3:
                    waiting.append((f"{prefix}{name}.", inner))
        elif isinstance(value, int | float) and not isinstance(value, bool) and _is_figure(value):
            found[prefix[:-1]] = value
    found.pop("", None)
    return found


def _is_figure(value: float) -> bool:
    return math.isfinite(value) and abs(value) < 1e15
