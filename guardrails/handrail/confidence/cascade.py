"""How sure one answer is: the cheapest measure first, a second look only where it could change anything.

1. What one call gives is scored (`scorers.score`): log-probabilities, else the model's own number.
2. A calibration, if one is in force, turns the score into a probability and names the threshold that was
   certified for it.
3. Near the threshold, or where nothing could be measured, the model is asked again, as far as the budget
   allows: for further answers (`agreement`) or whether the answer is true (`p_true`).

Without a calibration a second look may raise the value or lower it. With one it may only lower: what passes
then stays within what was certified. Where asking again is itself the calibrated measure, every answer is
asked again, wherever the threshold lies. What the calibration does not speak for stays unknown.
"""

import hashlib
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from handrail.confidence.calibration.apply import CalibrationScope, apply, score_of
from handrail.confidence.calibration.combine import reading
from handrail.confidence.scorers import p_true
from handrail.confidence.scorers.agreement import agreement
from handrail.confidence.scorers.logprobs import logit, sigmoid
from handrail.confidence.scorers.score import score, signals
from handrail.records import NOTE_NAME, SETTING_NAME, Confidence, Draft, Message, Score, Speaker

if TYPE_CHECKING:
    from handrail.confidence.calibration.artefact import Calibration


Check: TypeAlias = Literal["off", "verbalised", "p_true", "agreement"]

ASKED_AGAIN = ("agreement", "p_true")
"""The checks that ask the model again."""

SECOND_WEIGHT = 0.25
"""Weight of a second look that agrees, in log-odds: the prior weight of signals beside a label's."""

_EVEN = 0.5

_BYTES_A_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRequest:
    """Ask the model again, `count` times. Answer: `Replies`, empty when it could not be asked.

    `instruction` is put to the model in place of the request where it is given: a question about the proposed
    answer. `seconds` is what is left of the exchange's time for this.
    """

    messages: tuple[Message, ...]
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


