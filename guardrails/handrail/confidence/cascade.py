"""How sure one answer is: the cheapest measure first, a second look only where it could change anything."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from handrail.confidence.calibration.apply import CalibrationScope, apply, score_of
from handrail.confidence.calibration.combine import reading
from handrail.confidence.scorers import p_true
from handrail.confidence.scorers.agreement import Parse, agreement
from handrail.confidence.scorers.logprobs import logit, sigmoid
from handrail.confidence.scorers.score import score, signals
from handrail.records import Confidence, Draft

if TYPE_CHECKING:
    from handrail.confidence.calibration.artefact import Calibration


Check: TypeAlias = Literal["off", "verbalised", "p_true", "agreement"]

SECOND_WEIGHT = 0.25
"""Weight of a second look that agrees, in log-odds: the prior weight of signals beside a label's."""

_EVEN = 0.5

_BYTES_A_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What second looks may cost in one exchange; None is no limit. Seconds are wall-clock."""

    calls: int = 4
    tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a policy wants answers checked.

    Args:
        check: which second look there is.
        threshold: what the value will be held against; without one every answer is looked at twice.
        grey: half the width of the band around the threshold in which a second look is worth its cost.
        samples: further answers for `agreement`, and for `p_true` where there are no log-probabilities.
        temperature: of those answers; below 0.7 they agree by habit.
        budget: per exchange.
        only_lowers: the first value was calibrated with a promise, so a second look may lower it and never
            raise it: what is passed then stays within what was certified.
    """

    check: Check = "off"
    threshold: float | None = None
    grey: float = 0.15
    samples: int = 3
    temperature: float = 0.7
    budget: Budget = field(default_factory=Budget)
    only_lowers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask the model again, `count` times: the same request, or `instruction` about the answer if given."""

    count: int
    temperature: float
    instruction: str | None = None
    wants_logprobs: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """What came back, possibly fewer than asked for, and how long it took together."""

    drafts: tuple[Draft, ...] = ()
    seconds: float = 0.0


class Purse:
    """What is left of one exchange's budget; shared by all its answers, and changed by spending."""

    def __init__(self, budget: Budget) -> None:
        self._calls, self._tokens, self.seconds = budget.calls, budget.tokens, budget.seconds

    @staticmethod
    def tokens_of(draft: Draft) -> int:
        """Output tokens of a draft, by count where they are known, else one for every four bytes."""
        if draft.logprobs:
            return len(draft.logprobs)
        size = len(draft.text.encode("utf-8", "surrogatepass")) + sum(
            len(c.arguments) for c in draft.tool_calls
        )
        return max(1, math.ceil(size / _BYTES_A_TOKEN))

    def affords(self, count: int, *, per_call: int) -> int:
        """How many of some calls can still be paid."""
        if self.seconds is not None and self.seconds <= 0:
            return 0
        within = count if self._tokens is None else min(count, self._tokens // per_call)
        return max(0, min(within, self._calls))

    def spend(self, replies: Replies) -> None:
        """Pay for replies; a call that failed costs as much as one that did not."""
        self._calls -= max(1, len(replies.drafts))
        if self._tokens is not None:
            self._tokens -= sum(self.tokens_of(reply) for reply in replies.drafts)
        if self.seconds is not None:
            self.seconds -= replies.seconds


def is_in_doubt(first: Confidence, look: Look) -> bool:
    """True when a second look could change what happens: nothing was measured, or the value is near."""
    if look.check not in ("p_true", "agreement"):
        return False
    if first.value is None or look.threshold is None:
        return not look.only_lowers or first.value is not None
    if look.only_lowers and first.value < look.threshold:
        return False
    return abs(first.value - look.threshold) <= look.grey


def second_look(
    draft: Draft, first: Confidence, look: Look, *, parse: Parse | None = None, purse: Purse | None = None
) -> Generator[Ask, Replies, Confidence]:
    """Look again if there is doubt and the budget allows it.

    Yields what to ask, is sent the replies, returns the confidence that both looks come to. A second look
    that was asked for and failed leaves the confidence unknown; one that the budget forbids leaves the first
    as it is and says so in `missing`.

    Args:
        draft: the answer in question, without its self-check.
        first: what one call told.
        look: how to check.
        parse: the task's own reading of an answer, for `agreement`.
        purse: what earlier looks at the same exchange left of its budget; a full one if not given.
    """
    if not is_in_doubt(first, look):
        return first
    purse = purse or Purse(look.budget)
    if look.check == "agreement":
        count = purse.affords(look.samples, per_call=purse.tokens_of(draft))
        if count == 0:
            return _over_budget(first, look.check)
        replies = yield Ask(count=count, temperature=look.temperature, seconds=purse.seconds)
        purse.spend(replies)
        usable = tuple(reply for reply in replies.drafts if reply.fault is None)
        return _joined(first, agreement(draft, usable, parse=parse), look)
    value = yield from _ask_whether_true(draft, look, purse)
    return _over_budget(first, look.check) if isinstance(value, _Refused) else _joined(first, value, look)


def both(first: float, second: float) -> float:
    """Weigh a second look with the first.

    Doubt counts in full: below one half the first value is scaled down in proportion, to 0 at 0. Assent
    counts little, for a model repeats its errors: above one half log-odds add up, the second's with
    `SECOND_WEIGHT`. So a second look below one half never raises the value and one above never lowers it.
    """
    if second <= _EVEN:
        return first * second / _EVEN
    return max(first, sigmoid(logit(first) + SECOND_WEIGHT * reading(second, "stated")))


class _Refused:
    """The budget does not allow a single call."""


def _ask_whether_true(
    draft: Draft, look: Look, purse: Purse
) -> Generator[Ask, Replies, float | _Refused | None]:
    if purse.affords(1, per_call=1) == 0:
        return _Refused()
    question = p_true.question(draft)
    ask = Ask(
        count=1,
        temperature=look.temperature,
        instruction=question,
        wants_logprobs=True,
        seconds=purse.seconds,
    )
    replies = yield ask
    purse.spend(replies)
    drafts = tuple(reply for reply in replies.drafts if reply.fault is None)
    if drafts and not p_true.has_logprobs(drafts):
        # One word without its probability is a coin that landed; a few of them make a share.
        more = purse.affords(look.samples - len(drafts), per_call=1)
        if more > 0:
            replies = yield replace(ask, count=more, seconds=purse.seconds)
            purse.spend(replies)
            drafts += tuple(reply for reply in replies.drafts if reply.fault is None)
    return p_true.read(drafts)


def _joined(first: Confidence, second: float | None, look: Look) -> Confidence:
    if second is None:
        return replace(first, value=None, method=look.check, missing=(*first.missing, look.check))
    if first.value is None:
        return replace(first, value=second, method=look.check)
    joint = both(first.value, second)
    if look.only_lowers:
        joint = min(joint, first.value)
    return replace(first, value=joint, method=f"{first.method}+{look.check}")


def _over_budget(first: Confidence, check: Check) -> Confidence:
    return replace(first, missing=(*first.missing, f"{check} (over budget)"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of it; `score` and `method` are for the decision log, before calibration."""

    confidence: Confidence
    score: float | None
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The calibration in force and the call it is held against."""

    calibration: "Calibration"
    call: CalibrationScope


def measure(
    draft: Draft,
    look: Look,
    *,
    in_force: InForce | None = None,
    labels: Sequence[str] = (),
    purse: Purse | None = None,
) -> Generator[Ask, Replies, Measured]:
    """Measure one answer; yields what to ask the model and is sent the replies.

    Without a calibration the second look centres on the policy's threshold and may raise or lower. With one
    the value is calibrated first, and the second look, around the certified threshold, may only lower: what
    is passed then stays within what was certified. What the calibration does not speak for stays unknown.

    Args:
        draft: the answer, without its self-check.
        look: how the policy wants answers checked.
        in_force: the calibration, if there is one.
        labels: the labels the answer must be one of.
        purse: what is left of the exchange's budget.
    """
    first = score(draft, labels=labels)
    if in_force is None:
        confidence = yield from second_look(draft, first, look, purse=purse)
        return Measured(confidence=confidence, score=first.value, method=first.method)
    calibration = in_force.calibration
    seen = signals(draft, labels=labels) if calibration.combiner is not None else {}
    certified = apply(calibration, first, scope=in_force.call, signals=seen)
    held = replace(look, threshold=certified.threshold, only_lowers=True)
    confidence = yield from second_look(draft, certified, held, purse=purse)
    raw = score_of(calibration, first, seen)
    method = calibration.method if raw is not None else first.method
    return Measured(confidence=confidence, score=first.value if raw is None else raw, method=method)