@dataclass(slots=True, kw_only=True)
class Budget:
    """What second looks may still cost in one exchange; None is no limit. Seconds are wall-clock.

    All answers of an exchange share one; `spend` lowers it.
    """

    calls: int = 4
    tokens: int | None = None
    seconds: float | None = None

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
        """How many of some calls can still be paid; `per_call` is in tokens."""
        if self.seconds is not None and self.seconds <= 0:
            return 0
        within = count if self.tokens is None else min(count, self.tokens // per_call)
        return max(0, min(within, self.calls))

    def spend(self, replies: Replies) -> None:
        """Pay for replies; a call that failed costs as much as one that did not."""
        self.calls -= max(1, len(replies.drafts))
        if self.tokens is not None:
            self.tokens -= sum(self.tokens_of(reply) for reply in replies.drafts)
        if self.seconds is not None:
            self.seconds -= replies.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """How a policy wants answers checked by the model itself.

    Args:
        check: which second look there is.
        threshold: what the value will be held against; without one every answer is looked at twice.
        grey: half the width of the band around the threshold in which a second look is worth its cost.
        samples: further answers for `agreement`, and for `p_true` where there are no log-probabilities.
        temperature: of those answers; below 0.7 they agree by habit.
        budget: what every exchange starts with; never spent itself.
        only_lowers: the first value was calibrated with a promise, so a second look may not raise it.
    """

    check: Check = "off"
    threshold: float | None = None
    grey: float = 0.15
    samples: int = 3
    temperature: float = 0.7
    budget: Budget = field(default_factory=Budget)
    only_lowers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """How confidence is measured under one policy.

    Args:
        self_check: the second look.
        calibration: the one in force.
        is_logged: every score goes into a log that calibration learns from, with all its signals.
    """

    self_check: SelfCheck = field(default_factory=SelfCheck)
    calibration: "Calibration | None" = None
    is_logged: bool = False


def measure(
    cascade: Cascade,
    draft: Draft,
    messages: Sequence[Message],
    budget: Budget,
    *,
    named_slice: str | None = None,
) -> Generator[SampleRequest, Replies, Confidence]:
    """Measure the confidence of one draft; yields what to ask the model and is sent the replies.

    Args:
        cascade: how.
        draft: the answer, without its self-check.
        messages: what the model was asked, for asking it again.
        budget: what is left of the exchange's budget.
        named_slice: the declared slice that the exchange belongs to.

    Returns:
        The confidence; its `score` is set where scores are logged.
    """
    first, calibration = score(draft), cascade.calibration
    if calibration is None and not cascade.is_logged:
        return (yield from second_look(draft, first, cascade.self_check, messages, budget))
    scope = CalibrationScope(
        model=draft.model or "", prompt_sha256=prompt_sha256(messages), slice=named_slice
    )
    if calibration is not None and calibration.method not in ASKED_AGAIN:
        seen = signals(draft) if calibration.combiner is not None else {}
        certified = apply(calibration, first, scope=scope, signals=seen)
        check = replace(cascade.self_check, threshold=certified.threshold, only_lowers=True)
        found = yield from second_look(draft, certified, check, messages, budget)
        raw = score_of(calibration, first, seen)
        scored = first if raw is None else replace(first, value=raw, method=calibration.method)
    else:
        check = cascade.self_check if calibration is None else replace(cascade.self_check, threshold=None)
        found = yield from second_look(draft, first, check, messages, budget)
        scored = found if first.value is None and found.method in ASKED_AGAIN else first
        if calibration is not None:
            found = apply(calibration, found, scope=scope)
    if scored.value is None or not cascade.is_logged:
        return found
    kept = Score(
        value=scored.value,
        method=scored.method,
        model=scope.model,
        prompt_sha256=scope.prompt_sha256,
        signals=signals(draft),
    )
    return replace(found, score=kept)


def prompt_sha256(messages: Sequence[Message]) -> str:
    """Return the digest of the developer's own part of a request; a calibration holds for one prompt only."""
    own = "\x1e".join(
        message.text
        for message in messages
        # What a person has decided in this conversation is told in a note; it is no part of the prompt. Nor
        # are the tools and other settings of the request.
        if message.speaker is Speaker.SYSTEM
        and message.name != NOTE_NAME
        and not (message.name or "").startswith(SETTING_NAME)
    )
    return hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()


def is_in_doubt(first: Confidence, check: SelfCheck) -> bool:
    """True when a second look could change what happens: nothing was measured, or the value is near."""
    if check.check not in ASKED_AGAIN:
        return False
    if first.value is None or check.threshold is None:
        return not check.only_lowers or first.value is not None
    if check.only_lowers and first.value < check.threshold:
        return False
    return abs(first.value - check.threshold) <= check.grey


def second_look(
    draft: Draft,
    first: Confidence,
    check: SelfCheck,
    messages: Sequence[Message] = (),
    budget: Budget | None = None,
) -> Generator[SampleRequest, Replies, Confidence]:
    """Look again if there is doubt and the budget allows it.

    Yields what to ask, is sent the replies, returns the confidence of both looks together. A second look that
    was asked for and failed leaves the confidence unknown; one that the budget forbids leaves the first as it
    is and says so in `missing`.

    Args:
        draft: the answer in question, without its self-check.
        first: what one call told.
        check: how to check.
        messages: what the model was asked.
        budget: what earlier looks at the same exchange left of its budget; the check's own if not given.
    """
    if not is_in_doubt(first, check):
        return first
    budget = budget or replace(check.budget)
    if check.check == "agreement":
        count = budget.affords(check.samples, per_call=budget.tokens_of(draft))
        if count == 0:
            return _over_budget(first, check.check)
        replies = yield SampleRequest(
            messages=tuple(messages), count=count, temperature=check.temperature, seconds=budget.seconds
        )
        budget.spend(replies)
        usable = tuple(reply for reply in replies.drafts if reply.fault is None)
        return _joined(first, agreement(draft, usable), check)
    if budget.affords(1, per_call=1) == 0:
        return _over_budget(first, check.check)
    said = yield from _ask_whether_true(draft, check, messages, budget)
    return _joined(first, said, check)


def both(first: float, second: float) -> float:
    """Weigh a second look with the first.

    Doubt counts in full: below one half the first value is scaled down in proportion, to 0 at 0. Assent
    counts little, for a model repeats its errors: above one half log-odds add up, the second's with
    `SECOND_WEIGHT`. So a second look below one half never raises the value and one above never lowers it.
    """
    if second <= _EVEN:
        return first * second / _EVEN
    return max(first, sigmoid(logit(first) + SECOND_WEIGHT * reading(second, "stated")))


def _ask_whether_true(
    draft: Draft, check: SelfCheck, messages: Sequence[Message], budget: Budget
) -> Generator[SampleRequest, Replies, float | None]:
    asked = SampleRequest(
        messages=tuple(messages),
        count=1,
        temperature=check.temperature,
        instruction=p_true.question(draft),
        wants_logprobs=True,
        seconds=budget.seconds,
    )
    replies = yield asked
    budget.spend(replies)
    drafts = tuple(reply for reply in replies.drafts if reply.fault is None)
    if drafts and not p_true.has_logprobs(drafts):
        # One word without its probability is a coin that landed; a few of them make a share.
        more = budget.affords(check.samples - len(drafts), per_call=1)
        if more > 0:
            replies = yield replace(asked, count=more, seconds=budget.seconds)
            budget.spend(replies)
            drafts += tuple(reply for reply in replies.drafts if reply.fault is None)
    return p_true.read(drafts)


def _joined(first: Confidence, second: float | None, check: SelfCheck) -> Confidence:
    if second is None:
        return replace(first, value=None, method=check.check, missing=(*first.missing, check.check))
    if first.value is None:
        return replace(first, value=second, method=check.check)
    joint = both(first.value, second)
    if check.only_lowers:
        joint = min(joint, first.value)
    return replace(first, value=joint, method=f"{first.method}+{check.check}")


def _over_budget(first: Confidence, check: Check) -> Confidence:
    return replace(first, missing=(*first.missing, f"{check} (over budget)"))
